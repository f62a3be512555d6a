"""Checking a finished run from its files: nothing is taken from the manifest that can be measured again.

Files: every shard's and ledger's hash and rows. Books: conservation along every step, and the ledger's rows against the
counts of the flows. Reading: what was read, skipped and damaged covers each input. Digests: all three, made anew.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from jobs.flow import check_conservation, flow_from_json
from jobs.home import data_name
from jobs.ledger import LEDGER, hash_rows, ledger_digest
from jobs.parquet import open_parquet
from jobs.record import read_record
from jobs.steps.shards import content_sum, digest_of_content, digest_of_shards
from jobs.store import HOUSE, Store
from pipelines.wording import count_text
from stages.document import TOKENS
from stages.errors import StageError, TextmillError


@dataclass(frozen=True, slots=True)
class Check:
    """One law: whether it held, and what was measured or what broke it."""

    name: str
    held: bool
    told: str


def verify_run(store: Store, manifest: Mapping[str, Any]) -> list[Check]:
    """All checks of a finished run, in order; none of them stops the others."""
    measured, shard_check = _shards(store, manifest)
    ledger_check, kinds, parts = _ledger(store, manifest)
    return [
        shard_check,
        _no_strangers(store, manifest),
        ledger_check,
        _conservation(manifest),
        _accounted(manifest, kinds),
        _reading(manifest),
        _receipts(store, manifest),
        *_digests(manifest, measured, parts),
    ]


def _shards(store: Store, manifest: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Check]:
    """Hash every shard and count its rows; the measured shards stand in for the manifest's in the digests."""
    measured: list[dict[str, Any]] = []
    rows = 0
    fault = ""
    for output in manifest["outputs"]:
        for shard in output["shards"]:
            name = data_name(output["folder"], shard["as"])
            try:
                found = _measure_shard(store, name)
            except (OSError, TextmillError, pa.ArrowInvalid) as error:
                fault = fault or f"{name} cannot be read: {error}"
                continue
            for key in ("sha256", "rows", "content_sum"):
                if found[key] != shard[key]:
                    fault = fault or f"{name} has {key} {found[key]}, but {shard[key]} was written"
            rows += found["rows"]
            measured.append({**shard, **found, "output": output["name"]})
    told = f"{count_text(len(measured), 'file')}, {count_text(rows, 'document')}"
    return measured, Check("shards", not fault, fault or f"{told}, every sha256")


def _measure_shard(store: Store, name: str) -> dict[str, Any]:
    state = hashlib.sha256()
    with store.open(name) as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    content = rows = 0
    with open_parquet(store, name) as shard:
        there = shard.schema_arrow.names
        columns = [column for column in ("id", "text" if "text" in there else TOKENS) if column in there]
        for batch in shard.iter_batches(columns=columns):
            rows += batch.num_rows
            content += content_sum(pa.Table.from_batches([batch]))
    return {"sha256": state.hexdigest(), "rows": rows, "content_sum": f"{content % (1 << 128):032x}"}


def _no_strangers(store: Store, manifest: Mapping[str, Any]) -> Check:
    """Nothing stands in `data/` that the manifest does not name."""
    strange = []
    for output in manifest["outputs"]:
        named = {data_name(output["folder"], shard["as"]) for shard in output["shards"]}
        folder = data_name(output["folder"], "x").rsplit("/", 1)[0]
        strange += [name for name in store.names(folder) if name not in named]
    return Check(
        "no other data", not strange, f"{strange[0]} is not of this run" if strange else "data/ holds the shards alone"
    )


def _ledger(
    store: Store, manifest: Mapping[str, Any]
) -> tuple[Check, Counter[tuple[str, str, str, str]], list[tuple[str, str, str]]]:
    """Hash the ledger's rows and count them by (step, stage, kind, rule)."""
    kinds: Counter[tuple[str, str, str, str]] = Counter()
    parts = []
    fault = ""
    rows = 0
    named = {entry["name"] for entry in manifest["ledger"]}
    for entry in manifest["ledger"]:
        state = hashlib.sha256()
        try:
            with open_parquet(store, entry["name"]) as part:
                for batch in part.iter_batches():
                    hash_rows(state, batch.select(LEDGER.names))
                    rows += batch.num_rows
                    counts = zip(*(batch[name].to_pylist() for name in ("step", "stage", "kind", "rule")))
                    kinds.update(counts)
        except (OSError, TextmillError, pa.ArrowInvalid) as error:
            fault = fault or f"{entry['name']} cannot be read: {error}"
        if state.hexdigest() != entry["rows_sha256"]:
            fault = fault or f"{entry['name']} holds other rows than were written"
        parts.append((entry["step"], entry["part"], state.hexdigest()))
    # Another pipeline that was begun here and has not ended keeps its ledger beside this one's, in folders of its own.
    folders = [step["folder"] for step in manifest["steps"]]
    strange = [name for folder in folders for name in store.names(f"{HOUSE}/ledger/{folder}") if name not in named]
    if strange:
        fault = fault or f"{strange[0]} is not of this run"
    told = f"{count_text(len(parts), 'file')}, {count_text(rows, 'row')}"
    return Check("ledger", not fault, fault or f"{told}, every hash"), kinds, parts


