"""Which adapter stands behind which port. Leaves are annotated, because only annotated leaves are type-checked."""

from dependency_injector import containers, providers

from adapters_http.lateness import patient_timeout
from adapters_postgres.health import PostgresHealth, PostgresHeartbeats
from adapters_postgres.locks import PostgresLocks
from adapters_postgres.pool import Pool
from adapters_postgres.signal import PostgresDeliverySignal
from adapters_postgres.unit_of_work import PostgresUnitOfWork
from adapters_system.alarms import Alarms
from adapters_system.clock import SystemClock
from adapters_system.common_passwords import load_common_passwords
from adapters_system.ids import TimeOrderedIds
from adapters_system.passwords import Argon2PasswordHasher
from adapters_system.proof_of_work import ProofOfWork
from adapters_system.randomness import SystemRandomness
from adapters_system.telemetry import PrometheusTelemetry
from zero2prod.settings import Settings
from zero2prod.settings_checks import check_keys
from zero2prod_core.application import Application, Ports
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.ports.challenges import Challenges
from zero2prod_core.ports.store import Health, Heartbeats, Locks, UnitOfWork
from zero2prod_core.ports.system import Clock, Ids, Randomness
from zero2prod_core.ports.telemetry import Telemetry
from zero2prod_core.usecases.policy import Policy


def _policy(settings: Settings) -> Policy:
    return Policy(
        base_url=settings.base_url,
        sender=settings.sender,
        token_lasts=settings.subscriptions.token_ttl,
        lease_lasts=settings.delivery.lease,
        uncertain=settings.delivery.uncertain,
        retries=settings.retries,
        give_up_after=settings.delivery.give_up,
        retention=settings.delivery.retention,
        relay=settings.relay_name,
        recipient_rates=settings.recipient_rates,
        sender_rates=settings.sender_rates,
        limits=settings.limits_policy,
        common_passwords=load_common_passwords(),
    )


class Container(containers.DeclarativeContainer):
    """One process's parts, built when first asked for. The pool is built closed; `runtime.running` opens it."""

    settings: providers.Provider[Settings] = providers.Dependency(instance_of=Settings)

    clock: providers.Provider[Clock] = providers.Singleton(SystemClock)
    ids: providers.Provider[Ids] = providers.Singleton(TimeOrderedIds)
    randomness: providers.Provider[Randomness] = providers.Singleton(SystemRandomness)
    telemetry: providers.Provider[PrometheusTelemetry] = providers.Singleton(PrometheusTelemetry)
    alarms: providers.Provider[Telemetry] = providers.Singleton(Alarms, telemetry)
    passwords: providers.Provider[Argon2PasswordHasher] = providers.Singleton(Argon2PasswordHasher)
    keys: providers.Provider[KeyRing] = providers.Singleton(check_keys, settings)
    policy: providers.Provider[Policy] = providers.Singleton(_policy, settings)
    challenges: providers.Provider[Challenges] = providers.Singleton(ProofOfWork, keys, clock)

    pool: providers.Provider[Pool] = providers.Singleton(
        Pool, settings.provided.database.url, limit=providers.Object(patient_timeout)
    )
    uow: providers.Provider[UnitOfWork] = providers.Singleton(PostgresUnitOfWork, pool, telemetry)
    locks: providers.Provider[Locks] = providers.Singleton(PostgresLocks, pool)
    health: providers.Provider[Health] = providers.Singleton(PostgresHealth, pool)
    heartbeats: providers.Provider[Heartbeats] = providers.Singleton(PostgresHeartbeats, pool)
    signal: providers.Provider[PostgresDeliverySignal] = providers.Singleton(PostgresDeliverySignal, pool)

    ports: providers.Provider[Ports] = providers.Singleton(
        Ports,
        uow=uow,
        ids=ids,
        randomness=randomness,
        passwords=passwords,
        keys=keys,
        policy=policy,
        telemetry=alarms,
    )
    application: providers.Provider[Application] = providers.Singleton(Application.assemble, ports)
