"""The parts of the contract of the ledger."""

from zero2prod.testing.contracts.deliveries_claimed import ClaimingContract, UnwantedContract
from zero2prod.testing.contracts.deliveries_compacted import CompactionContract
from zero2prod.testing.contracts.deliveries_ended import CancellingContract, RevivingContract
from zero2prod.testing.contracts.deliveries_enqueued import AudienceContract, CountingContract, EnqueuingContract
from zero2prod.testing.contracts.deliveries_forgotten import ForgottenContract
from zero2prod.testing.contracts.deliveries_marked import MarksContract
from zero2prod.testing.contracts.deliveries_postponed import PostponingContract
from zero2prod.testing.contracts.deliveries_resolved import DoubtsContract, FailuresContract, ResolvingContract
from zero2prod.testing.contracts.deliveries_settled import RecentContract, ResultsContract, UncertainContract
from zero2prod.testing.contracts.deliveries_timely import TimelyContract
from zero2prod.testing.contracts.leases import LeasesContract


class DeliveriesContract(
    EnqueuingContract,
    AudienceContract,
    ClaimingContract,
    UnwantedContract,
    TimelyContract,
    MarksContract,
    ResultsContract,
    UncertainContract,
    RecentContract,
    PostponingContract,
    CancellingContract,
    RevivingContract,
    DoubtsContract,
    FailuresContract,
    ResolvingContract,
    CompactionContract,
    ForgottenContract,
    LeasesContract,
    CountingContract,
):
    """The ledger's deliveries: `zero2prod_core.ports.deliveries.DeliveryLedger`, example by example."""
