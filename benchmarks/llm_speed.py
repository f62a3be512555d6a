"""How fast the embedded model reads and writes, and what the reply store costs: `python benchmarks/llm_speed.py`.

Seconds are the process's own, so that other work on the machine counts little.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

from rewrite.llm import Llm, Prompt, Reply, Sampling, open_llm
from rewrite.models import CpuModel
from rewrite.replies import ReplyStore

REPLIES = 100_000
TEXT = "word " * 400


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds that a piece of work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def ask(llm: Llm, text: str, tokens: int) -> tuple[Reply, float]:
    """A reply, and the seconds it took."""
    began = time.process_time()
    (reply,) = llm.generate([Prompt("", text, "bench")], Sampling(max_tokens=tokens))
    return reply, time.process_time() - began


def measure_model() -> None:
    """Tokens read and written per second by the small model with one thread."""
    llm = open_llm(CpuModel.model_validate({"llm": "cpu"}), None)
    print(f"small model: load and first word {ask(llm, 'Hello.', 1)[1]:.1f} s")
    read, took = ask(llm, "The rain fell on the old town. " * 60, 1)
    print(f"small model: reads {read.prompt_tokens / took:.0f} tokens a core second")
    written, took = ask(llm, "Write a long story about rain.", 60)
    print(f"small model: writes {written.completion_tokens / took:.0f} tokens a core second")
    llm.close()


def measure_store(folder: Path) -> None:
    """Replies of 2 kB stored, indexed and read back per second."""
    keys = [blake2b(str(number).encode(), digest_size=16).digest() for number in range(REPLIES)]
    reply = Reply(TEXT, "stop", 500, 400)
    store = ReplyStore(folder)

    def put_all() -> None:
        for key in keys:
            store.put(key, reply)

    print(f"reply store: stores {REPLIES / seconds(put_all):,.0f} replies a core second")
    store.close()
    again: list[ReplyStore] = []
    print(f"reply store: opens at {REPLIES / seconds(lambda: again.append(ReplyStore(folder))):,.0f} a core second")
    print(f"reply store: finds {REPLIES / seconds(lambda: again[0].find(keys)):,.0f} a core second")
    again[0].close()


if __name__ == "__main__":
    measure_model()
    with TemporaryDirectory() as scratch:
        measure_store(Path(scratch))
