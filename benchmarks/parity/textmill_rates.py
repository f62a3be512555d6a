"""How fast textmill's stages are, called as a run calls them: a chain of stages with its ledger rows.

    python textmill_rates.py DOCUMENTS.parquet --megabytes 60 --words default|split

`all four` are FineWeb's filters in FineWeb's order, each judging what the ones before it have kept; `all four, every
value` tags instead of dropping, so that every number of every document is measured. `--words split` cuts words at white
space.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from measuring import first_documents, report

from jobs.chain import Chain
from pipelines.plan import Link
from stages.load import kind_of, load_class, make_spec

Steps = Mapping[str, Mapping[str, Any]]

FINEWEB: Final[Steps] = {
    "filters.gopher_repetition": {},
    "filters.gopher_quality": {},
    "filters.c4": {"terminal_punctuation": False},
    "filters.fineweb": {},
}
WORKS: Final[dict[str, Steps]] = {
    "gopher_quality": {"filters.gopher_quality": {}},
    "gopher_repetition": {"filters.gopher_repetition": {}},
    "gopher_quality + gopher_repetition": {"filters.gopher_repetition": {}, "filters.gopher_quality": {}},
    "c4": {"filters.c4": {}},
    "fineweb": {"filters.fineweb": {}},
    "all four": FINEWEB,
    "all four, every value": {use: {**fields, "mode": "tag"} for use, fields in FINEWEB.items()},
}
BESIDES: Final[dict[str, Steps]] = {"language": {"stages.language": {}}, "pii": {"filters.pii": {}}}
COUNT_WORDS: Final = ("filters.gopher_quality", "filters.gopher_repetition", "filters.fineweb")
PASSES: Final = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("documents", type=Path)
    parser.add_argument("--megabytes", type=float, required=True)
    parser.add_argument("--words", choices=("default", "split"), default="default")
    parser.add_argument("--works", nargs="+", choices=(*WORKS, *BESIDES))
    given = parser.parse_args()
    batches = first_documents(given.documents, given.megabytes)
    works = (
        {work: at_white_space(steps) for work, steps in WORKS.items()} if given.words == "split" else WORKS | BESIDES
    )
    tool = "textmill" if given.words == "default" else "textmill, str.split"
    for work in given.works or works:
        chain = opened(works[work])
        chain.run(batches[0].slice(0, 1))
        report(work, tool, batches, partial(passed, chain, batches), passes=PASSES)


def at_white_space(steps: Steps) -> Steps:
    """The steps with words cut there."""
    return {use: {**fields, "words": "whitespace"} if use in COUNT_WORDS else fields for use, fields in steps.items()}


def opened(steps: Steps) -> Chain:
    """A chain of stages, open and ready."""
    links = []
    for use, fields in steps.items():
        kind = load_class(use)
        stage = kind.model_validate(dict(fields))
        links.append(Link(use, make_spec(stage), kind_of(kind), None, {}, "benchmark"))
    return Chain(links, "benchmark", 1 << 62)


def passed(chain: Chain, batches: Sequence[pa.RecordBatch]) -> int:
    """How many documents come out of the chain."""
    return sum(chain.run(batch)[0].num_rows for batch in batches)


if __name__ == "__main__":
    main()
