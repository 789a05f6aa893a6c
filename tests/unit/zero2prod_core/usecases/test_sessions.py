"""Logging in, staying so, and logging out."""

import base64
from datetime import timedelta

import attrs
import pytest

from tests.support.core import PASSWORD, Core, CountingHasher
from zero2prod.testing.builders import account, origin, session
from zero2prod_core.domain.audit import Action, AuditOutcome
from zero2prod_core.domain.origins import ActorKind
from zero2prod_core.domain.sessions import ABSOLUTE, IDLE, TOUCHED_EVERY, SessionId
from zero2prod_core.errors import CredentialsRefused, FieldMissing
from zero2prod_core.ports.accounts import Verification
from zero2prod_core.usecases.sessions import Visitor


async def log_in(core: Core, password: str = PASSWORD) -> SessionId:
    return await core.application.log_in(origin(), "ursula", password)


async def visitor_of(core: Core, id_: SessionId) -> Visitor:
    visitor = await core.application.read_session(id_.text)
    assert visitor
    return visitor


async def seen_at(core: Core, id_: SessionId) -> timedelta:
    """When the session was last used, from its beginning."""
    async with core.store.reading() as tx:
        found = await tx.sessions.get(id_.hash)
    assert found
    return found.seen_at - found.created_at


class TestLoggingIn:
    async def test_it_opens_a_session_of_the_account(self, core: Core) -> None:
        made = await core.account()
        id_ = await core.application.log_in(origin(), "URSULA", PASSWORD)
        assert await visitor_of(core, id_) == Visitor(made, id_.hash)

    async def test_every_login_has_an_id_of_its_own(self, core: Core) -> None:
        await core.account()
        assert (await log_in(core)).text != (await log_in(core)).text

    async def test_it_is_audited_once_in_the_accounts_name(self, core: Core) -> None:
        made = await core.account()
        known = len(await core.audit())
        await log_in(core)
        (event,) = (await core.audit())[known:]
        assert (event.action, event.outcome) == (Action.LOGIN_SUCCESS, AuditOutcome.SUCCESS)
        assert (event.resource.id, event.origin.actor.id) == (str(made.id), str(made.id))
        assert event.details == {"network_address": "192.0.2.1", "user_agent": "A browser"}

    async def test_the_stored_session_does_not_hold_the_cookie(self, core: Core) -> None:
        await core.account()
        id_ = await log_in(core)
        async with core.store.reading() as tx:
            stored = await tx.sessions.get(id_.hash)
        assert stored
        assert id_.secret not in attrs.astuple(stored)

    @pytest.mark.parametrize("username", ["ursula", "nobody", "not a username", "x" * 100])
    async def test_a_refusal_costs_one_hash_and_says_the_same_whoever_it_is(self, core: Core, username: str) -> None:
        await core.account()
        before = core.passwords.verified, core.passwords.hashed
        with pytest.raises(CredentialsRefused, match=r"^Authentication failed$"):
            await core.application.log_in(origin(), username, "wrong password")
        assert (core.passwords.verified - before[0], core.passwords.hashed - before[1]) == (1, 0)

    async def test_a_refusal_is_audited_with_the_account_but_not_with_what_was_typed(self, core: Core) -> None:
        made = await core.account()
        known = len(await core.audit())
        for username in ("ursula", "hunter2"):
            with pytest.raises(CredentialsRefused):
                await core.application.log_in(origin(), username, "wrong password")
        tried, unknown = (await core.audit())[known:]
        assert {tried.action, unknown.action} == {Action.LOGIN_FAIL}
        assert {tried.outcome, unknown.outcome} == {AuditOutcome.FAILURE}
        assert (tried.resource.id, unknown.resource.id) == (str(made.id), "unknown")
        assert tried.origin.actor.kind is ActorKind.VISITOR
        assert "hunter2" not in unknown.canonical

    async def test_an_account_without_a_password_is_refused(self, core: Core) -> None:
        await core.account(password=None)
        for typed in (PASSWORD, ""):
            with pytest.raises(CredentialsRefused):
                await log_in(core, typed)

    async def test_an_empty_username_is_missing(self, core: Core) -> None:
        with pytest.raises(FieldMissing):
            await core.application.log_in(origin(), "", PASSWORD)

    async def test_a_hash_of_older_parameters_is_renewed(self, core: Core) -> None:
        made = await core.account()
        async with core.store() as tx:
            await tx.accounts.save(attrs.evolve(made, password_hash=f"old:{PASSWORD}"))
        known = len(await core.audit())
        await log_in(core)
        assert (await core.stored_account()).password_hash == f"new:{PASSWORD}"
        assert len(await core.audit()) == known + 1

    async def test_a_password_that_was_changed_meanwhile_is_refused_and_audited(self, core: Core) -> None:
        made = await core.account()

        class SlowHasher(CountingHasher):
            async def verify(self, password: str, encoded: str | None) -> Verification:
                async with core.store() as tx:
                    await tx.accounts.save(attrs.evolve(made, password_hash="new:another sentence"))
                return await super().verify(password, encoded)

        core.passwords = SlowHasher()
        with pytest.raises(CredentialsRefused):
            await core.over(core.store).log_in(origin(), "ursula", PASSWORD)
        assert (await core.actions())[-1] is Action.LOGIN_FAIL
        assert (await core.stored_account()).password_hash == "new:another sentence"


