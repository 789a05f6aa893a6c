"""Who asked what, and what the server answered: the part of SMTP that knows no sockets and no time.

With PIPELINING many commands are on their way at once, and the server answers them in their order (RFC 2920 §3.1). So
each command leaves an expectation, and each reply goes to the oldest one. A reply that fits no expectation ends the
session: from then on nobody could say what belongs to what.
"""

from abc import ABC, abstractmethod
from collections import deque

import attrs

from adapters_email.composing import Mail
from adapters_email.smtp_replies import Answer, Garbage, Replies
from adapters_email.waits import StepName
from zero2prod_core.domain.deliveries import Outcome
from zero2prod_core.domain.replies import Phase, outcome_of

__all__ = ["Attempt", "Exchange", "Question", "Step", "Stopped"]

SURPLUS = "the server said something that nobody asked for"
OUT_OF_STEP = "the server's replies fit no more"
GOODBYE = "the server closed the session"
CONTRADICTION = "the server refused the mail and took it"

OK, GO_ON = range(200, 300), range(354, 355)
CLOSING = 421
"""A server may say goodbye at any time (RFC 5321 §3.8)."""
LEAST_REFUSAL = 400


class Stopped(Exception):
    """A step that did not succeed: what the server said, or with ``code`` None, what befell the connection."""

    def __init__(self, phase: Phase, code: int | None, text: str) -> None:
        super().__init__(phase, code, text)
        self.phase, self.code, self.text = phase, code, text

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.phase, self.code, self.text)

    @property
    def ends_session(self) -> bool:
        """No connection, a goodbye, a reply of the wrong kind or at the wrong time: no mail can follow."""
        return self.code is None or not _may_follow(self.code) or self.phase is Phase.BODY


def _may_follow(code: int) -> bool:
    """Whether a refusal with this code leaves the session as it was."""
    return code >= LEAST_REFUSAL and code != CLOSING


@attrs.frozen(eq=False)
class Step:
    """What a reply answers: in which phase, by which codes it succeeds, and which of `TimeLimits` is for it.

    ``then`` is the phase that a mail is in when the step has succeeded.
    """

    name: StepName
    phase: Phase
    wanted: range
    limit: str = "command"
    then: Phase | None = None


RESET = Step(StepName.RSET, Phase.SETUP, OK)
MAIL = Step(StepName.MAIL, Phase.SETUP, OK, then=Phase.RCPT)
RCPT = Step(StepName.RCPT, Phase.RCPT, OK, then=Phase.DATA)
DATA = Step(StepName.DATA, Phase.DATA, GO_ON, "data", then=Phase.BODY)
END = Step(StepName.END, Phase.END, OK, "end")


class Asked(ABC):
    """Something with replies to come. ``stopped`` is the first thing that went wrong."""

    def __init__(self) -> None:
        self.phase = Phase.SETUP
        self.stopped: Stopped | None = None
        self.unanswered = 0

    def is_answered(self) -> bool:
        """Whether every reply that was awaited has come, or none will."""
        return self.unanswered == 0

    @abstractmethod
    def hear(self, step: Step, answer: Answer) -> bool:
        """Take the reply to a step; whether the session can go on."""

    def lose(self, reason: str) -> None:
        """No more replies will come."""
        if not self.is_answered():
            self.unanswered = 0
            self.stopped = self.stopped or Stopped(self.phase, None, reason)


