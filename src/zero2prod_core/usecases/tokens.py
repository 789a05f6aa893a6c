from uuid import UUID

from zero2prod_core.domain.tokens import ID_BYTES
from zero2prod_core.ports.system import Randomness


def new_token_id(randomness: Randomness) -> UUID:
    """128 random bits: unlike other ids, one that nobody can guess from its neighbours."""
    return UUID(bytes=randomness.bytes(ID_BYTES))
