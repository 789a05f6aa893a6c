"""Tables of committed rows, and views that hold what one transaction has changed of them."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

import attrs

from zero2prod_core.errors import Defect

__all__ = ["Index", "Overlay", "Table", "View", "Watcher"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Key = TypeVar("Key", bound=Hashable, contravariant=True)
Row = TypeVar("Row", contravariant=True)


class Watcher(Protocol[Key, Row]):
    """Keeps something derived from a table in step with it."""

    def changed(self, key: Key, old: Row | None, new: Row | None) -> None:
        """A row was committed; None stands for a row that was not there, or is not there any more."""


class Index(Generic[K, V]):
    """Keys of committed rows by a value taken from each row; rows whose value is None are left out."""

    def __init__(self, value_of: Callable[[V], Hashable]) -> None:
        self.value_of = value_of
        self._keys: dict[Hashable, dict[K, None]] = {}

    def keys(self, value: Hashable) -> Collection[K]:
        return self._keys.get(value, {}).keys()

    def changed(self, key: K, old: V | None, new: V | None) -> None:
        before = None if old is None else self.value_of(old)
        after = None if new is None else self.value_of(new)
        if before == after:
            return
        if before is not None:
            self._drop(before, key)
        if after is not None:
            self._keys.setdefault(after, {})[key] = None

    def _drop(self, value: Hashable, key: K) -> None:
        keys = self._keys[value]
        del keys[key]
        if not keys:
            del self._keys[value]


class Table(Generic[K, V]):
    """The committed rows of one kind, by key."""

    def __init__(self) -> None:
        self.rows: dict[K, V] = {}
        self._watchers: list[Watcher[K, V]] = []

    def watch(self, watcher: Watcher[K, V]) -> None:
        self._watchers.append(watcher)

    def index(self, value_of: Callable[[V], Hashable]) -> Index[K, V]:
        index = Index[K, V](value_of)
        self.watch(index)
        return index

    def commit(self, changes: Mapping[K, V | None]) -> None:
        for key, new in changes.items():
            old = self.rows.get(key)
            if new is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = new
            for watcher in self._watchers:
                watcher.changed(key, old, new)


class View(Generic[K, V]):
    """A table as one transaction sees it. In ``changes``, None stands for a row that it removed."""

    def __init__(self, table: Table[K, V], overlay: "Overlay") -> None:
        self.table = table
        self.changes: dict[K, V | None] = {}
        self._overlay = overlay

    def get(self, key: K) -> V | None:
        self._overlay.check_open()
        return self.changes[key] if key in self.changes else self.table.rows.get(key)

    def get_batch(self, keys: Iterable[K]) -> dict[K, V]:
        """Those that exist, by key."""
        return {key: row for key in keys if (row := self.get(key)) is not None}

    def put(self, key: K, row: V) -> None:
        self._overlay.check_writable()
        self.changes[key] = row

    def change(self, key: K, change: Callable[[V], V]) -> None:
        """Put what ``change`` makes of a row."""
        row = self.get(key)
        if row is None:
            raise Defect(f"{key} was to be changed, and is not there")
        self.put(key, change(row))

    def remove(self, key: K) -> bool:
        """False where there was no such row."""
        self._overlay.check_writable()
        there = self.get(key) is not None
        if there:
            self.changes[key] = None
        return there

    def remove_where(self, unwanted: Callable[[V], bool], limit: int) -> int:
        """Remove at most ``limit`` rows, those that were added first; returns how many."""
        keys = [key for key, row in self.items() if unwanted(row)][:limit]
        return sum(self.remove(key) for key in keys)

    def items(self) -> list[tuple[K, V]]:
        """Every row with its key, in the order in which they were added."""
        self._overlay.check_open()
        if not self.changes:
            return list(self.table.rows.items())
        return [(key, row) for key, row in (self.table.rows | self.changes).items() if row is not None]

    def values(self) -> list[V]:
        return [row for _, row in self.items()]

    def where(self, index: Index[K, V], value: Hashable) -> list[V]:
        """The rows that have ``value`` in an index of this table."""
        self._overlay.check_open()
        committed = [self.table.rows[key] for key in index.keys(value) if key not in self.changes]
        return committed + [row for row in self.changes.values() if row is not None and index.value_of(row) == value]

    def differences(self) -> Iterator[tuple[K, V | None, V | None]]:
        """What this transaction changed: key, committed row, own row."""
        return ((key, self.table.rows.get(key), new) for key, new in self.changes.items())


@attrs.define
class Overlay:
    """The views of one transaction, and whether it may still be used."""

    writable: bool
    ended: bool = False
    # Keyed by tables of every type; `of` gives back each table's own view.
    _views: dict[Table[Any, Any], View[Any, Any]] = attrs.field(factory=dict, init=False)

    def of(self, table: Table[K, V]) -> View[K, V]:
        return self._views.setdefault(table, View(table, self))

    def check_open(self) -> None:
        if self.ended:
            raise Defect("a transaction was used after its end")

    def check_writable(self) -> None:
        self.check_open()
        if not self.writable:
            raise Defect("a transaction for reading was asked to write")

    def commit(self) -> None:
        for view in self._views.values():
            view.table.commit(view.changes)
