"""Labelled documents for training: read, cleaned of repeats, split by hash, and put in an order that no file decides.

The idea: everything hangs on the text's own hash. It decides whether a document is held out (so copies of a text never
stand on both sides), and the order of training (so positives and negatives are mixed whatever order they came in).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import pyarrow as pa
from pydantic import ValidationError

from stages.errors import Fault, PipelineError, StoreError
from stages.hashing import hash_text, unit_interval
from stages.read import Read, list_inputs, plan_splits, read_split, source_schema
from stages.score import apart

BUCKETS: Final = 64
"""Files that the training lines are spread over by hash: sorting one after the other takes a 64th of the memory."""
FEWEST: Final = 20
"""Documents that each label needs: held-out figures over fewer mean nothing."""

PREFIX: Final = "__label__"
"""What fastText knows labels by."""
_BLANKS: Final = re.compile("[ \t\n\v\f\r\0]+")
_BATCH: Final = 1024


Punctuation = Literal["apart", "attached"]
"""Whether punctuation marks and symbols are words of their own, as `stages.score` has it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where examples come from: files with a column of labels, or files whose documents all have one label.

    `text`: the column of texts, or None for the usual names. `group`: a column whose values are held out as a whole.
    """

    paths: tuple[str, ...]
    text: str | None = None
    label: str | None = None
    fixed: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """One document that counts. `words`: with single blanks between them; `key`: 32 hex digits over these."""

    text: str
    words: str
    label: str
    key: str
    held_out: bool


@dataclass
class Tally:
    """What was met while reading. `cause`: why the first record that could not be read could not."""

    read: int = 0
    unlabelled: int = 0
    left_out: int = 0
    empty: int = 0
    repeated: int = 0
    damaged: int = 0
    cause: str = ""
    train: Counter[str] = field(default_factory=Counter)
    held_out: Counter[str] = field(default_factory=Counter)


def examples(
    origins: Sequence[Origin],
    left_out: Sequence[str],
    share: float,
    seed: int,
    tally: Tally,
    punctuation: Punctuation = "apart",
) -> Iterator[Example]:
    """All examples, in the order of the files. A text that comes again, under whatever label, is left out.

    Raises PipelineError for files that cannot be read and for columns that are not there.
    """
    seen: set[bytes] = set()
    for origin in origins:
        for text, label, group in _rows(origin, tally):
            tally.read += 1
            if label is None:
                tally.unlabelled += 1
                continue
            if label in left_out:
                tally.left_out += 1
                continue
            words = " ".join(words_of(text, punctuation))
            key = hash_text(" ".join(words_of(text, "attached")))  # one split, whatever the training makes of marks
            if not words:
                tally.empty += 1
                continue
            if bytes.fromhex(key) in seen:
                tally.repeated += 1
                continue
            seen.add(bytes.fromhex(key))
            held_out = unit_interval(seed, "held out", group if group is not None else key) < share
            (tally.held_out if held_out else tally.train)[label] += 1
            yield Example(text, words, label, key, held_out)


def words_of(text: str, punctuation: Punctuation) -> list[str]:
    """The words of a text as `stages.score` reads them: none that fastText would take for a label or the line's end."""
    if punctuation == "apart":
        text = apart(pa.scalar(text, pa.string())).as_py()
    return [word for word in _BLANKS.split(text) if word and word != "</s>" and not word.startswith(PREFIX)]


def training_line(example: Example) -> bytes:
    """The example as a line of fastText's training file, after its key."""
    return f"{example.key} {PREFIX}{example.label} {example.words}\n".encode()


def write_in_order(buckets: Sequence[Path], target: BinaryIO) -> None:
    """Write the lines of all buckets in the order of their keys, without the keys."""
    for bucket in buckets:
        for line in sorted(bucket.read_bytes().splitlines(keepends=True)):
            target.write(line[33:])


def bucket_of(key: str) -> int:
    """Which bucket a key belongs to; buckets are ordered as keys are."""
    return int(key[:8], 16) * BUCKETS >> 32


