"""Any OpenAI-compatible server: requests side by side on a thread of their own, replies handed over as they come.

The event loop runs in its own thread, so that it works the same in a plain worker, in a notebook and inside an engine
that has a loop already.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Iterator, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeVar
from weakref import finalize

from rewrite.backends.http_answer import Fault
from rewrite.backends.open import token_counter
from rewrite.llm import Prompt, Reply, Sampling, estimate_tokens
from rewrite.models import HttpModel
from stages.errors import StageError

if TYPE_CHECKING:
    from rewrite.backends.http_request import Door

Result = TypeVar("Result")


def http_problems(model: HttpModel) -> list[str]:
    """What is missing before a request can be sent: the library, the key's variable, the tokenizer; with the mend."""
    found = []
    try:
        import httpx  # noqa: F401
    except ImportError as error:
        found.append(f"requests cannot be sent ({error}); mend: pip install 'textmill[llm]'")
    name = model.api_key_env
    if name is not None and not os.environ.get(name, "").strip():
        found.append(f"the environment variable {name} is not set; mend: export {name}=… where the workers run")
    elif name is not None and not _is_sendable(os.environ[name].strip()):
        found.append(f"the environment variable {name} holds characters that no key has; mend: set it again")
    if model.tokenizer is not None:
        try:
            token_counter(model)
        except Exception as error:  # the library raises bare Exception for a file that is no tokenizer
            found.append(f"the tokenizer {model.tokenizer} cannot be loaded: {error}")
    return found


def unreachable_server(model: HttpModel, seconds: float) -> list[str]:
    """Why the server would not answer, from one request for one token; nothing when it answers or is only slow."""
    backend = _connect(model)
    try:
        fault = backend.knock(seconds)
    finally:
        backend.close()
    return [] if fault is None else [_told(model, fault)]


def open_http(model: HttpModel) -> HttpLlm:
    """The server, known to be there. Raises StageError when it is not, after as many tries as a request has."""
    backend = _connect(model)
    fault = backend.knock(None)
    if fault is None:
        return backend
    backend.close()
    raise StageError(_told(model, fault))


class HttpLlm:
    """A `Backend` behind a server; at most `concurrency` requests are under way, each bounded in time and bytes."""

    def __init__(self, model: HttpModel, key: str | None) -> None:
        from rewrite.backends.http_request import Door

        self._model = model
        self._door = Door(model, key)
        self._loop = asyncio.new_event_loop()
        thread = Thread(target=self._loop.run_forever, name="textmill-http", daemon=True)
        thread.start()
        # Stages are not told when they end, so the connections are closed with the last reference at the latest.
        self._finish = finalize(self, _finish, self._door, self._loop, thread, os.getpid())

    def answers(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[tuple[int, Reply]]:
        """Replies in the order in which they come in."""
        ready: SimpleQueue[tuple[int, Reply] | None] = SimpleQueue()
        numbers = iter(range(len(prompts)))

        async def work(lane: int) -> None:
            for number in numbers:
                ready.put((number, await self._door.ask(prompts[number], sampling, lane)))

        async def work_all() -> None:
            try:
                async with asyncio.TaskGroup() as group:
                    for lane in range(min(self._model.concurrency, len(prompts))):
                        group.create_task(work(lane))
            finally:
                ready.put(None)

        running = asyncio.run_coroutine_threadsafe(work_all(), self._loop)
        try:
            while (answer := ready.get()) is not None:
                yield answer
            running.result()
        finally:
            running.cancel()

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the tokenizer file, else estimated; never asks the server."""
        return (token_counter(self._model) or estimate_tokens)(texts)

    def context(self) -> int | None:
        """Tokens of prompt and answer together, as the description of the model states it."""
        return self._model.context

    def knock(self, seconds: float | None) -> Fault | None:
        """What keeps the server from answering: one try of so many seconds, or as many tries as a request has."""
        return self._run(self._door.knock(seconds))

    def close(self) -> None:
        """Close the connections and end the thread."""
        self._finish()

    def _run(self, work: Coroutine[None, None, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _finish(door: Door, loop: asyncio.AbstractEventLoop, thread: Thread, process: int) -> None:
    if os.getpid() != process:
        return  # a fork has no such thread, and the connections are not its own
    asyncio.run_coroutine_threadsafe(door.close(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def _connect(model: HttpModel) -> HttpLlm:
    wrong = http_problems(model)
    if wrong:
        raise StageError(f"the model {model.model} cannot be asked: {'; '.join(wrong)}")
    return HttpLlm(model, os.environ[model.api_key_env].strip() if model.api_key_env else None)


def _is_sendable(key: str) -> bool:
    return key.isascii() and key.isprintable()


def _told(model: HttpModel, fault: Fault) -> str:
    mend = {
        "down": "start the server, or correct base_url",
        "busy": "wait",
        "broken": "see to the server; base_url mostly ends in /v1",
        "refused": "correct model, base_url (mostly ends in /v1) or the key",
    }[fault.kind]
    return f"the model {model.model} at {model.base_url} does not answer: {fault.what}\n    mend: {mend}"
