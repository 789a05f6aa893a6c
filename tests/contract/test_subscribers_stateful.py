"""Sign-ups, links, bounces and complaints in any order: who is subscribed, who gets which mail, and what is known why."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from hypothesis.strategies import DataObject, data, lists, sampled_from, tuples

from tests.contract.backends import Subject
from tests.contract.models import Life, SubscriberModel
from tests.support.builders import KEY, KEYS, T0, email, evidence, letter, newsletter
from tests.support.chance import CountedIds, CountedRandomness
from zero2prod_core.domain.deliveries import GIVE_UP_AFTER, Reply, Sent
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Newsletter
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import TRANSITIONS, Event, SignUp, Status
from zero2prod_core.domain.suppressions import Reason, Suppression, digest
from zero2prod_core.errors import TokenUnknown, TransitionRefused
from zero2prod_core.usecases.audit import Auditor
from zero2prod_core.usecases.deliveries import ClaimDeliveries
from zero2prod_core.usecases.policy import Policy
from zero2prod_core.usecases.subscribers import Confirm, SubscribeBatch

T = TypeVar("T")

NEWSLETTERS = [DEFAULT_NEWSLETTER, newsletter()]
EMAILS = [email(text) for text in ("ada@example.com", "Ada@Example.com", "bob@example.com", "grace@example.com")]
NAMES = ["Ada", "Bob", "Grace"]
A_SIGN_UP = tuples(sampled_from(NEWSLETTERS), sampled_from(EMAILS), sampled_from(NAMES))
REASONS = {Event.BOUNCE: Reason.BOUNCE, Event.COMPLAIN: Reason.COMPLAINT}
