"""`textmill clean`: give back the space of the steps; what a finished run stands on stays."""

from __future__ import annotations

from pathlib import Path

from jobs.home import finished_manifest, open_store
from jobs.lease import Lease
from jobs.store import HOUSE, delete_all
from pipelines.wording import count_text, size_text
from stages.errors import Fault, PipelineError


def clean_command(directory: Path, everything: bool) -> None:
    """Remove the steps' files of a finished run; with `everything` also those of an unfinished one."""
    store = open_store(str(directory))
    names = store.names(HOUSE) if directory.is_dir() else []
    if not names:
        raise PipelineError(Fault(str(directory), "this is no run directory", "name the `to` of a pipeline"))
    if finished_manifest(store) is None and not everything:
        raise PipelineError(
            Fault(
                str(directory),
                "the run here is not finished, and cleaning would throw its work away",
                "finish it with the same `textmill run`, or give --everything",
            )
        )
    lease = Lease(store)
    lease.acquire()
    try:
        manifest = finished_manifest(store)
        needed = {entry["name"] for entry in manifest["ledger"]} if manifest else set()
        work = [
            name for name in names if name.startswith((f"{HOUSE}/steps/", f"{HOUSE}/ledger/")) and name not in needed
        ]
        size = sum((directory / name).stat().st_size for name in work)
        delete_all(store, work)
    finally:
        lease.release()
    print(
        f"{directory}: {count_text(len(work), 'file')} removed, "
        f"{size_text(size)} that were the steps' own or shared with the shards"
    )
