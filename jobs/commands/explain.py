"""`textmill explain`: the whole way of a document, in the order in which it was walked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jobs.home import data_name, finished_manifest, open_store
from jobs.store import Store
from jobs.way import Way, find_ways
from pipelines.wording import count_text, value_text
from stages.errors import Fault, PipelineError


def explain_command(directory: Path, id: str | None, url: str | None) -> None:
    """Print the way of the document with this id, or of all documents from this URL."""
    if (id is None) == (url is None):
        raise PipelineError(Fault("textmill explain", "which document is not said", "give either --id or --url"))
    store = open_store(str(directory))
    manifest = finished_manifest(store)
    if manifest is None:
        raise PipelineError(Fault(str(directory), "no finished run stands here", "run the pipeline to its end first"))
    for way in known_ways(store, manifest, "url" if id is None else "id", id or url or ""):
        print("\n".join(tell(way, manifest)))
        print()


def known_ways(store: Store, manifest: Mapping[str, Any], column: str, value: str) -> list[Way]:
    """The ways of all documents whose `column` (id or url) is `value`. Raises PipelineError if the run met none."""
    ways = find_ways(store, manifest, column, value)
    if not ways:
        raise PipelineError(
            Fault(
                store.home,
                f"no document with {column} {value!r} went into this run",
                "look for it in the ledger and the shards; ids are 32 hex digits, URLs must match whole",
            )
        )
    return ways


def tell(way: Way, manifest: Mapping[str, Any]) -> list[str]:
    """A way as lines: where it came from, every stage up to its end, and where it is now."""
    told = _told(way)
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
    steps = walked(way, manifest) - behind_ends(way, manifest)
    ended: set[str] = set()
    for flow in manifest["flows"]:
        here = [row for row in way.ledger if (row["step"], row["stage"]) == (flow["step"], flow["stage"])]
        for row in here:
            lines += _event(row)
        if any(row["kind"] in ("dropped", "failed") for row in here):
            ended.add(flow["step"])
        elif flow["step"] not in steps or flow["step"] in ended:
            continue
        elif here:
            cuts = sum(row["kind"] == "cut" for row in here)
            after = f", after {count_text(cuts, 'cut')}" if cuts else ""
            lines.append(f"  {flow['step']:<22} {flow['stage']}: kept{after}")
        else:
            lines.append(f"  {flow['step']:<22} {flow['stage']}: passed")
    lines.append("")
    lines += [f"  kept: {shard}, row {row}" for shard, row in way.shards.items()]
    if way.shards:
        lines += _cluster(way)
    for end in way.ends:
        verb = "failed" if end["kind"] == "failed" else "dropped"
        lines.append(f"  {verb} by {end['stage']}: {end['rule']}")
    lines += _pieces(way)
    if not way.shards and not way.ends and not way.pieces:
        lines.append("  it went on as other documents")
    for child in way.children:
        made = f" ({child['style']})" if child.get("style") else ""
        lines.append(f"  parent of {child['id']}{made}: {_short(child.get('text'))}")
    return lines


def _pieces(way: Way) -> list[str]:
    """Where the document stands in packed sequences."""
    lines = [
        f"  packed: {piece.shard}, row {piece.row}, positions {piece.start:,} to {piece.end:,}"
        + (f", from its token {piece.first:,} on" if piece.first else "")
        for piece in way.pieces[:20]
    ]
    return lines + ([f"  and in {len(way.pieces) - 20} more pieces"] if len(way.pieces) > 20 else [])


def _told(way: Way) -> Mapping[str, Any]:
    """What is known of a document: its row in a shard, else in the ledger; nothing of one that only has children."""
    return way.document or next(iter(way.ledger), {})


def walked(way: Way, manifest: Mapping[str, Any]) -> set[str]:
    """The steps a document went through: those before its ends, as far as they read from its source."""
    steps = manifest["steps"]
    writes = [at for at, step in enumerate(steps) if step["kind"] == "write"]
    ends = [at for at, step in enumerate(steps) for row in way.ledger if row["step"] == step["step"]]
    for at, output in zip(writes, manifest["outputs"]):
        held = {*way.shards, *(piece.shard for piece in way.pieces)}
        if any(data_name(output["folder"], shard["as"]) in held for shard in output["shards"]):
            ends.append(at)
    before: set[int] = set()
    for at in reversed(range(len(steps))):
        if at in ends or at in before:
            before |= {at, *steps[at]["inputs"]}
    source = _told(way).get("source")
    if source in manifest["sources"]:
        behind: set[int] = set()
        for at, step in enumerate(steps):
            if step["source"] == source or behind & set(step["inputs"]):
                behind.add(at)
        before &= behind
    return {steps[at]["step"] for at in before}


def behind_ends(way: Way, manifest: Mapping[str, Any]) -> set[str]:
    """The steps that the document did not come to, because it ended on all ways there."""
    ends = {row["step"] for row in way.ends}
    gone: set[int] = set()
    for at, step in enumerate(manifest["steps"]):
        before = [number in gone or manifest["steps"][number]["step"] in ends for number in step["inputs"]]
        if before and all(before):
            gone.add(at)
    return {manifest["steps"][at]["step"] for at in gone}


def _event(row: Mapping[str, Any]) -> list[str]:
    """One ledger row in words."""
    act = "a new document made from it was rejected" if row["kind"] == "rejected" else row["kind"]
    head = f"  {row['step']:<22} {row['stage']}: {act} by {row['rule']}"
    if row["value"] is not None:
        head += f", value {value_text(row['value'])}"
    if row["limit"] is not None:
        head += f", limit {value_text(row['limit'])}"
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
