"""What every kind of step shares: its folder, its receipts, and the commit of the whole step.

A part is committed by creating its receipt with put-if-absent; a step by creating its manifest, last. Only files that
receipts name exist: what lost attempts left behind is swept at the step's commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import pyarrow as pa

from jobs.flow import Flow, add_flows, flow_from_json
from jobs.record import read_record, start_over
from jobs.rest import RestPart, rest_part
from jobs.store import HOUSE, Store, delete_all
from pipelines.plan import RunOptions, Step
from stages.errors import StageError, StoreError

RECEIPT: Final = pa.schema([("part", pa.int64())])
_FREE_ERRORS: Final = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where one step keeps its files, and the options its workers need."""

    store: Store
    step: Step
    options: RunOptions

    @property
    def folder(self) -> str:
        return f"{HOUSE}/steps/{self.step.folder}"

    @property
    def ledger(self) -> str:
        return f"{HOUSE}/ledger/{self.step.folder}"

    @property
    def title(self) -> str:
        """What the ledger calls the step: number and name, without the fingerprint."""
        return f"{self.step.number:02d}-{self.step.name}"

    def receipt(self, part: int) -> str:
        return f"{self.folder}/receipts/{part:05d}.json"

    def commit_part(self, part: int, receipt: Mapping[str, Any]) -> bool:
        """Create the part's receipt; False if another attempt was first."""
        content = {"part": part, "step": self.title, "fingerprint": self.step.fingerprint, **receipt}
        return self.store.put_if_absent(self.receipt(part), orjson.dumps(content, option=orjson.OPT_INDENT_2))

    def receipts(self) -> dict[int, dict[str, Any]]:
        """All receipts so far, by part, in order."""
        names = self.store.names(f"{self.folder}/receipts")
        keys = ("part", "in", "out", "files", "ledger", "flows")
        found = [read_record(self.store, name, keys) for name in names if _is_receipt(name)]
        return {receipt["part"]: receipt for receipt in sorted(found, key=lambda receipt: receipt["part"])}

    @property
    def cleared(self) -> str:
        """The mark of a step whose manifest stands but whose files `run.keep` did not keep."""
        return f"{self.folder}/cleared"

    def forget(self) -> None:
        """Take the step back, its manifest first: it will be made again."""
        delete_all(self.store, [*self.store.names(self.folder), *self.store.names(self.ledger)])

    def clear(self) -> None:
        """Give back the step's space, keep its manifest: a later run reads the books and makes the rest on demand."""
        self.store.put_if_absent(self.cleared, b"")
        stays = (self.cleared, f"{self.folder}/manifest.json")
        delete_all(self.store, [name for name in self.store.names(self.folder) if name not in stays])

    def manifest(self) -> dict[str, Any] | None:
        """The step's manifest, or None while the step is not done."""
        name = f"{self.folder}/manifest.json"
        keys = ("step", "parts", "flows", "documents", "ledger")
        return read_record(self.store, name, keys) if self.store.exists(name) else None


@dataclass(frozen=True, slots=True)
class Done:
    """A committed step: its manifest, and the documents that stand after it."""

    manifest: Mapping[str, Any]
    documents: tuple[RestPart, ...]

    @property
    def flows(self) -> list[Flow]:
        return [flow_from_json(flow) for flow in self.manifest["flows"]]


def done(manifest: Mapping[str, Any]) -> Done:
    """The step a manifest tells of."""
    return Done(manifest, tuple(rest_part(part) for part in manifest["documents"]))


def commit_step(
    place: Place, receipts: Mapping[int, Mapping[str, Any]], documents: Sequence[RestPart], **more: Any
) -> Done:
    """Judge the step's errors, create the manifest, and sweep what it does not name."""
    flows = add_flows([flow_from_json(flow) for flow in receipt["flows"]] for receipt in receipts.values())
    judge_errors(place, flows, receipts)
    ledger = [entry for receipt in receipts.values() for entry in receipt["ledger"]]
    manifest = {
        "step": place.title,
        "kind": place.step.kind,
        "fingerprint": place.step.fingerprint,
        "parts": len(receipts),
        "flows": [flow.to_json() for flow in flows],
        "documents": [part.to_json() for part in documents],
        "ledger": ledger,
        **more,
    }
    check_whole(place, manifest)
    place.store.put_if_absent(f"{place.folder}/manifest.json", orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
    stands = place.manifest()
    assert stands is not None
    sweep(place, stands)
    return done(stands)


def sweep(place: Place, manifest: Mapping[str, Any]) -> None:
    """Delete what a committed step does not name: drafts, lost attempts, rows that were on the move.

    After the commit, never before it: receipts name files that only the commit makes superfluous.
    """
    named = _named(manifest) | {f"{place.folder}/manifest.json"}
    for folder in (place.folder, place.ledger):
        for name in place.store.names(folder):
            if name not in named and not (name.startswith(f"{place.folder}/receipts/") and _is_receipt(name)):
                place.store.delete(name)


def check_whole(place: Place, manifest: Mapping[str, Any]) -> None:
    """Raise StoreError when a file that a step's manifest names is gone, before anything builds on it."""
    own = (f"{place.folder}/", f"{place.ledger}/")
    there = {name for folder in own for name in place.store.names(folder.rstrip("/"))}
    gone = sorted(name for name in _named(manifest) if name.startswith(own) and name not in there)
    if gone:
        raise StoreError(f"{place.store.home}: {gone[0]} is gone\n    mend: {start_over(place.store)}")


def _named(manifest: Mapping[str, Any]) -> set[str]:
    """The files a step stands on, those of the steps before it among them."""
    named = {name for part in manifest["documents"] for name in (part["name"], *part["layers"])}
    named |= {entry["name"] for entry in manifest["ledger"]}
    named |= {shard["name"] for shard in manifest.get("shards", [])}
    return named


def judge_errors(place: Place, flows: Sequence[Flow], receipts: Mapping[int, Mapping[str, Any]]) -> None:
    """Fail the step when its stages raised on more rows than `run.max_error_rate` allows (10 are always allowed)."""
    errors = sum(flow.errors for flow in flows)
    rows = flows[0].entered if flows else 0
    if errors <= max(_FREE_ERRORS, place.options.max_error_rate * rows):
        return
    examples = [example for receipt in receipts.values() for example in receipt.get("errors", [])][:3]
    shown = "; ".join(f"{one['id']} in {one['stage']}: {one['rule'][6:]} {one['message'] or ''}" for one in examples)
    raise StageError(
        f"step {place.title}: stages raised on {errors} of {rows} documents, more than run.max_error_rate "
        f"{place.options.max_error_rate} allows. For example {shown}\n"
        "    mend: mend the stage (textmill try --id shows one document), or raise run.max_error_rate"
    )


def _is_receipt(name: str) -> bool:
    return not name.rsplit("/", 1)[-1].startswith(".")
