from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import TypeAlias

import attrs

from zero2prod_core.domain.consent import Evidence
from zero2prod_core.domain.deliveries import NewDelivery
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.letters import LetterKind
from zero2prod_core.domain.limits import Cells
from zero2prod_core.domain.newsletters import Newsletter, Slug
from zero2prod_core.domain.subscribers import (
    Event,
    Round,
    RoundState,
    SignUp,
    Status,
    Subscriber,
    comes_back,
    opens_round,
)
from zero2prod_core.domain.suppressions import Digest, digest, digests, may_sign_up
from zero2prod_core.domain.tokens import Purpose, Token, read_token
from zero2prod_core.errors import NewsletterUnknown, Refusal, TokenUnknown, Unavailable
from zero2prod_core.ports.limits import LimitKey
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.telemetry import Telemetry
from zero2prod_core.usecases.limits import SHARED_BUDGETS, Admission, Asked, note_withheld, refusal, tell_withheld
from zero2prod_core.usecases.rounds import Rounds, mail_to


class Outcome(StrEnum):
    """What became of a sign-up; the visitor is never told which."""

    MAILED = "mailed"
    NOTICED = "noticed"
    WITHHELD = "withheld"
    NOTHING = "nothing"


Answer: TypeAlias = Outcome | Refusal


