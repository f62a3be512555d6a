"""Telling what a file is: by the extension of its name, and where that says nothing, by its first bytes.

How a file is packed is told by its first bytes alone: names lie about it often, and no text begins like gzip, zstd or
bzip2 does.
"""

from __future__ import annotations

from typing import Final

EXTENSIONS: Final[dict[str, str]] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".warc": "warc",
    ".arc": "warc",
    ".wat": "warc",
    ".wet": "wet",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".rst": "text",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
}
PACKED_EXTENSIONS: Final = (".gz", ".zst", ".zstd", ".bz2", ".gzip")
CONTENT_FORMATS: Final = ("warc", "html")
"""Formats whose documents carry `content` (bytes) and no `text` yet."""

_SKIPPABLE_FRAME: Final = (0x184D2A50).to_bytes(4, "little")[1:]  # RFC 8878, 3.1.2: any low half-byte comes before


def format_by_name(name: str) -> str | None:
    """The format that a file's extension says, seen through an extension of packing, or None."""
    name = name.lower()
    for packed in PACKED_EXTENSIONS:
        name = name.removesuffix(packed)
    dot = name.rfind(".")
    return EXTENSIONS.get(name[dot:]) if dot >= 0 else None


def packing_of(head: bytes) -> str:
    """gzip, zstd, bzip2, or empty for bytes that are not packed in a way we read."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == _SKIPPABLE_FRAME and 0x50 <= head[0] <= 0x5F):
        return "zstd"
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        return "bzip2"
    return ""


def format_by_head(head: bytes) -> str | None:
    """The format that the first bytes (unpacked) say, or None."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"WARC/", b"filedesc:")):
        return "warc"
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return "jsonl"
    if text[:15].lower().startswith((b"<!doctype html", b"<html", b"<head")):
        return "html"
    return None
