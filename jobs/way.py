"""The way of one document through a run, put together from shards, ledger and manifest alone.

A document that went in is in a shard, or the ledger says where it ended; what was cut out of it on the way, which
near-duplicates it stood for, and whose child it is, is told with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.home import data_name
from jobs.parquet import find_rows
from jobs.store import Store


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens of a document in a packed sequence: the shard and its row, and from where to where in the sequence."""

    shard: str
    row: int
    start: int
    end: int
    first: int
    """Which of the document's tokens is the piece's first."""


@dataclass(slots=True)
class Way:
    """What is known of one document: its ledger rows in order of step, and its row in each shard that holds it."""

    id: str
    ledger: list[dict[str, Any]] = field(default_factory=list)
    shards: dict[str, int] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    twins: list[dict[str, Any]] = field(default_factory=list)
    """Ledger rows of documents that were dropped because this one stayed."""
    children: list[dict[str, Any]] = field(default_factory=list)
    """Documents in the shards that a stage made of this one."""
    pieces: list[Piece] = field(default_factory=list)
    """Where it stands in packed sequences."""

    @property
    def ends(self) -> list[dict[str, Any]]:
        """The ledger rows that ended it; several where it went into several streams."""
        return [row for row in self.ledger if row["kind"] in ("dropped", "failed")]


def find_ways(store: Store, manifest: Mapping[str, Any], column: str, value: str) -> list[Way]:
    """The ways of all documents whose `column` (id or url) is `value`; an empty list if the run never met one."""
    ways: dict[str, Way] = {}
    for name, row, document in _shard_rows(store, manifest, column, value):
        way = ways.setdefault(document["id"], Way(document["id"]))
        way.shards[name], way.document = row, document
    for found in _ledger_rows(store, manifest, column, value):
        ways.setdefault(found["id"], Way(found["id"])).ledger.append(found)
    if column == "id":
        for piece in _pieces(store, manifest, value):
            ways.setdefault(value, Way(value)).pieces.append(piece)
    for name in ways if column != "id" else [value]:
        seen: set[str] = set()
        for _, _, child in _shard_rows(store, manifest, "parent_id", name):
            if child["id"] not in seen:
                seen.add(child["id"])
                ways.setdefault(name, Way(name)).children.append(child)
    for way in ways.values():
        if column != "id":
            way.ledger = list(_ledger_rows(store, manifest, "id", way.id))
            way.pieces = list(_pieces(store, manifest, way.id))
        if way.shards:
            way.twins = list(_ledger_rows(store, manifest, "twin_id", way.id))
    return [ways[name] for name in sorted(ways)]


def _pieces(store: Store, manifest: Mapping[str, Any], name: str) -> Iterator[Piece]:
    """The pieces of a document in the packed sequences of all outputs."""
    for shard, row, sequence in _shard_rows(store, manifest, "doc_ids", name):
        spans = zip(sequence["doc_ids"], sequence["doc_spans"], sequence["doc_starts"])
        for document, span, first in spans:
            if document == name:
                yield Piece(shard, row, span["start"], span["end"], first)


def _ledger_rows(store: Store, manifest: Mapping[str, Any], column: str, value: str) -> Iterator[dict[str, Any]]:
    for entry in manifest["ledger"]:
        for _, row in find_rows(store, entry["name"], column, value):
            yield row


def _shard_rows(
    store: Store, manifest: Mapping[str, Any], column: str, value: str
) -> Iterator[tuple[str, int, dict[str, Any]]]:
    for output in manifest["outputs"]:
        for shard in output["shards"]:
            name = data_name(output["folder"], shard["as"])
            for row, document in find_rows(store, name, column, value):
                yield name, row, document
