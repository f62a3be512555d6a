"""What `dedup.exact` promises: one of equal documents stays, and which one depends on the documents alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dedup.exact import Exact
from stages.errors import StageError


def test_all_but_the_smallest_id_of_equal_texts_are_dropped(corpus: Any, findings: Any) -> None:
    found = findings(Exact(), corpus(["a", "b", "a", "c", "a"], id=["5", "1", "3", "2", "4"]))

    drop = {"rule": "exact_duplicate", "value": 1.0, "limit": 1.0, "twin_id": "3", "similarity": 1.0}
    assert found == {0: drop, 4: drop}


@pytest.mark.parametrize(("parts", "cut"), [*product([1, 3, 7], [1, 2, 100])])
def test_parts_and_batches_do_not_change_the_answer(corpus: Any, findings: Any, parts: int, cut: int) -> None:
    texts = [f"text {number % 17}" for number in range(100)]

    found = findings(Exact(), corpus(texts, parts=parts, cut=cut))

    assert {row: finding["twin_id"] for row, finding in found.items()} == {
        row: f"{row % 17:032x}" for row in range(17, 100)
    }


def test_missing_and_empty_values_are_no_duplicates(corpus: Any, findings: Any) -> None:
    assert findings(Exact(), corpus(["", "", None, None, "a"])) == {}
    assert findings(Exact(normalize="whitespace_case"), corpus([" ", "\n", ""])) == {}


def test_white_space_case_and_encoding_of_accents_can_be_ignored(corpus: Any, findings: Any) -> None:
    texts = ["Stra\u00dfe  Cafe\u0301\n", "STRASSE CAF\u00c9", "strasse cafe"]

    assert findings(Exact(), corpus(texts)) == {}
    assert list(findings(Exact(normalize="whitespace_case"), corpus(texts))) == [1]


def test_the_longest_version_of_a_url_can_stay(corpus: Any, findings: Any) -> None:
    documents = corpus(["short", "the longest", "longer", "x"], url=["u", "u", "u", None])

    found = findings(Exact(by="url", keep="longest"), documents)

    assert {row: finding["twin_id"] for row, finding in found.items()} == {0: f"{1:032x}", 2: f"{1:032x}"}


def test_the_first_of_equal_documents_with_one_id_stays_in_whatever_order_they_come(corpus: Any, findings: Any) -> None:
    documents = corpus(["a"] * 4, id=["1"] * 4)
    backwards = replace(documents, rows_at_rest=documents.rows_at_rest.sort_by([("place", "descending")]))

    assert list(findings(Exact(), documents)) == list(findings(Exact(), backwards)) == [1, 2, 3]


def test_documents_of_two_scopes_never_meet(corpus: Any, findings: Any) -> None:
    documents = corpus(["a"] * 6, dump=["x", "y", None, "x", "y", None], year=[1, 1, 1, 1, 2, 1])

    assert list(findings(Exact(within=("dump", "year")), documents)) == [3, 5]


def test_any_plain_column_can_be_compared_and_a_list_is_refused(corpus: Any, findings: Any) -> None:
    documents = corpus(["a", "b", "c"], number=[1, 2, 1], many=[[1], [2], [1]])

    assert list(findings(Exact(by="number"), documents)) == [2]
    with pytest.raises(StageError, match=r"`many` is of type list.*\n.*mend"):
        findings(Exact(by="many"), documents)


def test_only_the_columns_in_question_are_read() -> None:
    assert Exact().needs() == ("text",)
    assert Exact(by="url", keep="longest", within=("dump", "url")).needs() == ("url", "dump", "text")


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text("ab\u00e9", max_size=2), max_size=12), cut=st.integers(1, 5))
def test_each_distinct_text_stays_exactly_once(corpus: Any, findings: Any, texts: list[str], cut: int) -> None:
    found = findings(Exact(), corpus(texts, cut=cut, parts=2))

    kept = [text for row, text in enumerate(texts) if row not in found and text]
    assert sorted(kept) == sorted(set(texts) - {""})


def test_no_text_travels(corpus: Any) -> None:
    from dedup.exact import DIGEST

    assert "text" not in DIGEST.names
    assert DIGEST.field("id").type == pa.string()
