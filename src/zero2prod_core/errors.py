"""Everything the house can say instead of an answer.

::

    Zero2ProdError
    ├── Refusal                 the caller asked for something a rule forbids
    │   ├── FieldMissing
    │   ├── FieldInvalid
    │   ├── SettingInvalid
    │   ├── DataDirectoryRefused
    │   ├── SchemaRefused
    │   ├── TokenMalformed
    │   ├── TokenUnknown
    │   ├── TokenExpired
    │   ├── CredentialsRefused
    │   ├── CurrentPasswordWrong
    │   ├── PasswordsDiffer
    │   ├── SessionRequired
    │   ├── UsernameTaken
    │   ├── AccountUnknown
    │   ├── NewsletterTaken
    │   ├── NewsletterUnknown
    │   ├── SubscriberUnknown
    │   ├── IssueUnknown
    │   ├── TransitionRefused
    │   ├── NothingToResend
    │   ├── NothingToConfirm
    │   ├── LimitExceeded
    │   ├── IdempotencyKeyInUse
    │   └── IdempotencyKeyReused
    ├── Unavailable             something we need does not answer; the same call may succeed later
    │   ├── StoreUnavailable
    │   ├── CommitUnknown
    │   └── HasherBusy
    └── Defect                  a mistake in this program

A ``Refusal`` and an ``Unavailable`` carry a stable ``code`` and ``fields`` that are safe to show and to log.
Nothing here knows of HTTP or of exit codes: each adapter maps codes to its own language.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar, Self


class Zero2ProdError(Exception):
    """Root of the tree. ``str(error)`` is one sentence for a person: what was refused, the rule, the remedy."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **fields: str) -> None:
        super().__init__(message)
        self.fields: Mapping[str, str] = fields

    def about(self, label: str) -> Self:
        """The same error, that knows the words under which a person sees the field."""
        self.fields = {**self.fields, "label": label}
        return self


class Refusal(Zero2ProdError):
    """The request breaks a rule; repeating it unchanged will be refused again."""

    code = "refused"

    also: Sequence["Refusal"] = ()
    """What else is refused of the same request, where all of it is told at once."""


class Unavailable(Zero2ProdError):
    """A part that is needed does not answer; nothing was done, unless the subclass says otherwise."""

    code = "unavailable"


class Defect(Zero2ProdError):
    """A state that the program's own rules exclude."""

    code = "defect"


class FieldMissing(Refusal):
    """A required field is absent or empty."""

    code = "field_missing"

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: missing. Fill it in and try again.", field=field, rule="required")


class FieldInvalid(Refusal):
    """A field's value breaks one of its rules.

    Args:
        field: the field's name as the caller knows it.
        rule: what must hold, as the end of the sentence "<field>: <rule>."
        remedy: what to do about it; one sentence without its full stop.
    """

    code = "field_invalid"

    def __init__(self, field: str, rule: str, remedy: str = "Correct it and try again") -> None:
        super().__init__(f"{field}: {rule}. {remedy}.", field=field, rule=rule, remedy=remedy)


class SettingInvalid(Refusal):
    """A setting is unknown or has an impossible value; the program does not start."""

    code = "setting_invalid"

    def __init__(self, setting: str, rule: str) -> None:
        super().__init__(f"{setting}: {rule}", setting=setting, rule=rule)


class DataDirectoryRefused(Refusal):
    """The data directory cannot be worked on; the program does not start.

    Args:
        directory: its path.
        rule: what stands against it, as the end of the sentence "data directory <path>: <rule>."
        remedy: what to do about it; one sentence without its full stop.
    """

    code = "data_directory_refused"

    def __init__(self, directory: str, rule: str, remedy: str) -> None:
        super().__init__(f"data directory {directory}: {rule}. {remedy}.", directory=directory, rule=rule)


class SchemaRefused(Refusal):
    """The database's schema is not one that this program made, and is left as it is.

    Args:
        rule: what stands against it, as the end of the sentence "database schema: <rule>."
        remedy: what to do about it; one sentence without its full stop.
    """

    code = "schema_refused"

    def __init__(self, rule: str, remedy: str) -> None:
        super().__init__(f"database schema: {rule}. {remedy}.", rule=rule)


class TokenMalformed(Refusal):
    """The text cannot be a token: wrong characters or an impossible length."""

    code = "token_malformed"

    def __init__(self, field: str = "subscription_token") -> None:
        super().__init__(
            f"{field}: not a token. Open the link exactly as it was given.",
            field=field,
            rule="letters, digits, - and _ only, of a token's length",
        )


class TokenUnknown(Refusal):
    """The token was not made by us, not for this purpose, or its round has ended."""

    code = "token_unknown"

    def __init__(self) -> None:
        super().__init__("This link is not valid. Ask for a new one.")


class TokenExpired(Refusal):
    """The token was ours, and its time is over."""

    code = "token_expired"

    def __init__(self) -> None:
        super().__init__("This link has expired. Ask for a new one.")


class CredentialsRefused(Refusal):
    """Unknown username or wrong password; which of the two is never said (ASVS 6.3.8).

    Args:
        wait: whoever passes this on to the outside waits so long before.
    """

    code = "credentials_refused"

    def __init__(self, wait: timedelta = timedelta(0)) -> None:
        self.wait = wait
        super().__init__("Authentication failed")


class CurrentPasswordWrong(Refusal):
    """A password change was asked for with a wrong current password."""

    code = "current_password_wrong"

    def __init__(self) -> None:
        super().__init__("The current password is incorrect.")


class PasswordsDiffer(Refusal):
    """The new password and its repetition differ."""

    code = "passwords_differ"

    def __init__(self) -> None:
        super().__init__("You entered two different new passwords - the field values must match.")