class Question(Asked):
    """One command that is no mail's."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Answer | None = None

    def hear(self, step: Step, answer: Answer) -> bool:
        self.unanswered -= 1
        if answer.code in step.wanted:
            self.answer = answer
            return True
        self.stopped = Stopped(step.phase, answer.code, answer.text)
        return not self.stopped.ends_session


class Attempt(Asked):
    """One mail's way through a session. ``phase`` is where it is, and what losing the connection would mean for it.

    It is END from the moment that the bytes which can complete the mail are about to leave us. A blind attempt is one
    that sends them before anything was answered.
    """

    def __init__(self, mail: Mail, *, is_blind: bool = False) -> None:
        super().__init__()
        self.mail = mail
        self._is_blind = is_blind
        self._outcome: Outcome | None = None

    @property
    def outcome(self) -> Outcome:
        """What came of it, once it is answered."""
        if self.stopped:
            return self.stopped.outcome
        return self._outcome or Stopped(self.phase, None, "the mail was not completed").outcome

    def hear(self, step: Step, answer: Answer) -> bool:
        self.unanswered -= 1
        if self.stopped or answer.code not in step.wanted:
            return self._hear_trouble(step, answer)
        if self.phase is not Phase.END:
            self.phase = step.then or self.phase
            return step is not END or self._hear_trouble(step, answer)
        if step is END:
            self._outcome = outcome_of(Phase.END, answer.code, answer.text)
        return True

    def doubt(self) -> None:
        """There were more replies than commands: if the end was among these, its reply may be another one's."""
        if self._is_blind and not self.stopped:
            self.stopped = Stopped(Phase.END, None, SURPLUS)

    def _hear_trouble(self, step: Step, answer: Answer) -> bool:
        if self.stopped is None:
            self.stopped = self._refusal(step, answer)
            return not self.stopped.ends_session
        # What follows a refusal says nothing, unless the server now waits for a mail, or took it all the same.
        if answer.code in OK and self._is_blind and self.phase is Phase.END:
            self.stopped = Stopped(Phase.END, None, CONTRADICTION)
        return _may_follow(answer.code)

    def _refusal(self, step: Step, answer: Answer) -> Stopped:
        if step is RESET:
            return Stopped(Phase.SETUP, None, f"the server refused RSET: {answer.code} {answer.text}")
        phase = step.phase
        if step is END and self.phase is not Phase.END:
            phase = Phase.BODY
        elif self.phase is Phase.END and answer.code < LEAST_REFUSAL:
            phase = Phase.END
        return Stopped(phase, answer.code, answer.text)


class Exchange:
    """All expectations of one connection, in their order. ``lost`` says why nothing more will be answered, ``heard``
    which steps have been answered; whoever measures them empties it.
    """

    def __init__(self) -> None:
        self.lost: str | None = None
        self.heard: list[StepName] = []
        self._replies = Replies()
        self._expected: deque[tuple[Asked, Step]] = deque()
        self._last: Asked | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether the session goes on and nothing is awaited, nor half said."""
        return self.lost is None and not self._expected and self._replies.are_complete

    @property
    def awaited(self) -> int:
        """How many replies are to come."""
        return len(self._expected)

    @property
    def next_step(self) -> Step | None:
        """What the oldest expectation is for."""
        return self._expected[0][1] if self._expected else None

    def expect(self, asked: Asked, *steps: Step) -> None:
        """The commands for these steps are about to leave, on behalf of ``asked``."""
        self._last = None
        asked.unanswered += len(steps)
        if self.lost is not None:
            asked.lose(self.lost)
            return
        for step in steps:
            self._expected.append((asked, step))

    def feed(self, data: bytes) -> None:
        """Hear what the server said. Nothing is heard any more once the exchange is lost."""
        try:
            self._replies.feed(data, self._hear)
        except Garbage as error:
            self.lose(str(error))

    def lose(self, reason: str) -> None:
        """Nothing more can be said or heard; the first reason counts."""
        if self.lost is not None:
            return
        self.lost = reason
        for asked, _ in self._expected:
            asked.lose(reason)
        self._expected.clear()

    def _hear(self, answer: Answer) -> None:
        if self.lost is not None:
            return
        if not self._expected:
            self._hear_surplus(answer)
            return
        asked, step = self._expected.popleft()
        self._last = asked
        self.heard.append(step.name)
        if not asked.hear(step, answer):
            self.lose(GOODBYE if answer.code == CLOSING else OUT_OF_STEP)

    def _hear_surplus(self, answer: Answer) -> None:
        if isinstance(self._last, Attempt) and answer.code != CLOSING:
            self._last.doubt()
        self.lose(SURPLUS if answer.code != CLOSING else GOODBYE)
