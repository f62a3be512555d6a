"""`textmill explain`: the whole way of a document, in the order in which it was walked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.home import finished_manifest, open_store
from jobs.way import Way, find_ways
from stages.errors import Fault, PipelineError


def explain_command(directory: Path, id: str | None, url: str | None) -> None:
    """Print the way of the document with this id, or of all documents from this URL."""
    if (id is None) == (url is None):
        raise PipelineError(Fault("textmill explain", "which document is not said", "give either --id or --url"))
    store = open_store(str(directory))
    manifest = finished_manifest(store)
    if manifest is None:
        raise PipelineError(Fault(str(directory), "no finished run stands here", "run the pipeline to its end first"))
    column, value = ("id", id) if id is not None else ("url", url)
    assert value is not None
    ways = find_ways(store, manifest, column, value)
    if not ways:
        raise PipelineError(
            Fault(
                str(directory),
                f"no document with {column} {value!r} went into this run",
                "look for it in the ledger and the shards; ids are 32 hex digits, URLs must match whole",
            )
        )
    for way in ways:
        print("\n".join(tell(way, manifest)))
        print()


def tell(way: Way, manifest: Mapping[str, Any]) -> list[str]:
    """A way as lines: where it came from, every stage up to its end, and where it is now."""
    told = way.document or way.ledger[0]
    lines = [f"document {way.id}"]
    lines += [
        f"  {name:<9} {told[name]}" for name in ("url", "source", "file_path", "language", "title") if told.get(name)
    ]
    parent = way.document.get("parent_id")
    if parent:
        lines.append(f"  child of  {parent}")
    where = next((row for row in way.ledger if row["offset"] is not None), None)
    if where is not None:
        lines.append(f"  record    at {where['offset']:,}, length {where['length'] or 0:,}")
    lines.append("")
    end = way.end
    for flow in manifest["flows"]:
        here = [row for row in way.ledger if (row["step"], row["stage"]) == (flow["step"], flow["stage"])]
        for row in here:
            lines += _event(row)
        if end is not None and end in here:
            break
        if not here:
            lines.append(f"  {flow['step']:<22} {flow['stage']}: passed")
        elif all(row["kind"] == "cut" for row in here):
            lines.append(f"  {flow['step']:<22} {flow['stage']}: kept, after {len(here)} cuts")
    lines.append("")
    if way.shard is not None:
        lines.append(f"  kept: {way.shard}, row {way.row}")
        lines += _cluster(way)
    elif end is not None:
        verb = "failed" if end["kind"] == "failed" else "dropped"
        lines.append(f"  {verb} by {end['stage']}: {end['rule']}")
    else:
        lines.append("  it went on as other documents")
    return lines


def _event(row: Mapping[str, Any]) -> list[str]:
    """One ledger row in words."""
    head = f"  {row['step']:<22} {row['stage']}: {row['kind']} by {row['rule']}"
    if row["value"] is not None:
        head += f", value {row['value']:.6g}"
    if row["limit"] is not None:
        head += f", limit {row['limit']:.6g}"
    lines = [head]
    indent = " " * 25
    if row["kind"] == "cut":
        lines.append(f"{indent}bytes {row['span_start']:,} to {row['span_end']:,}: {_short(row['excerpt'])}")
    if row["twin_id"]:
        lines.append(f"{indent}twin {row['twin_id']}, similarity {row['similarity'] or 0:.4f}")
    if row["message"]:
        lines.append(f"{indent}{row['message']}")
    if row["kind"] != "cut" and row["excerpt"]:
        lines.append(f"{indent}text: {_short(row['excerpt'])}")
    return lines


def _cluster(way: Way) -> list[str]:
    lines = []
    if way.document.get("cluster_size"):
        lines.append(f"  cluster {way.document['cluster_id']} of {way.document['cluster_size']} documents")
    for twin in way.twins[:20]:
        lines.append(
            f"  stands for {twin['id']} ({twin['rule']}, similarity {twin['similarity'] or 0:.4f}) {twin['url'] or ''}"
        )
    if len(way.twins) > 20:
        lines.append(f"  and for {len(way.twins) - 20} more")
    return lines


def _short(text: str | None) -> str:
    flat = " ".join((text or "").split())
    return flat if len(flat) <= 90 else flat[:89] + "…"