class SessionRequired(Refusal):
    """No session, or one that has ended."""

    code = "session_required"

    def __init__(self) -> None:
        super().__init__("Log in to go on.")


class UsernameTaken(Refusal):
    """An account of this username exists."""

    code = "username_taken"

    def __init__(self, username: str) -> None:
        super().__init__(f"username: {username} is taken. Choose another.", field="username", rule="unique")


class AccountUnknown(Refusal):
    """No account has this username."""

    code = "account_unknown"

    def __init__(self, username: str) -> None:
        super().__init__(f"username: no account is called {username}.", field="username", rule="existing")


class NewsletterTaken(Refusal):
    """A newsletter of this slug exists."""

    code = "newsletter_taken"

    def __init__(self, slug: str) -> None:
        super().__init__(f"slug: {slug} is taken. Choose another.", field="slug", rule="unique")


class NewsletterUnknown(Refusal):
    """No newsletter has this slug."""

    code = "newsletter_unknown"

    def __init__(self, slug: str, remedy: str = "Leave the field out for the default one") -> None:
        super().__init__(
            f"newsletter: there is no newsletter {slug!r}. {remedy}.",
            field="newsletter",
            rule=f"there is no newsletter {slug!r}",
            remedy=remedy,
            slug=slug,
        )


class SubscriberUnknown(Refusal):
    """No subscriber has this id or e-mail address; neither is repeated."""

    code = "subscriber_unknown"

    def __init__(self) -> None:
        super().__init__(
            "subscriber: nobody of this id or e-mail address is known. Look for a typing mistake.",
            field="subscriber",
            rule="existing",
        )


class IssueUnknown(Refusal):
    """No issue has this id."""

    code = "issue_unknown"

    def __init__(self, issue: str) -> None:
        super().__init__(f"issue: there is no issue {issue}.", field="issue", rule="existing")


class TransitionRefused(Refusal):
    """A life cycle has no arrow for this event in this state."""

    code = "transition_refused"

    REMEDIES: ClassVar[Mapping[tuple[str, str], str]] = MappingProxyType(
        {
            ("sending", "resume"): "It is on its way already.",
            ("sending", "resend"): "Wait until it is finished.",
            ("paused", "pause"): "It stands still already.",
            ("paused", "resend"): "Resume it first, and wait until it is finished.",
            ("finished", ""): "Nothing of it waits any more; what failed can be sent again.",
            ("cancelled", ""): "That is for good. Publish its words as a new issue.",
        }
    )
    """What a person may do instead, by an issue's state and what was asked for, or by the state alone."""

    def __init__(self, what: str, state: str, event: str) -> None:
        remedy = self.REMEDIES.get((state, event)) or self.REMEDIES.get((state, ""), "")
        super().__init__(f"{what}: cannot {event} while {state}. {remedy}".strip(), state=state, event=event)


class NothingToResend(Refusal):
    """An issue of which no mail failed is asked to be sent again."""

    code = "nothing_to_resend"

    def __init__(self) -> None:
        super().__init__("issue: none of its mails has failed, so there is none to send again.", rule="failed mails")


class NothingToConfirm(Refusal):
    """A confirmation mail is to be sent again to somebody who is not waiting for one."""

    code = "nothing_to_confirm"

    def __init__(self) -> None:
        super().__init__(
            "subscriber: no sign-up of theirs waits for its confirmation, so there is no mail to send again.",
            rule="a pending sign-up",
        )


class LimitExceeded(Refusal):
    """More was asked for than a limit lets pass; ``retry_after`` says when the next would.

    Args:
        subject: whose limit it is, as the limit's cell names it; never shown. Empty where the caller need not know.
    """

    code = "limit_exceeded"

    def __init__(self, scope: str, retry_after: timedelta, subject: str = "") -> None:
        self.scope, self.retry_after, self.subject = scope, retry_after, subject
        seconds = max(1, math.ceil(retry_after.total_seconds()))
        super().__init__(
            f"Too many requests. Try again in {_span(seconds)}.", scope=scope, retry_after=str(seconds), rule="limit"
        )


def _span(seconds: int) -> str:
    """As a person says it, rounded up: ``1 second``, ``90 seconds``, ``3 minutes``, ``2 hours``."""
    for size, unit in ((3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return f"{math.ceil(seconds / size)} {unit}s"
    return f"{seconds} second{'s' if seconds > 1 else ''}"


class IdempotencyKeyInUse(Refusal):
    """Another request with this key has not finished yet."""

    code = "idempotency_key_in_use"

    def __init__(self) -> None:
        super().__init__(
            "idempotency_key: the first request with this key is still running. Send it again in a few seconds.",
            field="idempotency_key",
            rule="one request at a time",
        )


class IdempotencyKeyReused(Refusal):
    """The key was used before with other content."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__(
            "idempotency_key: already used for other content. Open a new form, or choose a new key.",
            field="idempotency_key",
            rule="one key for one content",
        )


class StoreUnavailable(Unavailable):
    """The store cannot be reached or does not answer in time; the transaction did not commit."""

    code = "store_unavailable"

    def __init__(self) -> None:
        super().__init__("The database does not answer. Try again in a few seconds.")


class CommitUnknown(Unavailable):
    """The connection was lost while committing: the transaction may or may not hold. Read back by key."""

    code = "commit_unknown"

    def __init__(self) -> None:
        super().__init__("The database connection was lost at the end of the request. Look before you try again.")


class HasherBusy(Unavailable):
    """Every hashing thread is busy and the queue is full."""

    code = "hasher_busy"

    def __init__(self) -> None:
        super().__init__("Too many logins at once. Try again in a few seconds.")
