"""Arrays of ids, as the server reads them: the driver writes lists item by item, at ten times the price."""

from collections.abc import Iterable
from uuid import UUID

import attrs
import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

UUID_OID, UUID_ARRAY_OID = 2950, 2951
"""PostgreSQL's own types, the same in every database (catalog pg_type)."""

DIMENSIONS, NO_NULLS, FIRST_INDEX = 1, 0, 1
ITEM = (16).to_bytes(4, "big")


@attrs.frozen
class UuidArray:
    """A one-dimensional ``uuid[]`` in the binary form that array_send makes and array_recv reads."""

    data: bytes

    @classmethod
    def of(cls, ids: Iterable[UUID]) -> "UuidArray":
        items = [ITEM + id_.bytes for id_ in ids]
        if not items:
            return cls(_words(0, NO_NULLS, UUID_OID))
        return cls(_words(DIMENSIONS, NO_NULLS, UUID_OID, len(items), FIRST_INDEX) + b"".join(items))


class UuidArrayDumper(Dumper):
    format = Format.BINARY
    oid = UUID_ARRAY_OID

    def dump(self, obj: UuidArray) -> bytes:
        return obj.data


def _words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(4, "big") for number in numbers)


psycopg.adapters.register_dumper(UuidArray, UuidArrayDumper)
