"""What passes between listing, planning and reading: input files, splits of them, and chunks of documents.

One idea: a worker gets a `Split`, which says exactly which ranges of which files it reads, and gives back `Chunk`s,
whose counts say exactly how far those ranges have been covered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file as it was when it was listed.

    `locator`: its path below the root, with `/`; part of every document's id. `path`: where it stands now (absolute
    path or URL). `size`: stored bytes. `mark`: 32 hex digits of xxh3-128 over size, head and tail. `format`: parquet,
    arrow, jsonl, warc, wet, html, text or csv. `records`: rows, where the format knows them (Parquet). `modified`:
    seconds since 1970 where known; in no fingerprint. `packing`: gzip, zstd, bzip2 or empty.
    """

    locator: str
    path: str
    size: int
    mark: str
    format: str
    records: int | None = None
    modified: float | None = None
    packing: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of one file: bytes from `start` to before `end`; for Parquet row groups from `start` to before `end`."""

    file: InputFile
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Split:
    """What one worker reads as part `number`: its pieces in order, and at most `limit` documents of them."""

    number: int
    pieces: tuple[Piece, ...]
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Damaged:
    """A range that holds no readable record: a failed row of the ledger.

    `file` is the locator; `offset` and `length` have the unit of the column `_offset` (bytes of the unpacked stream, or
    row number and rows), but for a broken packing, where they are stored bytes. `id` is the id the document would have
    had. `url` where it could be read.
    """

    file: str
    offset: int
    length: int
    cause: str
    url: str | None
    id: str


@dataclass(frozen=True, slots=True)
class FileCounts:
    """What was met in a range of one file: documents read, records skipped by reason, damaged ranges.

    `extent`: how much of the file is covered, in rows for Parquet and in stored bytes for all others. Over all pieces
    of a file the extents add up to `full_extent` of it; that is the law of reading.
    """

    read: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    damaged: int = 0
    extent: int = 0

    def plus(self, other: FileCounts) -> FileCounts:
        """The counts of both ranges together; `skipped` in order of name."""
        skipped = Counter(self.skipped) + Counter(other.skipped)
        return FileCounts(
            self.read + other.read,
            {name: skipped[name] for name in sorted(skipped)},
            self.damaged + other.damaged,
            self.extent + other.extent,
        )


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """Counts by locator. Counts of chunks are increments: add them up with `plus`."""

    files: Mapping[str, FileCounts] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """Documents."""
        return sum(counts.read for counts in self.files.values())

    @property
    def damaged(self) -> int:
        """Damaged ranges; each is one failed row."""
        return sum(counts.damaged for counts in self.files.values())

    @property
    def skipped(self) -> dict[str, int]:
        """Records that are no documents, by reason, in order of name."""
        return dict(_sum(self.files.values()).skipped)

    def plus(self, other: ReadCounts) -> ReadCounts:
        """The counts of both, file by file, in order of locator."""
        names = sorted({*self.files, *other.files})
        empty = FileCounts()
        return ReadCounts({name: self.files.get(name, empty).plus(other.files.get(name, empty)) for name in names})


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some documents (schema as planned), what was damaged among them, and by how much the counts grew."""

    rows: pa.RecordBatch
    damaged: tuple[Damaged, ...]
    counts: ReadCounts


def full_extent(file: InputFile) -> int:
    """What the extents of all pieces of a file add up to: its rows for Parquet, else its stored bytes."""
    return file.size if file.records is None else file.records


def _sum(counts: Iterable[FileCounts]) -> FileCounts:
    total = FileCounts()
    for one in counts:
        total = total.plus(one)
    return total
