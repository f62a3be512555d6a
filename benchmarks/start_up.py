"""What it costs to begin: CPU seconds of an import, of `textmill stages`, and of a run up to its first judged batch.

    python benchmarks/start_up.py [--repeats 5]

Each command runs in a process of its own; the smallest of some repeats is printed, user and system time together,
children included. The run judges ten documents with both Gopher filters on one worker, so its figure is an upper bound
of the time to the first judged batch: it also writes shards and publishes. Kernels are compiled
once per machine; the first, unmeasured repeat pays for that.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PIPELINE = """textmill: 1
name: start
read: {{stages.read: {{paths: "{folder}/docs.jsonl"}}}}
steps: [filters.gopher_repetition, filters.gopher_quality]
write: {{to: "{folder}/out"}}
"""
TEXT = "The mill of the village stands where the river bends, and people have been bringing it their grain. " * 3


def cpu_seconds(command: list[str]) -> float:
    """User and system seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print one line per command."""
    parser = argparse.ArgumentParser(description="CPU seconds to begin")
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [json.dumps({"text": f"{TEXT} Page {number}."}) for number in range(10)]
        (folder / "docs.jsonl").write_text("\n".join(lines) + "\n")
        (folder / "p.yaml").write_text(PIPELINE.format(folder=folder))
        commands = {
            "import textmill": [sys.executable, "-c", "import textmill"],
            "textmill stages": [sys.executable, "-m", "textmill", "stages"],
            "textmill run, 10 documents": [
                *[sys.executable, "-m", "textmill", "run", str(folder / "p.yaml"), "--workers", "1", "--allow-empty"]
            ],
        }
        for told, command in commands.items():
            found = []
            for _ in range(repeats + 1):
                shutil.rmtree(folder / "out", ignore_errors=True)
                found.append(cpu_seconds(command))
            print(f"{told:<28} {min(found[1:]):.2f} CPU s")


if __name__ == "__main__":
    main()
