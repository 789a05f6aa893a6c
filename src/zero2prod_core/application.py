"""The core, assembled: every verb over one bundle of ports."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import attrs

from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.ports.accounts import PasswordHasher
from zero2prod_core.ports.store import UnitOfWork
from zero2prod_core.ports.system import Ids, Randomness
from zero2prod_core.ports.telemetry import SILENT, Telemetry
from zero2prod_core.usecases.accounts import (
    ChangePassword,
    CheckSetUpLink,
    CreateAccount,
    ListAccounts,
    MakeSetUpLink,
    SetPassword,
    SetUpAccount,
)
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.checklist import DismissSteps, ReadChecklist
from zero2prod_core.usecases.deliveries import (
    CancelDeliveries,
    ClaimDeliveries,
    CompactDeliveries,
    CountUnfinished,
    ExpireLeases,
    ReadBacklog,
    ReleaseLease,
    RenewLease,
)
from zero2prod_core.usecases.doubts import ListFailures, ListUncertain, ResolveUncertain
from zero2prod_core.usecases.issue_steering import CancelIssue, FinishIssues, PauseIssue, ResendIssue, ResumeIssue
from zero2prod_core.usecases.issues import ListIssues, Publish, ShowIssue
from zero2prod_core.usecases.keys import RewriteDigests
from zero2prod_core.usecases.limits import Admission
from zero2prod_core.usecases.newsletters import CreateNewsletter, EditNewsletter, FindNewsletter, ListNewsletters
from zero2prod_core.usecases.people import People, ReadPerson
from zero2prod_core.usecases.policy import Policy
from zero2prod_core.usecases.preference_links import LinkMails
from zero2prod_core.usecases.preferences import Preferences
from zero2prod_core.usecases.refusals import CountRefusals, NoteRefusals
from zero2prod_core.usecases.rounds import LapseRounds, Rounds
from zero2prod_core.usecases.sessions import LogIn, LogOut, ReadSession
from zero2prod_core.usecases.settling import SettleDeliveries
from zero2prod_core.usecases.sign_ups import AskAgain, SignUpBatch, SubscribeBatch
from zero2prod_core.usecases.subscribers import CheckConfirmation, CheckUnsubscription, Confirm, Unsubscribe
from zero2prod_core.usecases.sweeps import Sweep
from zero2prod_core.usecases.traffic import Traffic
from zero2prod_core.usecases.tries import Tries

Subscribe: TypeAlias = Callable[[SignUp], Awaitable[None]]


@attrs.frozen
class Ports:
    """What the core asks of the world."""

    uow: UnitOfWork
    ids: Ids
    randomness: Randomness
    passwords: PasswordHasher
    keys: KeyRing
    policy: Policy
    telemetry: Telemetry = SILENT


def one_by_one(subscribe_batch: SubscribeBatch) -> Subscribe:
    """A batch of one for each sign-up; a runtime under load gathers them instead."""

    async def subscribe(sign_up: SignUp) -> None:
        (refusal,) = await subscribe_batch([sign_up])
        if refusal is not None:
            raise refusal

    return subscribe


@attrs.frozen
class Jobs:
    """The verbs that nobody asks for: a worker runs each of them again and again."""

    expire_leases: ExpireLeases
    cancel_deliveries: CancelDeliveries
    finish_issues: FinishIssues
    compact_deliveries: CompactDeliveries
    lapse_rounds: LapseRounds
    rewrite_digests: RewriteDigests
    note_refusals: NoteRefusals
    sweep: Sweep

    @classmethod
    def assemble(cls, uow: UnitOfWork, keys: KeyRing, policy: Policy, auditor: Auditor) -> "Jobs":
        return cls(
            ExpireLeases(uow),
            CancelDeliveries(uow),
            FinishIssues(uow, auditor),
            CompactDeliveries(uow, policy, auditor),
            LapseRounds(uow, auditor),
            RewriteDigests(uow, keys, auditor),
            NoteRefusals(uow, auditor),
            Sweep(uow, auditor),
        )


@attrs.frozen
class Deliveries:
    """The verbs of whoever sends: take mails, report on them, keep the lease under which they were taken."""

    claim: ClaimDeliveries
    settle: SettleDeliveries
    renew: RenewLease
    release: ReleaseLease
    count_unfinished: CountUnfinished
    read_backlog: ReadBacklog

    @classmethod
    def assemble(cls, ports: Ports, auditor: Auditor) -> "Deliveries":
        uow, randomness, policy = ports.uow, ports.randomness, ports.policy
        return cls(
            ClaimDeliveries(uow, ports.ids, ports.keys, policy, Traffic(policy, randomness)),
            SettleDeliveries(uow, randomness, policy, auditor),
            RenewLease(uow, policy),
            ReleaseLease(uow),
            CountUnfinished(uow),
            ReadBacklog(uow),
        )


@attrs.frozen
class Accounts:
    """The verbs that make accounts of the staff, and give them passwords."""

    create: CreateAccount
    list: ListAccounts
    make_set_up_link: MakeSetUpLink
    check_set_up_link: CheckSetUpLink
    set_up: SetUpAccount
    set_password: SetPassword
    change_password: ChangePassword

    @classmethod
    def assemble(cls, ports: Ports, auditor: Auditor, tries: Tries) -> "Accounts":
        uow, keys, policy, passwords = ports.uow, ports.keys, ports.policy, ports.passwords
        return cls(
            CreateAccount(uow, ports.ids, keys, auditor),
            ListAccounts(uow),
            MakeSetUpLink(uow, ports.randomness, keys, policy, auditor),
            CheckSetUpLink(uow, keys),
            SetUpAccount(uow, keys, policy, passwords, auditor, tries),
            SetPassword(uow, policy, passwords, auditor),
            ChangePassword(uow, policy, passwords, auditor, tries),
        )


@attrs.frozen
class Application:
    """The verbs. Each is an awaitable call; its class's docstring says what it does and what it raises."""

    subscribe: Subscribe
    subscribe_batch: SubscribeBatch
    ask_again: AskAgain
    check_confirmation: CheckConfirmation
    confirm: Confirm
    check_unsubscription: CheckUnsubscription
    unsubscribe: Unsubscribe
    preferences: Preferences
    create_newsletter: CreateNewsletter
    edit_newsletter: EditNewsletter
    find_newsletter: FindNewsletter
    list_newsletters: ListNewsletters
    publish: Publish
    list_issues: ListIssues
    show_issue: ShowIssue
    pause_issue: PauseIssue
    resume_issue: ResumeIssue
    cancel_issue: CancelIssue
    resend_issue: ResendIssue
    list_failures: ListFailures
    list_uncertain: ListUncertain
    resolve_uncertain: ResolveUncertain
    deliveries: Deliveries
    accounts: Accounts
    log_in: LogIn
    read_session: ReadSession
    log_out: LogOut
    count_refusals: CountRefusals
    read_checklist: ReadChecklist
    dismiss_steps: DismissSteps
    people: People
    jobs: Jobs

    @classmethod
    def assemble(cls, ports: Ports) -> "Application":
        uow, keys, policy = ports.uow, ports.keys, ports.policy
        ids, randomness, passwords = ports.ids, ports.randomness, ports.passwords
        auditor = Auditor(ids, randomness)
        rounds, admission = Rounds(ids, randomness, keys, policy, auditor), Admission(keys, policy.limits)
        tries = Tries(uow, admission)
        sign_up_batch = SignUpBatch(uow, keys, rounds, admission, ports.telemetry)
        subscribe_batch, read = SubscribeBatch(sign_up_batch), ReadPerson(keys, policy.retention)
        return cls(
            subscribe=one_by_one(subscribe_batch),
            subscribe_batch=subscribe_batch,
            ask_again=AskAgain(uow, keys, sign_up_batch),
            check_confirmation=CheckConfirmation(uow, keys),
            confirm=Confirm(uow, ids, keys, policy, auditor),
            check_unsubscription=CheckUnsubscription(uow, keys),
            unsubscribe=Unsubscribe(uow, ids, keys, auditor),
            preferences=Preferences.assemble(
                uow, ids, read, LinkMails(randomness, auditor, admission, ports.telemetry)
            ),
            create_newsletter=CreateNewsletter(uow, ids, auditor),
            edit_newsletter=EditNewsletter(uow, auditor),
            find_newsletter=FindNewsletter(uow),
            list_newsletters=ListNewsletters(uow),
            publish=Publish(uow, ids, policy, auditor),
            list_issues=ListIssues(uow),
            show_issue=ShowIssue(uow, policy),
            pause_issue=PauseIssue(uow, auditor),
            resume_issue=ResumeIssue(uow, policy, auditor),
            cancel_issue=CancelIssue(uow, auditor),
            resend_issue=ResendIssue(uow, policy, auditor),
            list_failures=ListFailures(uow),
            list_uncertain=ListUncertain(uow),
            resolve_uncertain=ResolveUncertain(uow, auditor),
            deliveries=Deliveries.assemble(ports, auditor),
            accounts=Accounts.assemble(ports, auditor, tries),
            log_in=LogIn(uow, randomness, passwords, auditor, tries),
            read_session=ReadSession(uow),
            log_out=LogOut(uow, auditor),
            count_refusals=CountRefusals(uow),
            read_checklist=ReadChecklist(uow),
            dismiss_steps=DismissSteps(uow, auditor),
            people=People.assemble(uow, ids, read, auditor, sign_up_batch),
            jobs=Jobs.assemble(uow, keys, policy, auditor),
        )
