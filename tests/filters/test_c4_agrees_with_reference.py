"""C4's filter, made of kernels, leaves of every page what rules written out in plain Python leave."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filters.c4 import C4
from stages.verdicts import Mapped
from tests.filters.odd_texts import BIG, EDGES, PAGES, PROSE
from tests.filters.reference_c4 import Page, c4


def cleaned(pages: list[str]) -> list[Page]:
    """What the filter makes of pages, with sentences left uncounted."""
    stage = C4(min_sentences=None)
    mapped = stage.map(pa.record_batch({"text": pa.array(pages, pa.string())}), stage.open())
    assert isinstance(mapped, Mapped)
    assert mapped.drops is not None
    assert mapped.cuts is not None
    texts = dict(zip(mapped.parent.tolist(), mapped.rows["text"].to_pylist()))
    cuts: list[list[tuple[str, str]]] = [[] for _ in pages]
    for row, start, end, rule in zip(mapped.cuts.row, mapped.cuts.start, mapped.cuts.end, mapped.cuts.rule.to_pylist()):
        cuts[row].append((rule, pages[row].encode()[start:end].decode()))
    return [Page(rule, texts.get(row), tuple(cuts[row])) for row, rule in enumerate(mapped.drops.rule.to_pylist())]


@settings(max_examples=80)
@given(pages=st.lists(PAGES, max_size=5))
@example(pages=[*EDGES.values(), *BIG.values()])
@example(
    pages=["", "[1] [2] [3].", "[1] one two three.", "one two three. [1]", "a lorem[1] ipsum.", "a {[1] b c.", "x."]
)
def test_texts_cuts_and_dropped_pages_equal_the_reference(pages: list[str]) -> None:
    assert cleaned(pages) == [c4(page) for page in pages]


def test_a_page_of_prose_stays_as_it_is() -> None:
    assert cleaned([PROSE]) == [Page(None, PROSE, ())]
