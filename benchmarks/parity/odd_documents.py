"""Texts on which filters go wrong, as a JSONL file for `compare.py`: what the tests hold against a reference.

    python benchmarks/parity/odd_documents.py FILE [--documents 1500]

So that datatrove itself is asked about empty lines, emoji, combining marks, NUL bytes and mixed line ends, and not our
idea of it alone. The same texts every time.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from tests.filters.odd_texts import EDGES, PAGES, TEXTS


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--documents", type=int, default=1500, help="generated ones at most")
    given_arguments = parser.parse_args()
    texts = [text for text in dict.fromkeys([*EDGES.values(), *generated(given_arguments.documents)]) if text]
    lines = [json.dumps({"id": f"odd{number}", "text": text, "lang": "en"}) for number, text in enumerate(texts)]
    given_arguments.file.write_text("\n".join(lines) + "\n", encoding="ascii")
    print(f"{len(texts)} documents")


def generated(count: int) -> list[str]:
    """Short texts, pages of lines, and several pages in one."""
    found = []

    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.one_of(TEXTS, PAGES, st.lists(PAGES, min_size=3, max_size=8).map("\n".join)))
    def collect(text: str) -> None:
        found.append(text)

    collect()
    return found


if __name__ == "__main__":
    main()
