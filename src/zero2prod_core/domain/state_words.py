"""What each state of a delivery means to who looks at an issue: a line on its page and in a terminal."""

from collections.abc import Mapping
from types import MappingProxyType

from zero2prod_core.domain.deliveries import DeliveryState

MEANINGS: Mapping[DeliveryState, str] = MappingProxyType(
    {
        DeliveryState.PENDING: "wait for their turn",
        DeliveryState.DEFERRED: "put off by a mail server; tried again by themselves",
        DeliveryState.LEASED: "with a worker, not completed; given back by themselves if the worker dies",
        DeliveryState.ATTEMPTING: "with a worker, being completed; in doubt if the worker dies now",
        DeliveryState.SENT: "taken by a mail server",
        DeliveryState.FAILED: "refused for good, or tried in vain until their time was over",
        DeliveryState.SUPPRESSED: "not sent: the reader left, or the e-mail address is known not to take mail",
        DeliveryState.UNCERTAIN: "complete, but the answer was lost: each may have arrived or not",
        DeliveryState.CANCELLED: "never sent, because the issue was cancelled",
    }
)