@attrs.define(eq=False)
class _Case:
    """One sign-up on its way through a batch. It is decided once it has an answer.

    ``withheld_by``: the budget that keeps its mail back.
    """

    sign_up: SignUp
    newsletter: Newsletter
    visitor: Sequence[Asked]
    mail: Sequence[Asked]
    answer: Answer | None = None
    withheld_by: LimitKey | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the sign-up is written down though its mail is withheld: it is not to blame for that."""
        return self.withheld_by is not None and self.withheld_by.scope in SHARED_BUDGETS


@attrs.frozen
class SignUpBatch:
    """Sign up several visitors in one transaction, and say what became of each, in order.

    A sign-up that is refused, for a newsletter that does not exist, fields that it does not have, or a visitor who asks
    too often, does not disturb the others. What follows depends on the subscriber: the unknown, the pending and those
    who come back get a confirmation mail, the confirmed a notice, who complained nothing. A mail that would be too many
    for its recipient is not sent, and nothing is written; one that is too many for a domain or for all is not sent, but
    the sign-up is kept, so that the staff can send it later. Of two sign-ups of one e-mail address in a batch the first
    counts.
    """

    uow: UnitOfWork
    keys: KeyRing
    rounds: Rounds
    admission: Admission
    telemetry: Telemetry

    async def __call__(self, batch: Sequence[SignUp]) -> Sequence[Answer]:
        suppressed: Sequence[Sequence[Digest]] = ()
        async with self.uow() as tx:
            newsletters = await tx.newsletters.find({sign_up.newsletter for sign_up in batch})
            cases = [self._case(sign_up, newsletters) for sign_up in batch]
            known = [case for case in cases if isinstance(case, _Case)]
            if known:
                cells = await self.admission.hold(
                    tx, [asked for case in known for asked in (*case.visitor, *case.mail)]
                )
                _admit(known, cells)
                suppressed = await self._welcome(tx, _undecided(known), cells)
                await self._write(tx, _undecided(known), cells)
                await tx.limits.write_batch(cells.changed)
                await note_withheld(tx, _withheld_by(known))
        answers = [(case.answer or Outcome.NOTHING) if isinstance(case, _Case) else case for case in cases]
        self._tell(answers, _withheld_by(known))
        await self._adopt(suppressed)
        return answers

    def _case(self, sign_up: SignUp, newsletters: Mapping[Slug, Newsletter]) -> _Case | Refusal:
        newsletter = newsletters.get(sign_up.newsletter)
        if newsletter is None:
            return NewsletterUnknown(sign_up.newsletter.text)
        try:
            checked = sign_up.checked(newsletter)
        except Refusal as refused:
            return refused
        visitor = self.admission.visitor(sign_up.evidence.origin)
        return _Case(checked, newsletter, visitor, self.admission.mail(newsletter, sign_up.email))

    async def _welcome(
        self, tx: Transaction, cases: Sequence[_Case], cells: Cells[LimitKey]
    ) -> Sequence[Sequence[Digest]]:
        """Decide those whom no mail may follow, now or later; returns every digest of each of the suppressed."""
        sought = [digests(self.keys, case.sign_up.email) for case in cases]
        reasons = await tx.suppressions.reasons(sought)
        for case, why in zip(cases, reasons, strict=True):
            if not may_sign_up(why):
                case.answer = Outcome.NOTHING
            elif refused := cells.take(case.mail):
                case.withheld_by = refused[0]
                case.answer = None if case.is_kept else Outcome.WITHHELD
        return [known for known, why in zip(sought, reasons, strict=True) if why]

    async def _adopt(self, suppressed: Sequence[Sequence[Digest]]) -> None:
        """Know the suppressed under the newest key, so that older ones can be retired.

        In a transaction of its own: whoever holds one subscriber of a person and then wants the others may wait for
        somebody who waits for them.
        """
        if suppressed and len(self.keys.keys) > 1:
            with suppress(Unavailable):  # the sign-ups are written, and the next one of theirs does it
                async with self.uow() as tx:
                    await tx.subscribers.adopt_digests(suppressed)
                    await tx.suppressions.adopt(suppressed)

    async def _write(self, tx: Transaction, cases: Sequence[_Case], cells: Cells[LimitKey]) -> None:
        await _drop_outlived(tx, cases)
        await self._open(tx, _undecided(cases))
        for case in cases:
            # A stranger who asks in vain shall not use up what the reader may want.
            if case.answer not in (Outcome.MAILED, Outcome.NOTICED) and not case.is_kept:
                cells.give_back(case.mail)

    async def _open(self, tx: Transaction, cases: Sequence[_Case]) -> None:
        if not cases:
            return
        now = await tx.now()
        subscribers = await tx.subscribers.claim_batch([self._candidate(case, now) for case in cases])
        if returning := [each.on(Event.SIGN_UP) for each in subscribers if comes_back(each.status)]:
            await tx.subscribers.save_batch(returning)
        found = list(zip(cases, subscribers, strict=True))
        openings = []
        for case, subscriber in found:
            if opens_round(subscriber.status):
                case.answer = Outcome.WITHHELD if case.withheld_by else Outcome.MAILED
                openings.append(self.rounds.opening(case.sign_up, subscriber, now, mailed=not case.withheld_by))
        confirmed = [(case, subscriber) for case, subscriber in found if subscriber.status is Status.CONFIRMED]
        await self.rounds.open_batch(tx, openings, await self._notices(tx, confirmed) if confirmed else ())

    def _candidate(self, case: _Case, now: Instant) -> Subscriber:
        email, newest = case.sign_up.email, self.keys.newest
        keyed, name = digest(newest, email), case.sign_up.name
        return Subscriber(self.rounds.ids.new(), case.newsletter.id, email, keyed, name, Status.PENDING, now)

    async def _notices(self, tx: Transaction, confirmed: Sequence[tuple[_Case, Subscriber]]) -> Sequence[NewDelivery]:
        """A short mail for those who are subscribed already. Its cells are taken last, by whoever holds by then every
        subscriber that they will.
        """
        asked = [self.admission.notice(case.newsletter, case.sign_up.email) for case, _ in confirmed]
        cells, now, notices = (
            await self.admission.hold(tx, [cell for each in asked for cell in each]),
            await tx.now(),
            [],
        )
        for (case, subscriber), wanted in zip(confirmed, asked, strict=True):
            refused = None if case.withheld_by else cells.take(wanted)
            case.withheld_by = refused[0] if refused else case.withheld_by
            case.answer = Outcome.WITHHELD if case.withheld_by else Outcome.NOTICED
            if case.answer is Outcome.NOTICED:
                until = now + self.rounds.policy.token_lasts
                notices.append(mail_to(self.keys.newest, subscriber, LetterKind.NOTICE, self.rounds.ids.new(), until))
        await tx.limits.write_batch(cells.changed)
        return notices

    def _tell(self, answers: Iterable[Answer], withheld_by: Collection[LimitKey]) -> None:
        names = ("refused" if isinstance(answer, Refusal) else answer.value for answer in answers)
        for outcome, number in Counter(names).items():
            self.telemetry.count("sign_ups", number, outcome=outcome)
        tell_withheld(self.telemetry, withheld_by)


def _withheld_by(cases: Iterable[_Case]) -> Sequence[LimitKey]:
    return [case.withheld_by for case in cases if case.withheld_by]


def _undecided(cases: Iterable[_Case]) -> Sequence[_Case]:
    return [case for case in cases if case.answer is None]


async def _drop_outlived(tx: Transaction, cases: Iterable[_Case]) -> None:
    """A round that is asked for once more may have ended since it was read, and its subscriber be gone: then nothing
    follows, or whoever was erased would be back. Who asks is alone in a batch, so that this locks in no other's order.
    """
    repeating = [(case, case.sign_up.repeats) for case in cases if case.sign_up.repeats]
    if not repeating:
        return
    await tx.subscribers.get_batch({repeated.subscriber for _, repeated in repeating}, lock=True)
    for case, repeated in repeating:
        opened = await tx.subscribers.get_round(repeated.id)
        if opened is None or opened.state is RoundState.ENDED:
            case.answer = Outcome.NOTHING


def _admit(cases: Sequence[_Case], cells: Cells[LimitKey]) -> None:
    """Refuse visitors who ask too often, and let the first sign-up of an e-mail address speak for the others."""
    seen = set()
    for case in cases:
        case.answer = refusal(cells, case.visitor)
        person = case.newsletter.id, case.sign_up.email.key
        if case.answer is None:
            case.answer = Outcome.NOTHING if person in seen else None
            seen.add(person)


@attrs.frozen
class SubscribeBatch:
    """`SignUpBatch` as visitors see it: refused, or answered alike whatever is known of the e-mail address."""

    sign_up_batch: SignUpBatch

    async def __call__(self, batch: Sequence[SignUp]) -> Sequence[Refusal | None]:
        answers = await self.sign_up_batch(batch)
        return [answer if isinstance(answer, Refusal) else None for answer in answers]


@attrs.frozen
class AskAgain:
    """Sign up again by the link of an earlier mail, which may have expired, as that sign-up was typed.

    The answer is the same whether a mail follows or not; none follows where an erasure was faster.

    Raises:
        FieldMissing, TokenMalformed, TokenUnknown, LimitExceeded
    """

    uow: UnitOfWork
    keys: KeyRing
    sign_up_batch: SignUpBatch

    async def __call__(self, token_text: str, evidence: Evidence) -> Newsletter:
        presented = read_token(self.keys, Purpose.CONFIRM, token_text)
        async with self.uow.reading() as tx:
            token = await tx.tokens.get(presented.id, Purpose.CONFIRM)
            if token is None or token.key_id != presented.key.id:
                raise TokenUnknown
            sign_up, newsletter = await self._sign_up(tx, token, evidence)
        (answer,) = await self.sign_up_batch([sign_up])
        if isinstance(answer, Refusal):
            raise answer
        return newsletter

    async def _sign_up(self, tx: Transaction, token: Token, evidence: Evidence) -> tuple[SignUp, Newsletter]:
        opened = await tx.subscribers.get_round(token.subject)
        if opened is None or opened.state is RoundState.ENDED:
            raise TokenUnknown
        return await repeated(tx, opened, evidence)


async def repeated(tx: Transaction, opened: Round, evidence: Evidence) -> tuple[SignUp, Newsletter]:
    """The sign-up that opened a round, once more. Raises TokenUnknown where its subscriber is gone."""
    subscriber: Subscriber | None = (await tx.subscribers.get_batch([opened.subscriber])).get(opened.subscriber)
    if subscriber is None:
        raise TokenUnknown
    newsletter = (await tx.newsletters.get_batch([subscriber.newsletter]))[subscriber.newsletter]
    sign_up = SignUp(newsletter.slug, subscriber.email, opened.name, evidence, opened.fields, opened.tags, opened)
    return sign_up, newsletter
