"""The core, assembled: every verb over one bundle of ports."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import attrs

from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.ports.accounts import PasswordHasher
from zero2prod_core.ports.store import UnitOfWork
from zero2prod_core.ports.system import Ids, Randomness
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
    ReleaseLease,
    RenewLease,
)
from zero2prod_core.usecases.doubts import ListFailures, ListUncertain, ResolveUncertain
from zero2prod_core.usecases.issue_steering import CancelIssue, FinishIssues, PauseIssue, ResendIssue, ResumeIssue
from zero2prod_core.usecases.issues import ListIssues, Publish, ShowIssue
from zero2prod_core.usecases.newsletters import CreateNewsletter, EditNewsletter, FindNewsletter, ListNewsletters
from zero2prod_core.usecases.policy import Policy
from zero2prod_core.usecases.sessions import LogIn, LogOut, ReadSession
from zero2prod_core.usecases.settling import SettleDeliveries
from zero2prod_core.usecases.subscribers import (
    CheckConfirmation,
    CheckUnsubscription,
    Confirm,
    SubscribeBatch,
    Unsubscribe,
)
from zero2prod_core.usecases.sweeps import Sweep
from zero2prod_core.usecases.traffic import Traffic

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
    sweep: Sweep

    @classmethod
    def assemble(cls, uow: UnitOfWork, policy: Policy, auditor: Auditor) -> "Jobs":
        return cls(
            ExpireLeases(uow),
            CancelDeliveries(uow),
            FinishIssues(uow, auditor),
            CompactDeliveries(uow, policy, auditor),
            Sweep(uow, auditor),
        )


@attrs.frozen
class Application:
    """The verbs. Each is an awaitable call; its class's docstring says what it does and what it raises."""

    subscribe: Subscribe
    subscribe_batch: SubscribeBatch
    check_confirmation: CheckConfirmation
    confirm: Confirm
    check_unsubscription: CheckUnsubscription
    unsubscribe: Unsubscribe
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
    claim_deliveries: ClaimDeliveries
    settle_deliveries: SettleDeliveries
    renew_lease: RenewLease
    release_lease: ReleaseLease
    count_unfinished: CountUnfinished
    create_account: CreateAccount
    list_accounts: ListAccounts
    make_set_up_link: MakeSetUpLink
    check_set_up_link: CheckSetUpLink
    set_up_account: SetUpAccount
    set_password: SetPassword
    change_password: ChangePassword
    log_in: LogIn
    read_session: ReadSession
    log_out: LogOut
    read_checklist: ReadChecklist
    dismiss_steps: DismissSteps
    jobs: Jobs

    @classmethod
    def assemble(cls, ports: Ports) -> "Application":
        uow, keys, policy = ports.uow, ports.keys, ports.policy
        ids, randomness, passwords = ports.ids, ports.randomness, ports.passwords
        auditor = Auditor(ids, randomness)
        subscribe_batch = SubscribeBatch(uow, ids, randomness, keys, policy, auditor)
        return cls(
            subscribe=one_by_one(subscribe_batch),
            subscribe_batch=subscribe_batch,
            check_confirmation=CheckConfirmation(uow, keys),
            confirm=Confirm(uow, ids, keys, policy, auditor),
            check_unsubscription=CheckUnsubscription(uow, keys),
            unsubscribe=Unsubscribe(uow, ids, keys, auditor),
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
            claim_deliveries=ClaimDeliveries(uow, ids, keys, policy, Traffic(policy, randomness)),
            settle_deliveries=SettleDeliveries(uow, randomness, policy, auditor),
            renew_lease=RenewLease(uow, policy),
            release_lease=ReleaseLease(uow),
            count_unfinished=CountUnfinished(uow),
            create_account=CreateAccount(uow, ids, keys, auditor),
            list_accounts=ListAccounts(uow),
            make_set_up_link=MakeSetUpLink(uow, randomness, keys, policy, auditor),
            check_set_up_link=CheckSetUpLink(uow, keys),
            set_up_account=SetUpAccount(uow, keys, policy, passwords, auditor),
            set_password=SetPassword(uow, policy, passwords, auditor),
            change_password=ChangePassword(uow, policy, passwords, auditor),
            log_in=LogIn(uow, randomness, passwords, auditor),
            read_session=ReadSession(uow),
            log_out=LogOut(uow, auditor),
            read_checklist=ReadChecklist(uow),
            dismiss_steps=DismissSteps(uow, auditor),
            jobs=Jobs.assemble(uow, policy, auditor),
        )
