"""The run directory as a whole: whose it is, what stands in it, and where its parts are.

    <home>/README.md  data/…              the dataset, loadable as it is
    <home>/_textmill/manifest.json        the finished run
    <home>/_textmill/steps|ledger/…       the work

A directory that textmill did not write is never touched.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, Final

from jobs.record import read_record
from jobs.store import HOUSE, LocalStore, Store
from pipelines.plan import Output, Plan
from stages.errors import Fault, PipelineError, StoreError

MANIFEST: Final = f"{HOUSE}/manifest.json"
FORMAT: Final = 1
"""Raised when the manifest of a run changes so that older versions would misread it."""
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

    Raises PipelineError for foreign files, and for a finished run of another pipeline without `--replace`.
    """
    manifest = finished_manifest(store)
    if manifest is not None:
        if manifest["fingerprint"] == plan.fingerprint:
            return manifest
        if not replace:
            raise PipelineError(
                Fault(
                    store.home,
                    f"a finished run of another pipeline stands here ({manifest['name']}, {manifest['finished']})",
                    "give --replace to swap it for this one at the end, or write to another directory",
                )
            )
    if not any(name.startswith(f"{HOUSE}/") for name in store.names(HOUSE)):
        for output in plan_outputs(plan):
            _refuse_foreign(store, output_folder(plan, output))
    return None


def _refuse_foreign(store: Store, folder: str) -> None:
    foreign = [name for name in store.names(folder) if not name.split("/")[-1].startswith(".")]
    if foreign:
        raise PipelineError(
            Fault(
                f"{store.home}/{folder}".rstrip("/."),
                f"the directory holds files that textmill did not write ({foreign[0]})",
                "write to an empty or new directory",
            )
        )


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
