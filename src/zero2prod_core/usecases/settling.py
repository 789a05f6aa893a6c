"""What comes of mails that were tried: written to the ledger, with all that follows from it."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import attrs

from zero2prod_core.domain.audit import Action, AuditEvent, Resource
from zero2prod_core.domain.breakers import BreakerKey, failure_of, is_answer, tripped
from zero2prod_core.domain.deliveries import Mark, Rejected, Report, Ruling, Scope, SenderFault, rule
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.issues import IssueEvent, IssueState, PauseCause
from zero2prod_core.domain.letters import LetterEvent
from zero2prod_core.domain.origins import system
from zero2prod_core.domain.refusals import WINDOW, is_refused
from zero2prod_core.domain.subscribers import TRANSITIONS, Event, Subscriber
from zero2prod_core.domain.suppressions import Reason, Suppression
from zero2prod_core.ports.store import Transaction, UnitOfWork
from zero2prod_core.ports.system import Randomness
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.issue_steering import held_issue
from zero2prod_core.usecases.persons import subscriber_resource
from zero2prod_core.usecases.policy import Policy


@attrs.frozen
class Settlement:
    """As the ledger's ``Settled``. ``decided``: the breakers of which the reports told whether they hold mail back."""

    applied: tuple[bool, ...]
    granted: tuple[bool, ...]
    decided: Collection[BreakerKey] = ()


