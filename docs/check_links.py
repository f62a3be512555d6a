"""Finds dead links in the project's Markdown: relative files that do not exist, and anchors that no heading has.

Run as `python docs/check_links.py` from the project's root; `make check` does. Links to other hosts are not followed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings give, as common renderers make them."""
    headings = (heading.strip().lower() for heading in HEADING.findall(FENCE.sub("", text)))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


def dead_links(page: Path) -> list[str]:
    """Links of one page that lead nowhere, each with what is wrong."""
    text = page.read_text(encoding="utf-8")
    dead = []
    for match in LINK.finditer(FENCE.sub("", text)):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        goal = (page.parent / name).resolve() if name else page
        if not goal.exists():
            dead.append(f"{page}: {target}: no such file")
        elif anchor and goal.suffix == ".md" and anchor not in anchors(goal.read_text(encoding="utf-8")):
            dead.append(f"{page}: {target}: no such heading")
    return dead


def main() -> int:
    """Print all dead links; 1 if there are any."""
    pages = sorted(page for page in Path().rglob("*.md") if not any(part.startswith(".") for part in page.parts))
    dead = [line for page in pages if page.parts[0] not in ("demo", "out") for line in dead_links(page)]
    print("\n".join(dead) if dead else f"{len(pages)} pages, no dead links")
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
