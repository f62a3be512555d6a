"""textmill turns crawls and raw corpora into training shards, with every document accounted for.

The front door: `import textmill`, `python -m textmill`, and the console script. Its one duty of its own is to make sure
that the six packages are its own, because a user's `filters/` in the working directory must not win silently.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.look import Run

__all__ = ["main", "open"]

PACKAGES = ("stages", "filters", "dedup", "rewrite", "pipelines", "jobs")


def _check_packages() -> None:
    """Raise ImportError when one of the packages comes from elsewhere."""
    home = Path(__file__).resolve().parent
    for name in PACKAGES:
        spec = find_spec(name)
        found = [Path(place).resolve() for place in (spec.submodule_search_locations or ())] if spec else []
        if found != [home / name]:
            where = str(found[0]) if found else "nowhere"
            raise ImportError(
                f"textmill's package {name!r} was found at {where}, not at {home / name}: another one of that name "
                "comes first on sys.path\n    mend: rename it, or start textmill from another directory"
            )


def open(directory: str | Path) -> Run:
    """A finished run, to look at in a notebook: its documents, its ledger, its books, the way of any document.

        run = textmill.open("out")
        run.documents(columns=["url", "text"]).read_all()

    Raises PipelineError when no finished run stands in the directory.
    """
    from jobs.look import open_run

    return open_run(directory)


def main() -> None:
    """Run the command line and leave with its exit code: 0 done, 1 failed while running, 2 refused before running."""
    # The driver hands work to processes: numpy's threads for matrices would only cost it 0.04 CPU seconds to start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(20_000, 20, 20)  # as in workers
    from jobs.cli import run_command_line

    sys.exit(run_command_line(sys.argv[1:]))


if __name__ == "__main__":
    try:
        _check_packages()
    except ImportError as error:
        print(f"refused: {error}", file=sys.stderr)
        sys.exit(2)
    main()
else:
    _check_packages()
