"""Render modules of the standard library with pydoc, one line of JSON each; run as a script in a process of its own.

One idea: importing a module may print, read, hang or end the process, so nothing else lives here. Standard output is
moved out of the modules' reach before the first import. Needs no textmill module, only the standard library.
"""

from __future__ import annotations

import importlib
import json
import os
import pydoc
import re
import sys
import traceback
from urllib.parse import unquote

LIBRARY = os.path.dirname(os.path.abspath(os.__file__))
ADDRESS = re.compile(r"(?: |&nbsp;)(?:at(?: |&nbsp;)0x|handle )[0-9a-f]{6,}")
"""Where an object lies in memory, as default representations tell it: another number in every run."""


class Documentation(pydoc.HTMLDoc):
    """pydoc's own pages without the place where this Python is installed."""

    def filelink(self, url: str, path: str) -> str:
        """The path inside the library in place of a link to a file of this machine."""
        return os.path.join("Lib", os.path.relpath(unquote(path), LIBRARY)) if path.startswith(LIBRARY) else "built-in"


def render(name: str) -> tuple[int, str]:
    """HTTP status and page of a module: 500 with the error when it cannot be imported or described."""
    try:
        module = importlib.import_module(name)
        documentation = Documentation()
        page = documentation.page(pydoc.describe(module), documentation.document(module, name))
    except BaseException as error:  # a module may even call sys.exit() when it is imported
        reason = pydoc.html.escape("".join(traceback.format_exception_only(error)).strip())
        return 500, f"<html><head><title>{name}</title></head><body><h1>{name}</h1><p>{reason}</p></body></html>"
    return 200, without_places(page)


def without_places(page: str) -> str:
    """The page without where this Python, its environment and this script stand, or where objects lie in memory."""
    page = ADDRESS.sub("", page).replace(sys.executable, "python").replace(os.path.abspath(__file__), "script.py")
    return page.replace(LIBRARY, "Lib").replace(sys.base_prefix, "").replace(sys.prefix, "")


def main() -> None:
    """Write `{"name", "status", "page"}` for each module named on the command line, in that order."""
    # The script's own folder comes first in the path and is no place to import the standard library from.
    del sys.path[0]
    names, sys.argv[1:] = sys.argv[1:], []
    with os.fdopen(os.dup(1), "w", encoding="ascii") as results:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        for name in names:
            status, page = render(name)
            results.write(json.dumps({"name": name, "status": status, "page": page}) + "\n")
            results.flush()


if __name__ == "__main__":
    main()
