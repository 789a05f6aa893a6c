"""How often passwords may be tried."""

import attrs
import pytest

from tests.support.core import PASSWORD, POLICY, Core
from zero2prod.testing.builders import origin
from zero2prod_core.domain.audit import Action
from zero2prod_core.domain.limits import NO_LIMITS, Limits, Rate
from zero2prod_core.domain.origins import Origin
from zero2prod_core.errors import CredentialsRefused, CurrentPasswordWrong, LimitExceeded, StoreUnavailable
from zero2prod_core.usecases.sessions import Visitor

TWICE = Rate.parse("2/15m")
WRONG = "wrong"


def limited(**rates: Rate | None) -> Core:
    """Nothing is limited but what is named."""
    return Core(policy=attrs.evolve(POLICY, limits=attrs.evolve(NO_LIMITS, **rates)))


def origin_at(network_address: str | None) -> Origin:
    return attrs.evolve(origin(), network_address=network_address)


async def attempt(core: Core, username: str = "ursula", password: str = WRONG, at: str | None = "192.0.2.1") -> str:
    """What comes of it, in a word; the scope of a limit that refuses."""
    hashed = core.passwords.verified
    try:
        await core.application.log_in(origin_at(at), username, password)
    except CredentialsRefused:
        return "refused"
    except LimitExceeded as refusal:
        assert core.passwords.verified == hashed, "a password was hashed for whoever may not try"
        return refusal.scope
    return "in"


async def attempts(core: Core, *networks: str) -> list[str]:
    return [await attempt(core, at=network) for network in networks]


class TestOneAccount:
    async def test_is_tried_so_often_from_wherever(self) -> None:
        core = limited(login_account=TWICE)
        await core.account()
        assert await attempts(core, "192.0.2.1", "192.0.2.2", "192.0.2.3") == ["refused", "refused", "login_account"]
        assert await attempt(core, password=PASSWORD, at="192.0.2.4") == "login_account"

    async def test_is_limited_under_any_spelling(self) -> None:
        core = limited(login_account=TWICE)
        await core.account()
        tried = [await attempt(core, name) for name in ("ursula", "URSULA", "Ursula")]
        assert tried == ["refused", "refused", "login_account"]

    @pytest.mark.parametrize("username", ["nobody", "not a username!", "x" * 5000, "ж"])
    async def test_is_limited_alike_where_there_is_none(self, username: str) -> None:
        core = limited(login_account=TWICE)
        assert [await attempt(core, username) for _ in range(3)] == ["refused", "refused", "login_account"]
        assert await attempt(core, "another") == "refused"

    async def test_recovers_with_time(self) -> None:
        core = limited(login_account=TWICE)
        await core.account()
        await attempts(core, *["192.0.2.1"] * 3)
        core.clock.forward(TWICE.emission_interval)
        assert await attempt(core, password=PASSWORD) == "in"

    async def test_lets_in_whoever_knows_the_password_however_often(self) -> None:
        core = limited(login_account=TWICE, login_network=TWICE)
        await core.account()
        assert [await attempt(core, password=PASSWORD) for _ in range(20)] == ["in"] * 20

    async def test_remembers_others_failures_across_a_success(self) -> None:
        core = limited(login_account=Rate.parse("3/15m"))
        await core.account()
        tried = [await attempt(core, password=password) for password in ("wrong", PASSWORD, "wrong", PASSWORD, "wrong")]
        assert tried == ["refused", "in", "refused", "in", "refused"]
        assert await attempt(core, password=PASSWORD) == "login_account"


class TestOneNetwork:
    async def test_tries_so_often_whatever_the_account(self) -> None:
        core = limited(login_network=TWICE)
        assert [await attempt(core, name) for name in ("a", "b", "c")] == ["refused", "refused", "login_network"]
        assert await attempt(core, "c", at="192.0.2.2") == "refused"

    async def test_is_a_64_of_ipv6(self) -> None:
        core = limited(login_network=TWICE)
        tried = await attempts(core, "2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1")
        assert tried == ["refused", "refused", "login_network", "refused"]

    async def test_uses_up_no_more_of_an_account_or_of_all_than_it_may_try(self) -> None:
        core = limited(login_network=TWICE, login_account=Rate.parse("3/15m"), login_total=Rate.parse("3/15m"))
        tried = await attempts(core, *["192.0.2.1"] * 9, "192.0.2.2", "192.0.2.3")
        assert tried == ["refused"] * 2 + ["login_network"] * 7 + ["refused", "login_account"]

    async def test_has_a_48_around_it_that_has_its_own(self) -> None:
        core = limited(login_network=TWICE, login_site=Rate.parse("3/15m"), login_total=Rate.parse("4/15m"))
        tried = await attempts(core, *(f"2001:db8:1:{number:x}::1" for number in range(9)))
        assert tried == ["refused"] * 3 + ["login_site"] * 6
        assert await attempts(core, "2001:db8:2::1", "2001:db8:3::1") == ["refused", "login_total"]

    async def test_that_is_refused_takes_nothing_from_its_neighbours(self) -> None:
        core = limited(login_network=TWICE, login_site=Rate.parse("3/15m"))
        tried = await attempts(core, *["2001:db8::1"] * 5, "2001:db8:0:1::1")
        assert tried == ["refused"] * 2 + ["login_network"] * 3 + ["refused"]

    async def test_gets_back_what_succeeded_and_so_does_its_48(self) -> None:
        core = limited(login_site=TWICE)
        await core.account()
        assert [await attempt(core, password=PASSWORD, at="2001:db8::1") for _ in range(5)] == ["in"] * 5

    async def test_that_nobody_knows_is_not_limited(self) -> None:
        core = limited(login_network=TWICE)
        assert [await attempt(core, at=None) for _ in range(3)] == ["refused"] * 3


