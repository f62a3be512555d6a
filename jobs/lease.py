"""The lease keeps two runs out of one directory: a small file that says who is at work there, and still alive.

On one host a dead owner's lease is taken over at once; from another host only when its counter has stood still.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from pathlib import Path
from typing import Any, Final

import orjson

from jobs.store import HOUSE, Store
from stages.errors import EngineError, Fault, PipelineError, TextmillError

NAME: Final = f"{HOUSE}/lease.json"
BEAT: Final = 5.0
"""Seconds between two beats of the counter; another host waits three of them before it takes a lease over."""
_KEYS: Final = frozenset({"host", "pid", "born", "counter", "token"})


class Lease:
    """Held from `acquire` to `release`; a thread keeps its counter moving."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._token = uuid.uuid4().hex
        self._counter = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self) -> None:
        """Take the lease. Raises PipelineError when another run is at work in the directory."""
        if not self._store.put_if_absent(NAME, self._content()):
            owner = self._owner()
            if owner is not None and self._alive(owner):
                raise PipelineError(
                    Fault(
                        self._store.home,
                        f"another run is at work here (process {owner['pid']} on {owner['host']})",
                        "wait for it, stop it, or write to another directory",
                    )
                )
            self._store.replace(NAME, self._content())
            time.sleep(0.05)
            winner = self._owner()
            if winner is None or winner["token"] != self._token:
                raise PipelineError(
                    Fault(self._store.home, "another run began here at the same moment", "start one run at a time")
                )
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Give the lease back, if it is still ours."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        owner = self._owner()
        if owner is not None and owner["token"] == self._token:
            self._store.delete(NAME)

    def check(self) -> None:
        """Raise EngineError if another run took the lease over, as one may from a run that slept for a while."""
        owner = self._owner()
        if owner is not None and owner["token"] != self._token:
            raise EngineError(
                f"{self._store.home}: process {owner['pid']} on {owner['host']} took the directory over, because this "
                "run gave no sign of life\n    mend: let that run end; what this one committed stays"
            )

    def _beat(self) -> None:
        while not self._stop.wait(BEAT):
            self._counter += 1
            try:
                self.check()
                self._store.replace(NAME, self._content())
            except EngineError:
                # The run itself asks between two steps, and ends there.
                return
            except TextmillError:
                # The run itself will meet the same fault at its next write and say so.
                continue

    def _content(self) -> bytes:
        pid = os.getpid()
        content = {"host": socket.gethostname(), "pid": pid, "born": _born(pid)}
        return orjson.dumps(content | {"counter": self._counter, "token": self._token})

    def _owner(self) -> dict[str, Any] | None:
        """Whose lease stands; None when none does, or when its file is not as a lease is written."""
        try:
            owner = orjson.loads(self._store.read(NAME))
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        whole = isinstance(owner, dict) and owner.keys() >= _KEYS
        return owner if whole else None

    def _alive(self, owner: dict[str, Any]) -> bool:
        if owner["host"] == socket.gethostname():
            born = _born(owner["pid"])
            return born is not None and born == owner["born"]
        time.sleep(3 * BEAT)
        now = self._owner()
        return now is not None and (now["token"], now["counter"]) != (owner["token"], owner["counter"])


def _born(pid: int) -> str | None:
    """When a process started, in the kernel's ticks, so that a reused pid is not mistaken; None if it does not live."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except FileNotFoundError:
        return _answers(pid)
    return None if fields[0] in "ZX" else fields[19]


def _answers(pid: int) -> str | None:
    """Whether a process answers, for systems without /proc."""
    if Path("/proc/self").exists():
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return "alive"
    return "alive"
