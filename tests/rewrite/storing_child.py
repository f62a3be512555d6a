"""A process that asks a server for replies and stores them, to be killed: `python -m tests.rewrite.storing_child`.

It forks one worker for every line that it reads, so that twenty kills cost one start of Python. Says that it is ready,
then of every worker its id and, after its end, however it ended, `ended` and its status.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rewrite.llm import Prompt, Sampling, open_llm
from rewrite.models import HttpModel

BATCH = 25
SAMPLING = Sampling(max_tokens=20)


def prompts(count: int) -> list[Prompt]:
    return [Prompt("Turn it round.", f"text number {number}", f"{number:032x}") for number in range(count)]


def work(model: HttpModel, folder: Path, count: int) -> None:
    llm = open_llm(model, folder)
    asked = prompts(count)
    for first in range(0, count, BATCH):
        llm.generate(asked[first : first + BATCH], SAMPLING)
    llm.close()


def main() -> None:
    url, folder, count = sys.argv[1:]
    model = HttpModel(llm="http", model="small", base_url=url, concurrency=4)
    warm = open_llm(model, None)
    warm.generate([Prompt("", "warm up", "")], SAMPLING)
    warm.close()
    print("ready", flush=True)
    for _ in sys.stdin:
        worker = os.fork()
        if worker == 0:
            work(model, Path(folder), int(count))
            os._exit(0)
        print(worker, flush=True)
        print("ended", os.waitpid(worker, 0)[1], flush=True)


if __name__ == "__main__":
    main()
