"""The run directory as a whole: whose it is, what stands in it, and where its parts are.

    <home>/README.md  data/…              the dataset, loadable as it is
    <home>/_textmill/manifest.json        the finished run
    <home>/_textmill/steps|ledger/…       the work

A directory that textmill did not write is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from jobs.record import read_record
from jobs.store import HOUSE, LocalStore, Store, delete_all
from pipelines.plan import Output, Plan
from stages.errors import Fault, PipelineError, StoreError

MANIFEST: Final = f"{HOUSE}/manifest.json"
FORMAT: Final = 1
"""Raised when the manifest of a run changes so that older versions would misread it."""
CARD_MARK: Final = b"made by textmill"
"""What stands in every dataset card that textmill wrote."""
_SHARD: Final = re.compile(r"\.?(?:train|validation)-\d{5,}-of-\d{5,}\.parquet(?:\.[0-9a-f]{8})?")
_TOLD: Final = (
    *("format", "textmill", "name", "fingerprint", "finished", "sources", "steps", "flows", "reading", "ledger"),
    *("outputs", "documents", "digest", "ledger_digest", "content_digest"),
)


def open_store(home: str) -> Store:
    """The store for a home. Raises PipelineError for a kind of place that this version cannot write to."""
    if "://" in home and not home.startswith("file://"):
        kind = home.split("://", 1)[0]
        raise PipelineError(
            Fault(home, f"runs cannot be kept on {kind}:// yet", "write to a local or mounted directory and copy it")
        )
    return LocalStore(Path(home.removeprefix("file://")).absolute())


def finished_manifest(store: Store) -> dict[str, Any] | None:
    """The manifest of the finished run that stands here, or None. Raises StoreError if it cannot be read."""
    if not store.exists(MANIFEST):
        return None
    manifest = read_record(store, MANIFEST, _TOLD)
    if manifest["format"] != FORMAT:
        raise StoreError(
            f"{store.home}: textmill {manifest['textmill']} wrote this run in the format {manifest['format']}; "
            f"this version knows {FORMAT}\n    mend: use that version, or write to another directory"
        )
    return manifest


def check_directory(store: Store, plan: Plan, replace: bool) -> dict[str, Any] | None:
    """Refuse a directory that is not ours to write. Gives the manifest if this very run stands finished there.

    Raises PipelineError for foreign files; without `replace` also for a finished run of another pipeline, and for one
    of this pipeline whose shards are no longer there.
    """
    manifest = finished_manifest(store)
    own = manifest is not None and manifest["fingerprint"] == plan.fingerprint
    if manifest is not None and own and not replace:
        gone = _missing_shards(store, manifest)
        if gone:
            what = f"this run stands finished here, but {len(gone)} of its shards are gone ({gone[0]})"
            raise PipelineError(Fault(store.home, what, "give --replace to make it anew, or put them back"))
        return manifest
    if manifest is not None and not replace:
        what = f"a finished run of another pipeline stands here ({manifest['name']}, {manifest['finished']})"
        mend = "give --replace to swap it for this one at the end, or write to another directory"
        raise PipelineError(Fault(store.home, what, mend))
    begun = bool(store.names(HOUSE))
    for output in plan_outputs(plan):
        _refuse_foreign(store, output_folder(plan, output), begun)
    return manifest if own else None


def _refuse_foreign(store: Store, folder: str, begun: bool) -> None:
    """Refuse a folder with files of the user's; in a run directory those alone that publishing would touch."""
    below = folder.removesuffix(".").rstrip("/")
    names = {name.removeprefix(f"{below}/") for name in store.names(folder)}
    foreign = sorted(name for name in names if not PurePosixPath(name).name.startswith("."))
    if begun:
        card = "README.md" in names and CARD_MARK not in store.read(f"{folder}/README.md")
        foreign = (
            ["README.md"] if card else [name for name in foreign if name.startswith("data/") and not is_shard(name)]
        )
    if foreign:
        what = f"the directory holds files that textmill did not write ({foreign[0]})"
        mend = "move them away" if begun else "write to an empty or new directory"
        raise PipelineError(Fault(f"{store.home}/{folder}".rstrip("/."), what, mend))


def is_shard(name: str) -> bool:
    """Whether a file has the name of a shard, or of the draft of one: such a file in `data/` is textmill's."""
    return _SHARD.fullmatch(PurePosixPath(name).name) is not None


def _missing_shards(store: Store, manifest: Mapping[str, Any]) -> list[str]:
    """Shards of a finished run that are no longer there."""
    names = [data_name(output["folder"], shard["as"]) for output in manifest["outputs"] for shard in output["shards"]]
    return [name for name in names if not store.exists(name)]


def forget(store: Store) -> None:
    """Make a finished run an unfinished one without any work: the manifest goes first, then the steps and the ledger.

    The shards stay until others are published in their place.
    """
    store.delete(MANIFEST)
    delete_all(store, [*store.names(f"{HOUSE}/steps"), *store.names(f"{HOUSE}/ledger")])


def plan_outputs(plan: Plan) -> list[Output]:
    """The outputs in order of their steps."""
    return [step.output for step in plan.steps if step.output is not None]


def output_folder(plan: Plan, output: Output) -> str:
    """An output's folder below the home; `.` when it is the home itself."""
    home, to = (place.removeprefix("file://").rstrip("/") for place in (plan.home, output.to))
    return str(PurePosixPath(Path(to).absolute()).relative_to(Path(home).absolute()))


def data_name(folder: str, shard: str) -> str:
    """Where a shard stands, below the home."""
    name = f"data/{shard}.parquet"
    return name if folder == "." else f"{folder}/{name}"
