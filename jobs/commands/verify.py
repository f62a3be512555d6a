"""`textmill verify`: check a run again from its files, as somebody who trusts nothing would."""

from __future__ import annotations

from pathlib import Path

from jobs.home import finished_manifest, open_store
from jobs.table import text_table
from jobs.verify import verify_run
from stages.errors import Fault, PipelineError, StoreError


def verify_command(directory: Path) -> None:
    """Print what was checked; raises StoreError (exit code 1) when anything does not hold."""
    store = open_store(str(directory))
    manifest = finished_manifest(store)
    if manifest is None:
        raise PipelineError(
            Fault(str(directory), "no finished run stands here", "run the pipeline to its end, or name its directory")
        )
    checks = verify_run(store, manifest)
    print(text_table(["check", "held", "what"], [[one.name, "yes" if one.held else "NO", one.told] for one in checks]))
    broken = [one for one in checks if not one.held]
    if broken:
        raise StoreError(
            f"{directory}: {len(broken)} of {len(checks)} checks do not hold: {broken[0].name}: {broken[0].told}\n"
            "    mend: run the pipeline again with --replace; what was damaged is made anew"
        )
    print(f"{directory}: all {len(checks)} checks hold")
