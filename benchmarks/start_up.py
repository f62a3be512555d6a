"""What it costs to begin: CPU seconds of an import, of `textmill stages`, and of a run up to its first judged batch.

    python benchmarks/start_up.py [--repeats 5]

Each command runs in a process of its own; the smallest of some repeats is printed, user and system time of all its
processes together. The run has one worker and judges ten documents with both Gopher filters, in mode `tag`, so that
all of them go on to a stage of the benchmark's own, which notes what the worker and the driver have used by then: that
is the time to the first judged batch, from the start of Python. The whole run also writes shards and publishes. Kernels
and bytecode are compiled once per machine; the first, unmeasured repeat pays for that.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PIPELINE = """textmill: 1
name: start
read: {{stages.read: {{paths: "{folder}/docs.jsonl"}}}}
steps:
- filters.gopher_repetition: {{mode: tag}}
- filters.gopher_quality: {{mode: tag}}
- ./clock.py:Clock: {{to: "{folder}/clock.json"}}
write: {{to: "{folder}/out"}}
"""
CLOCK = '''
"""The benchmark's own stage: notes the CPU seconds that this process and its driver have used."""

import json
import os
import time
from pathlib import Path

from stages.stage import Map


class Clock(Map):
    """Notes the CPU seconds used so far."""

    to: str
    """Where they go."""

    def map(self, batch, tools):
        worker = time.process_time()
        # All threads of the driver: user and system time stand behind the name, which may hold blanks.
        driver = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[11:13]
        used = {"worker": worker, "driver": sum(map(int, driver)) / os.sysconf("SC_CLK_TCK")}
        Path(self.to).write_text(json.dumps(used))
        return batch
'''
TEXT = "The mill of the village stands where the river bends, and people have been bringing it their grain. " * 3


def cpu_seconds(command: list[str]) -> float:
    """User and system seconds of a command and its children."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=environment)
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
        (folder / "clock.py").write_text(CLOCK)
        (folder / "p.yaml").write_text(PIPELINE.format(folder=folder))
        textmill = [sys.executable, "-m", "textmill"]
        commands = {
            "import textmill": [sys.executable, "-c", "import textmill"],
            "textmill stages": [*textmill, "stages"],
            "textmill run, 10 documents": [*textmill, "run", str(folder / "p.yaml"), "--workers", "1"],
        }
        clocks = []
        for told, command in commands.items():
            found = []
            for _ in range(repeats + 1):
                shutil.rmtree(folder / "out", ignore_errors=True)
                found.append(cpu_seconds(command))
                if (folder / "out").exists():
                    clocks.append(json.loads((folder / "clock.json").read_text()))
            print(f"{told:<34} {min(found[1:]):.2f} CPU s")
        clock = min(clocks[1:], key=lambda one: sum(one.values()))
        print(f"{'    to its first judged batch':<34} {sum(clock.values()):.2f} CPU s", end="")
        print(f" (driver {clock['driver']:.2f}, worker {clock['worker']:.2f})")


if __name__ == "__main__":
    main()
