"""The standard library's documentation as a site, page by page as pydoc renders it.

One idea: a child process without our environment imports the modules, so that no variable of it shows up in a page; a
module that hangs or ends the child becomes a page that says so, and a new child goes on with the rest.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

from jobs.sample.page import Site
from jobs.sample.wire import answer, failure, varied

HOST = "docs.python.example"
SCRIPT = Path(__file__).with_name("pydoc_render.py")

_LEFT_OUT = frozenset({"antigravity", "this", "idlelib", "turtledemo", "tkinter", "lib2to3", "test"})
"""Modules that open windows or browsers, print, or are not for readers."""
_LINK = re.compile(r' href="([\w.]+)\.html(?:#[^"]*)?"')
PATIENCE = 60.0
"""Seconds one module may take before its process is ended; on one slow core the slowest takes about one."""


def documentation_site(modules: int | None = None) -> Site:
    """The site `docs.python.example`: `/` lists the modules, `/NAME.html` describes one.

    `modules` limits how many are rendered; None takes all. A module that cannot be imported is a page with status 500.
    """
    names = sorted(name for name in sys.stdlib_module_names if not name.startswith("_") and name not in _LEFT_OUT)
    names = names[:modules]
    site = Site(HOST)
    rows = "".join(f'<li><a href="{name}.html">{name}</a></li>' for name in names)
    index = f"<html><head><title>Modules</title></head><body><h1>Modules</h1><ul>{rows}</ul></body></html>"
    site.answers["/"] = answer(index.encode())
    site.answers["/robots.txt"] = answer(b"User-agent: *\nAllow: /\n", content_type="text/plain")
    for number, (name, status, page) in enumerate(rendered_pages(names)):
        if status == 200:
            site.answers[f"/{name}.html"] = varied(_without_dead_links(page, set(names)), number)
        else:
            site.answers[f"/{name}.html"] = answer(page.encode(), status=status) if page else failure(status, name)
    return site


def _without_dead_links(page: str, names: set[str]) -> str:
    """The page without links to modules that are not served here; pydoc names some 300 submodules."""
    return _LINK.sub(lambda link: link[0] if link[1] in names else "", page)


def rendered_pages(
    names: Sequence[str], *, script: Path = SCRIPT, patience: float = PATIENCE
) -> Iterator[tuple[str, int, str]]:
    """Name, HTTP status and page of each module, in order, over as many children running `script` as it takes.

    `patience` is how many seconds a child may be silent; the module it is silent over has status 500.
    """
    waiting = list(names)
    while waiting:
        for name, status, page in _child(waiting, script, patience):
            yield name, status, page
            waiting.remove(name)
        if waiting:
            yield waiting[0], 500, f"<html><body><p>{escape(waiting[0])} did not come back.</p></body></html>"
            del waiting[0]


def _child(names: Sequence[str], script: Path, patience: float) -> Iterator[tuple[str, int, str]]:
    """What one child renders until it is done, dies, or takes too long over a module."""
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-X", "utf8", "-W", "ignore", str(script), *names],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "TZ": "UTC"},
        start_new_session=True,
    )
    lines: Queue[bytes] = Queue()
    assert process.stdout is not None
    listener = Thread(target=_listen, args=(process.stdout, lines), daemon=True)
    listener.start()
    try:
        while (line := lines.get(timeout=patience)).endswith(b"\n"):
            result = json.loads(line)
            yield result["name"], result["status"], result["page"]
    except Empty:
        return
    finally:
        process.kill()
        process.wait()
        listener.join()
        process.stdout.close()


def _listen(source: Iterator[bytes], lines: Queue[bytes]) -> None:
    for line in source:
        lines.put(line)
    lines.put(b"")
