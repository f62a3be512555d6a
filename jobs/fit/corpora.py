"""The documents that limits are fitted to, from files of any format that `stages.read` knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from stages.document import COLUMNS
from stages.errors import Fault, PipelineError, StoreError
from stages.read import InputFile, Read, list_inputs, plan_splits, read_split, source_schema
from stages.stage import hash_file

_COLUMNS = ("text", "language", "language_score")
_ROWS, _BYTES = 1024, 8 * 2**20


@dataclass(frozen=True, slots=True)
class Corpus:
    """Files with a text and a language per document.

    `language`: the label of all documents, where no column tells it. `column`: the column with the labels. `text`: the
    column of texts, or None for the usual names.
    """

    paths: tuple[str, ...]
    text: str | None = None
    column: str = "language"
    language: str | None = None


@dataclass(slots=True)
class Reading:
    """What was read: the files, how many documents, and those without a language or a text; damage with its cause."""

    files: list[dict[str, Any]] = field(default_factory=list)
    documents: int = 0
    without: int = 0
    damaged: int = 0
    cause: str = ""


def by_language(corpus: Corpus, reading: Reading) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Documents of one language at a time, with the columns `text`, `language` and `language_score`.

    The same files give the same batches. Raises PipelineError for paths and files that cannot be read.
    """
    try:
        read = _read(corpus)
        files = list_inputs(read)
        reading.files += [_told(file) for file in files]
        schema = source_schema(read, files)
        if corpus.column not in schema.names and corpus.language is None:
            known = ", ".join(name for name in schema.names if not name.startswith("_"))
            raise refused(
                f"no document of {', '.join(corpus.paths)} has the column {corpus.column!r}",
                f"name it with --language-column (there are {known}), or say --language",
            )
        for split in plan_splits(read, files):
            for chunk in read_split(read, "fit", schema, split, batch_rows=_ROWS, batch_bytes=_BYTES):
                reading.damaged += len(chunk.damaged)
                reading.cause = reading.cause or next((one.cause for one in chunk.damaged), "")
                yield from _by_language(chunk.rows, corpus, reading)
    except ValidationError as error:
        raise refused(error.errors()[0]["msg"].removeprefix("Value error, "), "mend the paths") from error
    except (StoreError, OSError) as error:
        raise refused(str(error), "mend the file, or leave it out") from error


def refused(what: str, mend: str) -> PipelineError:
    """The error for limits that cannot be fitted."""
    return PipelineError(Fault("textmill fit thresholds", what, mend))


def _read(corpus: Corpus) -> Read:
    columns = {} if corpus.column in COLUMNS else {corpus.column: "string"}
    return Read.model_validate(
        {"paths": corpus.paths, "text": corpus.text, "columns": columns, "language": corpus.language}
    )


def _told(file: InputFile) -> dict[str, Any]:
    """A file by name, size and content; of one that is not on this machine the mark, over its size, head and tail."""
    here = Path(file.path)
    content = {"xxh3_128": hash_file(here)} if here.is_file() else {"mark": file.mark}
    return {"file": file.locator, "bytes": file.size, **content}


def _by_language(rows: pa.RecordBatch, corpus: Corpus, reading: Reading) -> Iterator[tuple[str, pa.RecordBatch]]:
    reading.documents += rows.num_rows
    column = "language" if corpus.language is not None else corpus.column
    scores = rows["language_score"] if "language_score" in rows.schema.names else pa.nulls(rows.num_rows, pa.float32())
    documents = pa.record_batch([rows["text"], rows[column].cast(pa.string()), scores], names=list(_COLUMNS))
    places: dict[str, list[int]] = {}
    # A label per document into lists: a hundredth of the time that measuring its text takes.
    for place, (label, empty) in enumerate(zip(documents["language"].to_pylist(), _empty(documents["text"]))):
        if label and not empty:
            places.setdefault(label, []).append(place)
        else:
            reading.without += 1
    for label, found in places.items():
        yield label, documents.take(pa.array(found))


def _empty(text: pa.Array) -> list[bool]:
    empty: list[bool] = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(text), ""), True).to_pylist()
    return empty