def _conservation(manifest: Mapping[str, Any]) -> Check:
    """in = kept + dropped + failed, stage by stage, within each step and from step to step."""
    steps = {step["step"]: step for step in manifest["steps"]}
    left: dict[str, int] = {}
    by_step: dict[str, list[Any]] = {name: [] for name in steps}
    for flow in manifest["flows"]:
        by_step[flow["step"]].append(flow_from_json(flow))
    names = list(steps)
    try:
        for name, step in steps.items():
            flows = by_step[name]
            entered = sum(left[names[number]] for number in step["inputs"])
            if step["source"] is not None:
                entered = flows[0].entered if flows else 0
            left[name] = flows[-1].out if flows else entered
            check_conservation(flows, entered, left[name], name)
    except StageError as error:
        return Check("conservation", False, str(error))
    entered = sum(by_step[name][0].entered for name, step in steps.items() if step["source"] and by_step[name])
    return Check(
        "conservation",
        True,
        f"{count_text(entered, 'document')} accounted for over {count_text(len(manifest['flows']), 'stage')}",
    )


def _accounted(manifest: Mapping[str, Any], kinds: Mapping[tuple[str, str, str, str], int]) -> Check:
    """One ledger row for every document that was dropped, failed or rejected, and one per cut."""
    for flow in manifest["flows"]:
        mine = {key: times for key, times in kinds.items() if key[:2] == (flow["step"], flow["stage"])}
        told_of = (("dropped", "dropped"), ("failed", "failed"), ("cut", "cuts"), ("rejected", "rejected"))
        for kind, expected in ((kind, flow[name]) for kind, name in told_of):
            found = sum(times for key, times in mine.items() if key[2] == kind)
            if found != expected:
                told = f"{flow['stage']}: {expected} {kind}, but {found} rows in the ledger say so"
                return Check("accounted", False, told)
    return Check("accounted", True, "one ledger row per document lost, one per span cut")


def _reading(manifest: Mapping[str, Any]) -> Check:
    """Law of reading: what was read covers every input file whole."""
    files = 0
    for name, source in manifest["sources"].items():
        reading = manifest["reading"].get(name)
        if reading is None:
            return Check("reading", False, f"the manifest does not tell how the source {name} was read")
        for file in source["files"]:
            files += 1
            counts = reading.get(file["locator"])
            if counts is None:
                return Check("reading", False, f"{file['locator']} was never read")
            # Parquet is measured in rows, of which the manifest does not tell how many a whole file has.
            if file["format"] != "parquet" and counts["extent"] != file["size"]:
                told = f"{counts['extent']:,} of {file['size']:,} bytes"
                return Check("reading", False, f"{told} of {file['locator']} were read")
        for flow in manifest["flows"]:
            if flow["stage"] == ("stages.read" if name == "main" else f"{name}/stages.read"):
                records = sum(counts["read"] + counts["damaged"] for counts in reading.values())
                if flow["in"] != records:
                    told = f"{records} records of {name} were read, but {flow['in']} documents went in"
                    return Check("reading", False, told)
    return Check("reading", True, f"{count_text(files, 'input file')} covered from the first byte to the last")


def _receipts(store: Store, manifest: Mapping[str, Any]) -> Check:
    """Where the steps' files are kept: the receipts add up to the flows, and the files they name are whole."""
    seen = 0
    for step in manifest["steps"]:
        folder = f"{HOUSE}/steps/{step['folder']}"
        for name in store.names(f"{folder}/receipts"):
            try:
                receipt = read_record(store, name, ("in", "out", "flows"))
                flows = [flow_from_json(flow) for flow in receipt["flows"]]
                check_conservation(flows, receipt["in"], receipt["out"], name)
            except TextmillError as error:
                return Check("receipts", False, str(error))
            fault = _missing(store, receipt.get("files", []))
            if fault:
                return Check("receipts", False, f"{name}: {fault}")
            seen += 1
    return Check(
        "receipts", True, f"{seen} receipts, every file they name" if seen else "the steps' files are not kept"
    )


def _missing(store: Store, files: Sequence[Mapping[str, Any]]) -> str:
    for file in files:
        if not store.exists(file["name"]):
            return f"{file['name']} is missing"
        if "sha256" in file and _sha256(store, file["name"]) != file["sha256"]:
            return f"{file['name']} has other bytes than were written"
    return ""


def _sha256(store: Store, name: str) -> str:
    state = hashlib.sha256()
    with store.open(name) as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    return state.hexdigest()


def _digests(
    manifest: Mapping[str, Any], measured: Sequence[dict[str, Any]], parts: Sequence[tuple[str, str, str]]
) -> list[Check]:
    found = {
        "ledger_digest": ledger_digest(list(parts)),
        "content_digest": digest_of_content(measured),
    }
    outputs = {output["name"]: output["digest"] for output in manifest["outputs"]}
    wrong = [
        name
        for name, digest in outputs.items()
        if digest_of_shards([shard for shard in measured if shard["output"] == name]) != digest
    ]
    checks = [Check("digest", not wrong, f"output {wrong[0]} has another digest" if wrong else manifest["digest"])]
    for name, digest in found.items():
        held = digest == manifest[name]
        checks.append(Check(name.replace("_", " "), held, digest if held else f"{digest} instead of {manifest[name]}"))
    return checks