@attrs.frozen
class SettleDeliveries:
    """Write results and grant marks, for all connections at once.

    That is one transaction; two, the results first, where a result has effects beyond its row. A dead e-mail address is
    suppressed, and its subscribers bounce; our own fault, or too many refusals, pauses the issue with the reason; what
    takes no mail trips its breaker, and ``probing`` ones close when mail is taken.
    After Unavailable, CommitUnknown included, ask again: what holds already is left as it is, and granted again.
    """

    uow: UnitOfWork
    randomness: Randomness
    policy: Policy
    auditor: Auditor

    async def __call__(
        self, reports: Sequence[Report], marks: Sequence[Mark], probing: Collection[BreakerKey] = ()
    ) -> Settlement:
        if marks and any(map(_has_effects, reports)):
            # The effects change recipients and letters, which marks hold against change: both in one transaction could
            # each wait for the other's.
            first, then = await self(reports, (), probing), await self((), marks)
            return Settlement(first.applied, then.granted, first.decided)
        async with self.uow() as tx:
            rulings = [self._rule(report) for report in reports]
            await self._hold(tx, reports)
            settled = await tx.deliveries.settle_batch(rulings, marks)
            applied = [report for report, holds in zip(reports, settled.applied, strict=True) if holds]
            await self._pause_all(tx, applied)
            await self._bounce(tx, [report for report in applied if _is_dead(report)])
            decided = await self._switch(tx, applied, probing)
        return Settlement(settled.applied, settled.granted, decided)

    def _rule(self, report: Report) -> Ruling:
        return rule(report, self.randomness.fraction(), self.policy.retries, self.policy.give_up_after)

    async def _hold(self, tx: Transaction, reports: Sequence[Report]) -> None:
        """Lock what the effects may change: issues, letters and recipients come before the ledger's rows."""
        blamed = {report.key.letter for report in reports if _is_fault(report) or _blames_letter(report)}
        if blamed:
            letters = (await tx.letters.get_batch(blamed)).values()
            for issue in sorted(letter.issue for letter in letters if letter.issue):
                await held_issue(tx, issue)
        dead = {report.key.recipient for report in reports if _is_dead(report)}
        if dead:
            await tx.subscribers.sharing_email(dead)

    async def _switch(
        self, tx: Transaction, reports: Sequence[Report], probing: Collection[BreakerKey]
    ) -> Collection[BreakerKey]:
        """Trip the breakers of what takes no mail, and close those that were tried with success."""
        failures = self._failures(reports)
        answered = {key for key in probing if any(_answers(report, key) for report in reports)} - failures.keys()
        if not failures and not answered:
            return ()
        before = await tx.breakers.hold_batch([*failures, *answered])
        if failures:
            now = await tx.now()
            after = [tripped(before.get(key), key, reason, now) for key, reason in sorted(failures.items())]
            await tx.breakers.save_batch([breaker for breaker in after if breaker.key in before])
            await tx.breakers.add_batch([breaker for breaker in after if breaker.key not in before])
        if closed := answered & before.keys():
            await tx.breakers.remove_batch(closed)
        return answered | (failures.keys() & set(probing))

    def _failures(self, reports: Sequence[Report]) -> Mapping[BreakerKey, str]:
        failures = ((failure_of(report, self.policy.relay), report.outcome.reply.text) for report in reports)
        return {key: reason for key, reason in failures if key}

    async def _bounce(self, tx: Transaction, dead: Sequence[Report]) -> None:
        if not dead:
            return
        now = await tx.now()
        sharing = await tx.subscribers.sharing_email({report.key.recipient for report in dead})
        reasons = await tx.suppressions.reasons([[subscriber.digest] for subscriber in sharing])
        bouncing = [s for s, why in zip(sharing, reasons, strict=True) if Reason.BOUNCE not in why or _bounces(s)]
        await tx.suppressions.add_batch([Suppression(s.digest, Reason.BOUNCE, now) for s in bouncing])
        await tx.subscribers.save_batch([s.on(Event.BOUNCE) for s in bouncing if _bounces(s)])
        await tx.audit.append_batch([self._bounced(subscriber, now) for subscriber in bouncing])

    def _bounced(self, subscriber: Subscriber, now: Instant) -> AuditEvent:
        resource, origin = subscriber_resource(subscriber.id), system("delivery")
        bounced = subscriber.on(Event.BOUNCE) if _bounces(subscriber) else subscriber
        before, after = {"status": str(subscriber.status)}, {"status": str(bounced.status), "suppressed": Reason.BOUNCE}
        return self.auditor.event(Action.SUBSCRIBER_BOUNCED, origin, resource, now, before=before, after=after)

    async def _pause_all(self, tx: Transaction, reports: Sequence[Report]) -> None:
        for letter, fault in sorted(_faults(reports).items()):
            await self._pause(tx, letter, PauseCause.SENDER, fault)
        for letter, refusal in sorted(_refusals(reports).items()):
            if is_refused(await tx.deliveries.recent(letter, WINDOW)):
                await self._pause(tx, letter, PauseCause.REFUSALS, refusal)

    async def _pause(self, tx: Transaction, letter_id: UUID, cause: PauseCause, reason: str) -> None:
        issue_id = (await tx.letters.get_batch([letter_id]))[letter_id].issue
        if issue_id is None:
            return
        issue, letter = await held_issue(tx, issue_id)
        if issue.state is not IssueState.SENDING:
            return
        await tx.letters.save(attrs.evolve(letter.on(LetterEvent.PAUSE), pause_reason=reason))
        await tx.issues.save(attrs.evolve(issue.on(IssueEvent.PAUSE), pause_reason=reason, pause_cause=cause))
        resource, origin = Resource("issue", str(issue.id)), system("delivery")
        event = self.auditor.event(Action.ISSUE_PAUSED, origin, resource, await tx.now(), reason=reason)
        await tx.audit.append_batch([event])


def _is_dead(report: Report) -> bool:
    return isinstance(report.outcome, Rejected) and report.outcome.suppress


def _is_fault(report: Report) -> bool:
    return isinstance(report.outcome, SenderFault)


def _blames_letter(report: Report) -> bool:
    return isinstance(report.outcome, Rejected) and report.outcome.blames_letter


def _has_effects(report: Report) -> bool:
    return _is_dead(report) or _is_fault(report) or _blames_letter(report)


def _bounces(subscriber: Subscriber) -> bool:
    return (subscriber.status, Event.BOUNCE) in TRANSITIONS


def _answers(report: Report, key: BreakerKey) -> bool:
    concerned = key.scope is Scope.RELAY or key.subject == report.domain
    return concerned and is_answer(report.outcome, key.scope)


def _faults(reports: Sequence[Report]) -> Mapping[UUID, str]:
    """Letter → the server's words, for every letter whose mail was refused through our own fault."""
    return {r.key.letter: r.outcome.reply.text for r in reports if _is_fault(r)}


def _refusals(reports: Sequence[Report]) -> Mapping[UUID, str]:
    """Letter → a server's words, for every letter that was blamed for a refusal."""
    return {r.key.letter: r.outcome.reply.text for r in reports if _blames_letter(r)}
