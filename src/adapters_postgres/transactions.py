"""All repositories over one connection."""

from collections import Counter

from adapters_postgres.accounts import PostgresAccountRepository
from adapters_postgres.audit import PostgresAuditLog
from adapters_postgres.breakers import PostgresBreakerRepository
from adapters_postgres.connections import Connection
from adapters_postgres.consent import PostgresConsentRepository
from adapters_postgres.deliveries import PostgresDeliveryLedger
from adapters_postgres.idempotency import PostgresIdempotencyRepository
from adapters_postgres.issues import PostgresIssueRepository
from adapters_postgres.letters import PostgresLetterRepository
from adapters_postgres.limits import PostgresLimitRepository
from adapters_postgres.newsletters import PostgresNewsletterRepository
from adapters_postgres.sessions import PostgresSessionRepository
from adapters_postgres.subscribers import PostgresSubscriberRepository
from adapters_postgres.suppressions import PostgresSuppressionRepository
from adapters_postgres.tokens import PostgresTokenRepository
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.instants import Instant
from zero2prod_core.errors import Defect
from zero2prod_core.ports.store import Transaction


class PostgresTransaction(Transaction):
    """Lends out its connection until `end`. ``actions`` are those that it has audit events of."""

    def __init__(self, connection: Connection) -> None:
        self.actions: Counter[Action] = Counter()
        self._lent: Connection | None = connection
        self._now: Instant | None = None

    def end(self) -> None:
        self._lent = None

    async def now(self) -> Instant:
        connection = self._connection
        if self._now is None:
            cursor = await connection.execute("SELECT clock_timestamp()")
            self._now = (await cursor.fetchall())[0][0]
        return self._now

    @property
    def _connection(self) -> Connection:
        if self._lent is None:
            raise Defect("a transaction was used after its end")
        return self._lent

    @property
    def newsletters(self) -> PostgresNewsletterRepository:
        return PostgresNewsletterRepository(self._connection)

    @property
    def subscribers(self) -> PostgresSubscriberRepository:
        return PostgresSubscriberRepository(self._connection)

    @property
    def tokens(self) -> PostgresTokenRepository:
        return PostgresTokenRepository(self._connection)

    @property
    def consent(self) -> PostgresConsentRepository:
        return PostgresConsentRepository(self._connection)

    @property
    def letters(self) -> PostgresLetterRepository:
        return PostgresLetterRepository(self._connection)

    @property
    def issues(self) -> PostgresIssueRepository:
        return PostgresIssueRepository(self._connection)

    @property
    def deliveries(self) -> PostgresDeliveryLedger:
        return PostgresDeliveryLedger(self._connection)

    @property
    def suppressions(self) -> PostgresSuppressionRepository:
        return PostgresSuppressionRepository(self._connection)

    @property
    def accounts(self) -> PostgresAccountRepository:
        return PostgresAccountRepository(self._connection)

    @property
    def sessions(self) -> PostgresSessionRepository:
        return PostgresSessionRepository(self._connection)

    @property
    def idempotency(self) -> PostgresIdempotencyRepository:
        return PostgresIdempotencyRepository(self._connection)

    @property
    def limits(self) -> PostgresLimitRepository:
        return PostgresLimitRepository(self._connection)

    @property
    def breakers(self) -> PostgresBreakerRepository:
        return PostgresBreakerRepository(self._connection)

    @property
    def audit(self) -> PostgresAuditLog:
        return PostgresAuditLog(self._connection, self.actions)
