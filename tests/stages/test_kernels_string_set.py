"""The set of strings finds what a Python dict finds, for whole texts and for domains below others."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.kernels.string_set import find, find_domain, string_set
from stages.kernels.texts import texts_of

STRINGS = st.lists(st.text(alphabet="ab.é\0", max_size=9) | st.text(max_size=20), max_size=60)


def expected(known: list[str], host: str) -> int:
    """The first entry that equals the host, or what follows a dot in it, the longest first."""
    while host:
        if host in known:
            return known.index(host)
        host = host.partition(".")[2]
    return -1


@settings(max_examples=150, deadline=None)
@given(known=STRINGS, sought=STRINGS)
def test_what_is_found_is_what_a_list_holds(known: list[str], sought: list[str]) -> None:
    strings = string_set(pa.array(known, pa.string()))
    texts = texts_of(pa.array(["x", *sought, *known], pa.string()).slice(1))

    assert find(strings, texts).tolist() == [
        known.index(text) if text and text in known else -1 for text in sought + known
    ]
    assert find_domain(strings, texts).tolist() == [expected(known, host) for host in sought + known]


def test_a_set_without_strings_finds_nothing() -> None:
    empty = string_set(pa.array([], pa.string()))
    assert len(empty) == 0
    assert find_domain(empty, texts_of(pa.array(["a.b", None]))).tolist() == [-1, -1]