def check_labels(tally: Tally, label: str | None) -> str:
    """The label that is scored. Raises PipelineError when the examples cannot train and judge a classifier."""
    counts = tally.train + tally.held_out
    told = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
    if not counts:
        what = f"of {tally.read:,} documents none has a label and a word"
        what += f"; {tally.damaged:,} more could not be read: {tally.cause}" if tally.damaged else ""
        raise refusal(what, "name the right columns with --text-column and --label-column")
    blank = next((name for name in sorted(counts) if _BLANKS.search(name) or not name), None)
    if blank is not None:
        raise refusal(f"the label {blank!r} is not one word, as fastText needs it", "rename it, or --leave-out it")
    if len(counts) == 1:
        raise refusal(f"all documents have the same label: {told}", "add documents of another label")
    if label is None:
        raise refusal(f"which label is the score? the documents have {told}", f"say --label {sorted(counts)[0]}")
    if label not in counts:
        raise refusal(f"no document has the label {label!r}; they have {told}", f"say --label {sorted(counts)[0]}")
    few = next((name for name in sorted(counts) if counts[name] < FEWEST), None)
    if few is not None:
        mend = f"give each label {FEWEST} documents at least, or --leave-out {few}"
        raise refusal(f"too few documents to train and to judge by: {told}", mend)
    sides = (tally.train, tally.held_out)
    if not all(side[label] and side.total() - side[label] for side in sides):
        what = f"the split leaves one side without {label!r} or without others"
        raise refusal(what, "change --held-out or --seed, or group by a column with more values")
    return label


def refusal(what: str, mend: str) -> PipelineError:
    """The error for training that cannot be done."""
    return PipelineError(Fault("textmill train", what, mend))


def _rows(origin: Origin, tally: Tally) -> Iterator[tuple[str, str | None, str | None]]:
    """Text, label and group of every document."""
    wanted = [name for name in (origin.label, origin.group) if name is not None]
    met: Counter[str] = Counter()
    try:
        read = Read(paths=origin.paths, text=origin.text)
        files = list_inputs(read)
        schema = source_schema(read, files)
        for split in plan_splits(read, files):
            for chunk in read_split(read, "train", schema, split, batch_rows=_BATCH, batch_bytes=8 * 2**20):
                tally.damaged += len(chunk.damaged)
                tally.cause = tally.cause or next((damaged.cause for damaged in chunk.damaged), "")
                yield from _of_batch(chunk.rows, origin, wanted, met)
    except ValidationError as error:
        raise refusal(error.errors()[0]["msg"].removeprefix("Value error, "), "mend the paths") from error
    except (StoreError, OSError) as error:
        raise refusal(str(error), "mend the file, or leave it out") from error
    missing = next((name for name in wanted if met and not met[name]), None)
    if missing is not None:
        others = sorted(name for name in met if met[name] and name not in wanted)
        mend = f"name one of {', '.join(others)}" if others else "name the right column"
        raise refusal(f"no document of {', '.join(origin.paths)} has the column {missing!r}", mend)


def _of_batch(
    rows: pa.RecordBatch, origin: Origin, wanted: Sequence[str], met: Counter[str]
) -> Iterator[tuple[str, str | None, str | None]]:
    names = rows.schema.names
    columns = {name: rows[name].to_pylist() for name in wanted if name in names}
    met.update(
        name for name in names if not name.startswith("_") and name != "id" and rows[name].null_count < rows.num_rows
    )
    in_metadata = [name for name in wanted if name not in columns]
    metadata: list[str | None] = rows["metadata"].to_pylist() if in_metadata and "metadata" in names else []
    for at, text in enumerate(rows["text"].to_pylist()):
        more: dict[str, Any] = json.loads((metadata and metadata[at]) or "{}")
        met.update(name for name, value in more.items() if value is not None)
        told = [_word(columns[name][at] if name in columns else more.get(name)) for name in wanted]
        label = origin.fixed if origin.label is None else told[0] and told[0].removeprefix(PREFIX)
        yield text or "", label, None if origin.group is None else told[-1]


def _word(value: Any) -> str | None:
    """A label or group as text: `1` for 1 and 1.0, `true` for True."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, sort_keys=True)