class TestReading:
    @pytest.mark.parametrize("cookie", ["", "x", "é" * 43, "A" * 43, base64.urlsafe_b64encode(bytes(31)).decode()])
    async def test_what_is_no_session_is_nobodys(self, core: Core, cookie: str) -> None:
        assert await core.application.read_session(cookie) is None

    async def test_a_session_lives_until_just_before_it_is_idle_too_long(self, core: Core) -> None:
        await core.account()
        first, second = await log_in(core), await log_in(core)
        core.clock.forward(IDLE - timedelta(microseconds=1))
        assert await core.application.read_session(first.text)
        core.clock.forward(timedelta(microseconds=1))
        assert await core.application.read_session(second.text) is None
        assert await core.application.read_session(first.text)

    async def test_however_busy_it_ends_after_its_absolute_time(self, core: Core) -> None:
        await core.account()
        id_, opened_at = await log_in(core), core.clock.now
        while core.clock.now + IDLE / 2 < opened_at + ABSOLUTE:
            core.clock.forward(IDLE / 2)
            assert await core.application.read_session(id_.text)
        core.clock.now = opened_at + ABSOLUTE
        assert await core.application.read_session(id_.text) is None

    async def test_a_use_is_noted_at_most_once_a_minute(self, core: Core) -> None:
        await core.account()
        id_ = await log_in(core)
        core.clock.forward(TOUCHED_EVERY - timedelta(microseconds=1))
        await core.application.read_session(id_.text)
        assert await seen_at(core, id_) == timedelta(0)
        core.clock.forward(timedelta(microseconds=1))
        await core.application.read_session(id_.text)
        assert await seen_at(core, id_) == TOUCHED_EVERY

    async def test_a_page_that_is_only_open_is_no_use(self, core: Core) -> None:
        await core.account()
        id_ = await log_in(core)
        core.clock.forward(TOUCHED_EVERY)
        assert await core.application.read_session(id_.text, looking=True)
        assert await seen_at(core, id_) == timedelta(0)
        core.clock.forward(IDLE)
        assert await core.application.read_session(id_.text, looking=True) is None

    async def test_reading_is_not_audited(self, core: Core) -> None:
        await core.account()
        id_ = await log_in(core)
        known = await core.audit()
        core.clock.forward(timedelta(hours=1))
        await core.application.read_session(id_.text)
        assert await core.audit() == known

    async def test_a_session_whose_account_is_gone_is_nobodys(self, core: Core) -> None:
        id_ = SessionId(bytes(32))
        async with core.store() as tx:
            await tx.sessions.add(session(account(), hash=id_.hash))
        assert await core.application.read_session(id_.text) is None


class TestLoggingOut:
    async def test_the_session_ends_and_others_stay(self, core: Core) -> None:
        await core.account()
        mine, other = await log_in(core), await log_in(core)
        await core.application.log_out(origin(), await visitor_of(core, mine))
        assert await core.application.read_session(mine.text) is None
        assert await core.application.read_session(other.text)

    async def test_it_is_audited_once_however_often_it_is_asked(self, core: Core) -> None:
        made = await core.account()
        visitor = await visitor_of(core, await log_in(core))
        for _ in range(2):
            await core.application.log_out(origin(), visitor)
        assert (await core.actions()).count(Action.LOGOUT) == 1
        event = (await core.audit())[-1]
        assert (event.action, event.origin.actor.id) == (Action.LOGOUT, str(made.id))
