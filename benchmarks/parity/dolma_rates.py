"""How fast dolma's taggers are that measure what Gopher's and C4's rules need; they drop nothing.

    python dolma_rates.py DOCUMENTS.parquet --megabytes 6

Runs in an environment that has dolma. Each tagger is called as its command calls it, for one document after the other,
without reading and writing of files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from dolma.core.data_types import InputSpec
from dolma.core.taggers import BaseTagger
from dolma.taggers.c4 import FasterC4Tagger
from dolma.taggers.gopher import GopherTaggerV2
from measuring import first_documents, report, texts


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("documents", type=Path)
    parser.add_argument("--megabytes", type=float, required=True)
    given = parser.parse_args()
    batches = first_documents(given.documents, given.megabytes)
    rows = [InputSpec(id="", text=text, source="") for text in texts(batches)]
    gopher, c4 = GopherTaggerV2(), FasterC4Tagger()
    works = {"gopher_quality + gopher_repetition": [gopher], "c4": [c4], "all four": [gopher, c4]}
    for work, taggers in works.items():
        tagged(taggers, rows[:1])
        tool = f"dolma, {' + '.join({gopher: 'gopher_v2', c4: 'c4_v2'}[tagger] for tagger in taggers)}"
        report(work, tool, batches, lambda taggers=taggers: tagged(taggers, rows), passes=1)


def tagged(taggers: list[BaseTagger], rows: list[InputSpec]) -> None:
    for row in rows:
        for tagger in taggers:
            tagger.tag(row)


if __name__ == "__main__":
    main()