async def test_all_together_are_limited() -> None:
    core = limited(login_total=TWICE)
    tried = [await attempt(core, name, at=f"192.0.2.{number}") for number, name in enumerate("abc")]
    assert tried == ["refused", "refused", "login_total"]


async def test_an_account_that_is_used_up_takes_nothing_from_what_all_share() -> None:
    core = limited(login_account=TWICE, login_total=Rate.parse("3/15m"))
    assert [await attempt(core) for _ in range(9)] == ["refused"] * 2 + ["login_account"] * 7
    assert await attempt(core, "another") == "refused"


async def test_without_limits_nothing_is_asked_of_the_store() -> None:
    core = limited()
    assert [await attempt(core) for _ in range(100)] == ["refused"] * 100
    async with core.store() as tx:
        assert await tx.limits.sweep(core.clock.now.replace(year=2100), 10) == 0


async def test_failures_wait_the_longer_the_more_there_are_whether_the_account_exists_or_not() -> None:
    core = limited(login_account=Rate.parse("10/15m"))
    await core.account()
    for username in ("ursula", "nobody"):
        waits = []
        for _ in range(7):
            with pytest.raises(CredentialsRefused) as refused:
                await core.application.log_in(origin(), username, "wrong")
            waits.append(refused.value.wait.total_seconds())
        assert waits == [0, 0, 0.5, 1, 2, 4, 4]


async def test_a_refusal_says_when_to_try_again_and_whose_limit_it_is() -> None:
    core = limited(login_account=TWICE)
    await core.account()
    await attempts(core, *["192.0.2.1"] * 2)
    with pytest.raises(LimitExceeded) as refused:
        await core.application.log_in(origin(), "ursula", PASSWORD)
    assert refused.value.retry_after == TWICE.emission_interval
    assert refused.value.fields == {"scope": "login_account", "retry_after": "450", "rule": "limit"}
    assert str(refused.value) == "Too many requests. Try again in 8 minutes."
    assert len(refused.value.subject) == 32


async def test_a_store_that_is_away_lets_nobody_have_a_password_hashed(core: Core) -> None:
    class Away:
        def __call__(self) -> object:
            raise StoreUnavailable

        reading = __call__

    hashed = core.passwords.verified
    away = core.over(Away())  # type: ignore[arg-type] # it never gets as far as a transaction
    with pytest.raises(StoreUnavailable):
        await away.log_in(origin(), "ursula", PASSWORD)
    assert core.passwords.verified == hashed


class TestChangingAPassword:
    async def test_the_current_one_is_tried_so_often_as_at_the_login(self) -> None:
        core = limited(login_account=Rate.parse("3/15m"))
        account = await core.account()
        assert await attempt(core) == "refused"
        visitor = Visitor(account, bytes(32))
        change = core.application.accounts.change_password
        for _ in range(2):
            with pytest.raises(CurrentPasswordWrong):
                await change(origin(), visitor, "wrong", "another sentence", "another sentence")
        with pytest.raises(LimitExceeded):
            await change(origin(), visitor, PASSWORD, "another sentence", "another sentence")
        assert (await core.actions()).count(Action.PASSWORD_CHANGE_FAIL) == 2

    async def test_a_success_gives_its_try_back(self) -> None:
        core = limited(login_account=Rate.parse("1/15m"))
        account = await core.account()
        await core.application.accounts.change_password(
            origin(), Visitor(account, bytes(32)), PASSWORD, "another sentence", "another sentence"
        )
        assert await attempt(core, password="another sentence") == "in"


async def test_links_to_choose_a_password_are_used_so_often_from_one_network() -> None:
    core = limited(login_network=Rate.parse("1/15m"))
    made = await core.account(password=None)
    used = []
    for _ in range(2):
        link = await core.application.accounts.make_set_up_link(origin(), made.username)
        used.append(link.partition("token=")[2])
        hashed = core.passwords.hashed
        try:
            await core.application.accounts.set_up(origin(), used[-1], PASSWORD, PASSWORD)
        except LimitExceeded:
            assert core.passwords.hashed == hashed
            used.append("too many")
    assert used[2:] == ["too many"]
    assert (await core.application.accounts.check_set_up_link(used[1])).username == made.username


def test_by_default_a_person_is_not_in_the_way_of_themselves() -> None:
    limits = Limits()
    assert limits.login_account
    assert limits.login_network
    assert limits.login_account.count >= 10
    assert limits.login_network.count >= limits.login_account.count


def test_by_default_no_place_can_use_up_what_all_share() -> None:
    limits = Limits()
    for places, total in (
        ((limits.login_network, limits.login_site), limits.login_total),
        ((limits.sign_up_network, limits.sign_up_site), limits.sign_up_total),
    ):
        assert total
        assert all(rate and rate.count < total.count for rate in places)
        assert all(rate and rate.emission_interval > total.emission_interval for rate in places)


async def test_a_limit_that_was_raised_after_it_was_used_up_begins_anew() -> None:
    core = limited(login_account=TWICE)
    assert await attempts(core, *["192.0.2.1"] * 3) == ["refused"] * 2 + ["login_account"]
    core.policy = attrs.evolve(POLICY, limits=attrs.evolve(NO_LIMITS, login_account=Rate.parse("5/15m")))
    core.application = core.over(core.store)
    assert await attempts(core, *["192.0.2.1"] * 6) == ["refused"] * 5 + ["login_account"]
