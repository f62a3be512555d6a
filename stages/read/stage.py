"""The stage `stages.read`: which files become documents, and how.

One idea: what decides the documents (format, columns, sizes of splits) is apart from where the files happen to stand
(`paths`, `root`), so that a copy of the data elsewhere gives the same ids and the same fingerprint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, field_validator

from stages.document import COLUMNS
from stages.fields import Runtime, Size
from stages.stage import Stage

ColumnType = Literal["string", "int64", "int32", "float64", "float32", "bool"]
Format = Literal["auto", "parquet", "jsonl", "warc", "wet", "html", "text", "csv", "datasets"]


_ARROW_NAMES: Final = {"float32": "float", "float64": "double"}


class Read(Stage):
    """Reads documents from files: Parquet, JSONL, web archives, HTML, plain text, CSV or `datasets` folders.

    Text formats (`.jsonl`, `.csv`, `.txt`, `.html`) may be packed with gzip, zstd or bzip2. Nothing is lost: a record
    that cannot be read becomes a failed row of the ledger with its place and its cause, and reading goes on.
    """

    use: ClassVar[str] = "stages.read"

    paths: Annotated[str | tuple[str, ...], Runtime()]
    """Patterns (`**`, `*`, `?`, `[abc]`), folders, files or URLs (`s3://…`); relative to the working directory."""
    root: Annotated[str | None, Runtime()] = None
    """Files are known by their path below this folder; if left out, the pattern's part before its first wildcard."""
    format: Format = "auto"
    """The format of all files; `auto` goes by the file's extension, then by its first bytes."""
    columns: Mapping[str, ColumnType] = {}
    """Types of JSONL and CSV columns beyond the known ones. Other keys of JSONL go into `metadata`."""
    text: str | None = None
    """The column that holds the text; the first of text, content, raw_content, contents if left out."""
    id: str | None = "id"
    """The column that holds the input's own id; it goes on as `source_id`."""
    records: tuple[str, ...] = ("response", "resource", "conversion")
    """The types of WARC records that become documents; others are counted as skipped."""
    split_size: Annotated[Size, Field(ge=1)] = 256 * 2**20
    """Stored bytes in a split: larger files are cut, smaller ones joined."""
    max_record_bytes: Annotated[Size, Field(ge=1)] = 64 * 2**20
    """Larger records (lines, pages, files) are not read but failed, so that memory stays bounded."""
    dump: str | None = None
    """What to put into the column `dump` of every document."""
    license: str | None = None
    """What to put into the column `license` of every document."""
    language: str | None = None
    """What to put into the column `language` of every document."""

    @field_validator("paths", mode="after")
    @classmethod
    def _some_path(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not value or any(not path for path in patterns_of(value)):
            raise ValueError(
                "no path is given, or one is empty; name a file, a folder or a pattern such as data/*.parquet"
            )
        return value

    @field_validator("columns", mode="after")
    @classmethod
    def _free_names(cls, value: Mapping[str, ColumnType]) -> Mapping[str, ColumnType]:
        for name, kind in value.items():
            if name.startswith("_") or (name in COLUMNS and str(COLUMNS[name]) != _ARROW_NAMES.get(kind, kind)):
                raise ValueError(f"`{name}` cannot be declared as {kind}: textmill gives this name its own meaning")
        return value

    def needs(self) -> tuple[str, ...]:
        return ()


def patterns_of(paths: str | tuple[str, ...]) -> tuple[str, ...]:
    """The patterns as a tuple, whether one or several were given."""
    return (paths,) if isinstance(paths, str) else paths
