"""Gopher's repetition rules: each rule alone, its order, its edge and its reason."""

from __future__ import annotations

import pyarrow as pa
import pytest

from filters.gopher_repetition import GopherRepetition
from stages.laws import check_stage

OFF = {name: None for name in GopherRepetition.model_fields if name.startswith("max_")}
LETTERS = "abcdefghijklmnopqrstuvwxyz"

Verdict = tuple[str | None, float | None, float | None]
KEPT: Verdict = (None, None, None)


def judged(stage: GopherRepetition, *texts: str) -> list[Verdict]:
    verdicts = stage.judge(pa.record_batch({"text": pa.array(texts, pa.string())}), stage.open())
    return list(zip(verdicts.rule.to_pylist(), verdicts.value.to_pylist(), verdicts.limit.to_pylist()))


def only(**limits: float) -> GopherRepetition:
    return GopherRepetition.model_validate({**OFF, **limits})


def test_prose_that_never_repeats_is_kept_by_all_rules() -> None:
    prose = "\n\n".join(f"{first}{second} said {second}{first}{first}." for first in LETTERS for second in LETTERS)
    assert judged(GopherRepetition(), prose) == [KEPT]


@pytest.mark.parametrize(
    ("limit", "kept", "dropped", "verdict"),
    [
        ("paragraphs", "a\n\nb\n\na\n\nb", "a\n\na\n\na\n\nb\n\n\na", ("duplicate_paragraphs", 3 / 5, 0.5)),
        (
            "paragraph_characters",
            "ab\n\nab",
            "abcdef\n\nabcdef\n\nabcdef",
            ("duplicate_paragraph_characters", 12 / 22, 0.5),
        ),
        ("lines", "a\nb\na\nb", "\na\n\na\na\n", ("duplicate_lines", 3 / 5, 0.5)),
        ("line_characters", "abc\nabc", "äöü\näöü\näöü\näöü", ("duplicate_line_characters", 9 / 15, 0.5)),
    ],
)
def test_pieces_that_repeat_count_from_the_second_on(limit: str, kept: str, dropped: str, verdict: Verdict) -> None:
    stage = only(**{f"max_duplicate_{limit}": 0.5})
    assert judged(stage, kept, dropped) == [KEPT, verdict]


@pytest.mark.parametrize("length", [2, 3, 4])
def test_the_most_frequent_n_gram_counts_with_its_blanks(length: int) -> None:
    gram = " ".join(LETTERS[:length])
    text = f"{gram} x {gram} y"
    expected = 2 * len(gram) / len(text)
    stage = only(**{f"max_top_{length}_gram": 0.5})
    assert judged(stage, text) == [(f"top_{length}_gram", pytest.approx(expected, abs=0), 0.5)]


def test_an_n_gram_that_occurs_once_counts_too() -> None:
    assert judged(only(max_top_2_gram=0.2), "hello world", "hello") == [("top_2_gram", 1.0, 0.2), KEPT]


@pytest.mark.parametrize("length", [5, 6, 7, 8, 9, 10])
def test_n_grams_met_before_count_without_blanks(length: int) -> None:
    once = " ".join(LETTERS[:length])
    twice = f"{once} {once}"
    stage = only(**{f"max_duplicate_{length}_gram": 0.2})
    assert judged(stage, once, twice) == [KEPT, (f"duplicate_{length}_gram", length / len(twice), 0.2)]


def test_rules_come_in_declared_order() -> None:
    assert judged(GopherRepetition(), "a b\n\na b\n\na b", "a b\na b\na b")[0][0] == "duplicate_paragraphs"
    assert judged(GopherRepetition(), "a b\na b\na b")[0][0] == "duplicate_lines"
    assert judged(GopherRepetition(), "a b a b a b")[0][0] == "top_2_gram"


def test_without_limits_and_without_text_everything_is_kept() -> None:
    assert judged(only(), "a a a a a a a a a a", "a\na\na") == [KEPT, KEPT]
    assert judged(GopherRepetition(), "", " ") == [KEPT, KEPT]


def test_it_keeps_the_laws_of_stages() -> None:
    check_stage(GopherRepetition())
    check_stage(GopherRepetition(mode="tag", max_top_2_gram=None))
