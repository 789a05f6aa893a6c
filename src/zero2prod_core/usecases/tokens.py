from uuid import UUID

from zero2prod_core.domain.tokens import ID_BYTES, Presented, Purpose, Token
from zero2prod_core.errors import TokenExpired, TokenUnknown
from zero2prod_core.ports.store import Transaction
from zero2prod_core.ports.system import Randomness


def new_token_id(randomness: Randomness) -> UUID:
    """128 random bits: unlike other ids, one that nobody can guess from its neighbours."""
    return UUID(bytes=randomness.bytes(ID_BYTES))


async def stored_token(tx: Transaction, presented: Presented, purpose: Purpose, *, lock: bool = False) -> Token:
    """The stored half of a token whose text was read.

    Raises:
        TokenUnknown: there is none of this purpose, or it was made under another key: whoever has an older one, still
            listed, makes nothing of younger tokens with it.
        TokenExpired: its time is over.
    """
    token = await tx.tokens.get(presented.id, purpose, lock=lock)
    if token is None or token.key_id != presented.key.id:
        raise TokenUnknown
    if token.expired(await tx.now()):
        raise TokenExpired
    return token
