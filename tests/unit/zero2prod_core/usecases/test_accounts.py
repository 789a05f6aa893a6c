"""Accounts and their passwords: by link, from the terminal, and by their owner."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from tests.support.core import BASE_URL, COMMON, PASSWORD, POLICY, Core, CountingHasher, token_in
from zero2prod.testing.builders import KEY, KEYS, account, new_id, origin, token
from zero2prod_core.domain.accounts import Username
from zero2prod_core.domain.audit import Action, AuditOutcome
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.keys import Key, KeyRing
from zero2prod_core.domain.origins import ActorKind
from zero2prod_core.domain.tokens import Purpose, read_token, token_text
from zero2prod_core.errors import (
    AccountUnknown,
    CurrentPasswordWrong,
    FieldInvalid,
    FieldMissing,
    PasswordsDiffer,
    SessionRequired,
    TokenExpired,
    TokenMalformed,
    TokenUnknown,
    UsernameTaken,
)
from zero2prod_core.usecases.sessions import Visitor

NAME = Username("ursula")
OTHER = "another sentence"
NEW_KEY = Key("new", bytes(range(32, 64)))


class SlowHasher(CountingHasher):
    """While it hashes, something else happens, once."""

    def __init__(self, meanwhile: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Awaitable[object]] | None = meanwhile

    async def hash(self, password: str) -> str:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            await meanwhile()
        return await super().hash(password)


async def logged_in(core: Core, password: str = PASSWORD) -> Visitor:
    session = await core.application.log_in(origin(), NAME.text, password)
    visitor = await core.application.read_session(session.text)
    assert visitor
    return visitor


async def is_logged_in(core: Core, visitor: Visitor) -> bool:
    async with core.store.reading() as tx:
        return await tx.sessions.get(visitor.session) is not None


async def link_token(core: Core) -> str:
    return token_in(await core.application.accounts.make_set_up_link(origin(), NAME))


class TestCreating:
    async def test_a_new_account_has_no_password(self, core: Core) -> None:
        email = EmailAddress.parse("ursula@example.com")
        made = await core.application.accounts.create(origin(), NAME, email)
        assert await core.application.accounts.list() == [made]
        assert (made.username, made.email, made.password_hash) == (NAME, email, None)
        assert made.created_at == core.clock.now

    async def test_exactly_one_event_is_audited(self, core: Core) -> None:
        made = await core.application.accounts.create(origin(), NAME)
        (event,) = await core.audit()
        assert (event.action, event.resource.id, event.origin) == (Action.USER_CREATED, str(made.id), origin())

    async def test_a_username_is_taken_whatever_its_case(self, core: Core) -> None:
        await core.application.accounts.create(origin(), NAME)
        with pytest.raises(UsernameTaken, match="URSULA is taken"):
            await core.application.accounts.create(origin(), Username("URSULA"))
        assert await core.actions() == [Action.USER_CREATED]

    async def test_accounts_are_listed_by_username(self, core: Core) -> None:
        for name in ("bob", "Ada", "carl"):
            await core.account(name, None)
        assert [found.username.text for found in await core.application.accounts.list()] == ["Ada", "bob", "carl"]


class TestSetUpLinks:
    async def test_a_link_leads_to_its_account_without_being_used(self, core: Core) -> None:
        made = await core.account(password=None)
        link = await core.application.accounts.make_set_up_link(origin(), NAME)
        assert link.startswith(f"{BASE_URL}/setup?token=")
        assert await core.application.accounts.check_set_up_link(token_in(link)) == made
        assert await core.application.accounts.check_set_up_link(token_in(link)) == made

    async def test_making_one_is_audited_once(self, core: Core) -> None:
        made = await core.account(password=None)
        await core.application.accounts.make_set_up_link(origin(), NAME)
        assert await core.actions() == [Action.USER_CREATED, Action.TOKEN_CREATED]
        assert (await core.audit())[-1].resource.id == str(made.id)

    async def test_nobody_gets_one_for_an_unknown_account(self, core: Core) -> None:
        with pytest.raises(AccountUnknown, match="no account is called ursula"):
            await core.application.accounts.make_set_up_link(origin(), NAME)
        assert await core.audit() == []

    async def test_it_sets_the_password_and_says_who_did(self, core: Core) -> None:
        made = await core.account(password=None)
        used = await core.application.accounts.set_up(origin(), await link_token(core), PASSWORD, PASSWORD)
        assert used.id == made.id
        assert (await logged_in(core)).account.username == NAME
        event = (await core.audit())[2]
        assert (event.action, event.resource.id) == (Action.PASSWORD_CHANGE, str(made.id))
        assert (event.origin.actor.kind, event.origin.actor.id) == (ActorKind.ACCOUNT, str(made.id))

    async def test_it_works_once(self, core: Core) -> None:
        await core.account(password=None)
        text = await link_token(core)
        await core.application.accounts.set_up(origin(), text, PASSWORD, PASSWORD)
        with pytest.raises(TokenUnknown):
            await core.application.accounts.check_set_up_link(text)
        with pytest.raises(TokenUnknown):
            await core.application.accounts.set_up(origin(), text, OTHER, OTHER)
        assert (await logged_in(core, PASSWORD)).account.username == NAME

    async def test_two_uses_at_the_same_time_are_one(self, core: Core) -> None:
        await core.account(password=None)
        text = await link_token(core)
        uses = [core.application.accounts.set_up(origin(), text, chosen, chosen) for chosen in (PASSWORD, OTHER)]
        outcomes = await asyncio.gather(*uses, return_exceptions=True)
        assert sorted(isinstance(outcome, TokenUnknown) for outcome in outcomes) == [False, True]
        assert (await core.actions()).count(Action.PASSWORD_CHANGE) == 1

    async def test_a_newer_one_replaces_it(self, core: Core) -> None:
        await core.account(password=None)
        older, newer = await link_token(core), await link_token(core)
        with pytest.raises(TokenUnknown):
            await core.application.accounts.check_set_up_link(older)
        assert (await core.application.accounts.check_set_up_link(newer)).username == NAME

    async def test_one_that_is_replaced_while_the_password_is_hashed_does_not_work(self, core: Core) -> None:
        await core.account(password=None)
        text = await link_token(core)
        core.passwords = SlowHasher(lambda: link_token(core))
        with pytest.raises(TokenUnknown):
            await core.over(core.store).accounts.set_up(origin(), text, PASSWORD, PASSWORD)
        assert (await core.stored_account()).password_hash is None

    async def test_it_ends_every_session_of_the_account(self, core: Core) -> None:
        await core.account()
        visitor = await logged_in(core)
        await core.application.accounts.set_up(origin(), await link_token(core), OTHER, OTHER)
        assert not await is_logged_in(core, visitor)

    @pytest.mark.parametrize(
        ("password", "repeated", "error"),
        [
            (PASSWORD, OTHER, PasswordsDiffer),
            ("", "", FieldMissing),
            ("short", "short", FieldInvalid),
            (COMMON.upper(), COMMON.upper(), FieldInvalid),
        ],
    )
    async def test_an_unacceptable_password_leaves_it_working(
        self, core: Core, password: str, repeated: str, error: type[Exception]
    ) -> None:
        await core.account(password=None)
        text = await link_token(core)
        with pytest.raises(error):
            await core.application.accounts.set_up(origin(), text, password, repeated)
        assert (await core.application.accounts.check_set_up_link(text)).username == NAME
        assert core.passwords.hashed == 0

    async def test_it_works_until_just_before_it_expires(self, core: Core) -> None:
        await core.account(password=None)
        text = await link_token(core)
        core.clock.forward(POLICY.set_up_lasts - timedelta(microseconds=1))
        assert (await core.application.accounts.check_set_up_link(text)).username == NAME
        core.clock.forward(timedelta(microseconds=1))
        with pytest.raises(TokenExpired):
            await core.application.accounts.check_set_up_link(text)
        with pytest.raises(TokenExpired):
            await core.application.accounts.set_up(origin(), text, PASSWORD, PASSWORD)

    @pytest.mark.parametrize(("text", "error"), [("", FieldMissing), ("?", TokenMalformed), ("x" * 43, TokenUnknown)])
    async def test_what_we_did_not_make_costs_no_hash(self, core: Core, text: str, error: type[Exception]) -> None:
        with pytest.raises(error):
            await core.application.accounts.check_set_up_link(text)
        with pytest.raises(error):
            await core.application.accounts.set_up(origin(), text, PASSWORD, PASSWORD)
        assert core.passwords.hashed == 0

    async def test_a_token_for_confirming_is_useless_here(self, core: Core) -> None:
        with pytest.raises(TokenUnknown):
            await core.application.accounts.check_set_up_link(await core.token())
        await core.account(password=None)
        id_, _ = read_token(KEYS, Purpose.SET_UP, await link_token(core))
        with pytest.raises(TokenUnknown):
            await core.application.accounts.check_set_up_link(token_text(KEY, Purpose.CONFIRM, id_))

    async def test_one_whose_account_is_gone_is_unknown(self, core: Core) -> None:
        left = token(new_id(), Purpose.SET_UP)
        async with core.store() as tx:
            await tx.tokens.add_batch([left])
        with pytest.raises(TokenUnknown):
            await core.application.accounts.check_set_up_link(token_text(KEY, Purpose.SET_UP, left.id))

    async def test_it_works_as_long_as_its_key_is_listed(self, core: Core) -> None:
        await core.account(password=None)
        text = await link_token(core)
        assert (await core.over(core.store, KeyRing((NEW_KEY, KEY))).accounts.check_set_up_link(text)).username == NAME
        with pytest.raises(TokenUnknown):
            await core.over(core.store, KeyRing((NEW_KEY,))).accounts.check_set_up_link(text)


class TestSettingFromTheTerminal:
    async def test_the_password_is_set_and_audited_once(self, core: Core) -> None:
        made = await core.account(password=None)
        await core.application.accounts.set_password(origin(), NAME, PASSWORD)
        assert await core.actions() == [Action.USER_CREATED, Action.PASSWORD_CHANGE]
        assert (await core.audit())[-1].resource.id == str(made.id)
        assert (await logged_in(core)).account.username == NAME

    async def test_sessions_and_links_of_the_account_end(self, core: Core) -> None:
        await core.account()
        visitor, text = await logged_in(core), await link_token(core)
        await core.application.accounts.set_password(origin(), NAME, OTHER)
        assert not await is_logged_in(core, visitor)
        with pytest.raises(TokenUnknown):
            await core.application.accounts.check_set_up_link(text)

    async def test_an_unknown_account_is_refused(self, core: Core) -> None:
        with pytest.raises(AccountUnknown):
            await core.application.accounts.set_password(origin(), NAME, PASSWORD)
        assert await core.audit() == []

    async def test_the_rules_for_passwords_hold_here_too(self, core: Core) -> None:
        await core.account(password=None)
        with pytest.raises(FieldInvalid):
            await core.application.accounts.set_password(origin(), NAME, "short")
        assert (await core.stored_account()).password_hash is None


class TestChangingOnesOwn:
    async def test_the_new_password_holds_and_the_old_one_does_not(self, core: Core) -> None:
        await core.account()
        await core.application.accounts.change_password(origin(), await logged_in(core), PASSWORD, OTHER, OTHER)
        assert (await core.stored_account()).password_hash == await CountingHasher().hash(OTHER)
        assert (await logged_in(core, OTHER)).account.username == NAME

    async def test_it_is_audited_once_in_the_accounts_name(self, core: Core) -> None:
        made = await core.account()
        visitor = await logged_in(core)
        known = len(await core.audit())
        await core.application.accounts.change_password(origin(), visitor, PASSWORD, OTHER, OTHER)
        (event,) = (await core.audit())[known:]
        assert (event.action, event.outcome) == (Action.PASSWORD_CHANGE, AuditOutcome.SUCCESS)
        assert (event.origin.actor.id, event.resource.id) == (str(made.id), str(made.id))

    async def test_every_other_session_and_a_waiting_link_end(self, core: Core) -> None:
        await core.account()
        mine, other, text = await logged_in(core), await logged_in(core), await link_token(core)
        await core.application.accounts.change_password(origin(), mine, PASSWORD, OTHER, OTHER)
        assert await is_logged_in(core, mine)
        assert not await is_logged_in(core, other)
        with pytest.raises(TokenUnknown):
            await core.application.accounts.check_set_up_link(text)

    async def test_sessions_of_other_accounts_stay(self, core: Core) -> None:
        await core.account("bob")
        session = await core.application.log_in(origin(), "bob", PASSWORD)
        await core.account()
        await core.application.accounts.change_password(origin(), await logged_in(core), PASSWORD, OTHER, OTHER)
        assert await core.application.read_session(session.text)

    async def test_different_new_passwords_are_said_first_and_cost_nothing(self, core: Core) -> None:
        await core.account()
        visitor = await logged_in(core)
        known, verified = await core.audit(), core.passwords.verified
        with pytest.raises(PasswordsDiffer):
            await core.application.accounts.change_password(origin(), visitor, "wrong", OTHER, "third sentence")
        assert (await core.audit(), core.passwords.verified) == (known, verified)

    async def test_a_wrong_current_password_is_said_next_and_audited(self, core: Core) -> None:
        made = await core.account()
        visitor = await logged_in(core)
        with pytest.raises(CurrentPasswordWrong):
            await core.application.accounts.change_password(origin(), visitor, "wrong", "short", "short")
        event = (await core.audit())[-1]
        assert (event.action, event.outcome) == (Action.PASSWORD_CHANGE_FAIL, AuditOutcome.FAILURE)
        assert (event.origin.actor.id, event.resource.id) == (str(made.id), str(made.id))
        assert (await logged_in(core, PASSWORD)).account.username == NAME

    async def test_the_new_password_is_judged_last_and_changes_nothing(self, core: Core) -> None:
        await core.account()
        visitor = await logged_in(core)
        known = await core.audit()
        with pytest.raises(FieldInvalid):
            await core.application.accounts.change_password(origin(), visitor, PASSWORD, "short", "short")
        assert await core.audit() == known

    async def test_one_that_was_set_from_the_terminal_meanwhile_wins(self, core: Core) -> None:
        await core.account()
        visitor = await logged_in(core)
        core.passwords = SlowHasher(
            lambda: core.application.accounts.set_password(origin(), NAME, "the third sentence")
        )
        with pytest.raises(SessionRequired):
            await core.over(core.store).accounts.change_password(origin(), visitor, PASSWORD, OTHER, OTHER)
        assert (await logged_in(core, "the third sentence")).account.username == NAME

    async def test_an_account_that_is_gone_has_none(self, core: Core) -> None:
        visitor = Visitor(account(), b"hash")
        with pytest.raises(SessionRequired):
            await core.application.accounts.change_password(origin(), visitor, PASSWORD, OTHER, OTHER)
        assert await core.audit() == []

    async def test_both_ways_to_write_a_letter_are_one_password(self, core: Core) -> None:
        await core.account(password="caf\u00e9 au lait, s'il te pla\u00eet")
        assert (await logged_in(core, "cafe\u0301 au lait, s'il te plai\u0302t")).account.username == NAME
