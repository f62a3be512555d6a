"""The columns of a source's documents, known before a document is read.

One idea: columns are unified by name over all files. A file that lacks a column gives nulls; two files that contradict
each other in a type are refused together, before anything runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa

from stages.document import COLUMNS, LENGTH, OFFSET
from stages.errors import Fault, PipelineError
from stages.read import arrow, delimited, parquet, records, tables
from stages.read.formats import CONTENT_FORMATS
from stages.read.inputs import InputFile
from stages.read.stage import Read

CONTENT: Final[dict[str, pa.DataType]] = {"content": pa.binary(), "content_type": pa.string()}
"""Columns of pages that `stages.extract` has yet to make text of: the stored bytes and what they are said to be."""

ARCHIVE: Final[dict[str, pa.DataType]] = {
    "record_id": pa.string(),
    "url": pa.string(),
    "date": pa.string(),
    **CONTENT,
    "http_headers": pa.string(),
    "http_status": pa.int32(),
    "metadata": pa.string(),
}
"""Columns of WARC and ARC records."""

CONVERTED: Final[dict[str, pa.DataType]] = {
    "text": pa.string(),
    "record_id": pa.string(),
    "url": pa.string(),
    "date": pa.string(),
    "metadata": pa.string(),
}
"""Columns of WET records."""

_TABLES: Final = {"parquet": parquet.schema_of, "arrow": arrow.schema_of, "csv": delimited.schema_of}
_WIDER: Final = {frozenset({pa.int32(), pa.int64()}): pa.int64(), frozenset({pa.float32(), pa.float64()}): pa.float64()}


def source_schema(read: Read, files: Sequence[InputFile]) -> pa.Schema:
    """The schema of all batches that reading these files gives: plain types, nullable, no metadata.

    Known columns come first, in the order of `stages.document.COLUMNS`, then others as they were met, last the place of
    the record. Raises PipelineError for contradicting types, and for text mixed with pages that have none yet.
    """
    types: dict[str, Any] = {}
    origins: dict[str, InputFile] = {}
    faults: list[Fault] = []
    for file in files:
        try:
            for name, kind in _columns_of(read, file):
                _unify(types, origins, faults, name, kind, file)
        except PipelineError as error:
            faults.extend(error.faults)
    faults.extend(_mixed(files))
    if faults:
        raise PipelineError(_once(faults))
    types.update({"id": pa.string(), "source": pa.string(), "file_path": pa.string()})
    types.update({name: pa.string() for name in ("dump", "license", "language") if getattr(read, name) is not None})
    known = [name for name in COLUMNS if name in types]
    others = [name for name in types if name not in COLUMNS]
    fields = [(name, pa.string() if pa.types.is_null(types[name]) else types[name]) for name in (*known, *others)]
    return pa.schema([*fields, (OFFSET, pa.int64()), (LENGTH, pa.int64())])


def missing_columns(read: Read, files: Sequence[InputFile]) -> dict[str, str]:
    """Columns that some tables (Parquet, CSV, `datasets`) of a source have and others lack, with the first that does.

    Their documents have nulls there, and a filter on such a column drops them: worth a note to the user.
    """
    tables_ = [(file.path, {name for name, _ in _columns_of(read, file)}) for file in files if file.format in _TABLES]
    names = dict.fromkeys(name for _, columns in tables_ for name in sorted(columns))
    lacking = {name: next((path for path, columns in tables_ if name not in columns), None) for name in names}
    return {name: path for name, path in lacking.items() if path is not None}


def _once(faults: Sequence[Fault]) -> list[Fault]:
    """A fault that many files share is told of the first, with how many more have it: a set may have thousands."""
    times = Counter((fault.what, fault.mend) for fault in faults)
    first = {(fault.what, fault.mend): fault for fault in reversed(faults)}
    ordered = sorted(first.values(), key=faults.index)
    more = [times[fault.what, fault.mend] - 1 for fault in ordered]
    return [
        Fault(fault.where, f"{fault.what} (and so in {count} more)" if count else fault.what, fault.mend)
        for fault, count in zip(ordered, more)
    ]


def _columns_of(read: Read, file: InputFile) -> Iterator[tuple[str, Any]]:
    if file.format == "jsonl":
        yield from records.columns_of(read).items()
    elif file.format in _TABLES:
        for column in tables.columns_of(read, file, _TABLES[file.format](read, file)):
            yield column.name, column.type
    elif file.format == "warc":
        yield from ARCHIVE.items()
    elif file.format == "wet":
        yield from CONVERTED.items()
    elif file.format == "html":
        yield "url", pa.string()
        yield from CONTENT.items()
    elif file.format == "text":
        yield "text", pa.string()


def _unify(
    types: dict[str, Any], origins: dict[str, InputFile], faults: list[Fault], name: str, kind: Any, file: InputFile
) -> None:
    """Take a column in; the wider of two numbers of one sort counts, and a column of nulls contradicts nothing."""
    before = types.get(name)
    if before is None or pa.types.is_null(before):
        types[name], origins[name] = kind, file
    elif not pa.types.is_null(kind) and kind != before:
        wider = _WIDER.get(frozenset({kind, before}))
        if wider is None:
            what = f"its column `{name}` is {kind}, but {before} in {origins[name].path}"
            mend = "read them as two sources, or give the column one type in both files"
            faults.append(Fault(file.path, what, mend))
        else:
            types[name] = wider


def _mixed(files: Sequence[InputFile]) -> Iterator[Fault]:
    """A source gives either text or pages that must be extracted first; a README among data files is no document."""
    pages = next((file for file in files if file.format in CONTENT_FORMATS), None)
    texts = next((file for file in files if file.format not in CONTENT_FORMATS), None)
    if pages is not None and texts is not None:
        what = f"holds {pages.format} pages without text, but {texts.path} holds {texts.format}"
        yield Fault(pages.path, what, "read them as two sources, one with stages.extract")
    whole = next((file for file in files if file.format == "text"), None)
    table = next((file for file in files if file.format not in ("text", *CONTENT_FORMATS)), None)
    if whole is not None and table is not None:
        what = f"is a text file among files of records such as {table.path}"
        mend = f"name the files by a pattern, say format: {_stated(table.format)}, or read them as two sources"
        yield Fault(whole.path, what, mend)


def _stated(format_name: str) -> str:
    return "datasets" if format_name == "arrow" else format_name
