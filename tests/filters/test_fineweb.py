"""FineWeb's own rules, against the same rules said in plain Python, and each limit at its border."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.fineweb import Fineweb
from stages.kernels.characters import SENTENCE_END, character_classes
from stages.laws import check_stage
from stages.verdicts import Verdicts

LINES = st.sampled_from(
    ["", " ", "A line.", "A line.", "no end", "x" * 31, "é" * 30, "Ends oddly。", "\u2028", "a\rb", "न।"]
)
TEXTS = st.one_of(st.lists(LINES, max_size=9).map("\n".join), st.text(max_size=40))


def judge(texts: list[str], stage: Fineweb | None = None) -> Verdicts:
    stage = stage or Fineweb(words="whitespace")
    return stage.judge(pa.record_batch({"text": pa.array(texts, pa.string())}), stage.open())


def reference(text: str) -> tuple[str | None, float | None]:
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        return "empty", None
    ended = sum(bool(character_classes()[ord(line[-1])] & SENTENCE_END) for line in lines) / len(lines)
    if ended < 0.12:
        return "few_punctuated_lines", ended
    short = sum(len(line) <= 30 for line in lines) / len(lines)
    if short > 0.67:
        return "short_lines", short
    again = sum(len(line) for place, line in enumerate(lines) if line in lines[:place]) / len(text.replace("\n", ""))
    if again > 0.01:
        return "duplicate_line_characters", again
    newlines = text.count("\n") / len(text.split())
    return ("newlines", newlines) if newlines > 0.3 else (None, None)


@settings(deadline=None, max_examples=200)
@given(st.lists(TEXTS, max_size=6))
def test_rules_and_values_equal_the_reference(texts: list[str]) -> None:
    found = judge(texts)
    assert list(zip(found.rule.to_pylist(), found.value.to_pylist())) == [reference(text) for text in texts]


LONG = "This line has more than thirty characters"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("empty", " \n\t\n"),
        ("few_punctuated_lines", f"{LONG}\n{LONG}, too"),
        ("short_lines", "One two three four.\nFive six seven eight."),
        ("duplicate_line_characters", f"{LONG}.\n{LONG}."),
        ("newlines", f"{LONG}.\n\n\n\n\n{LONG}!"),
        (None, f"{LONG}.\n{LONG}!"),
    ],
)
def test_each_rule_drops_what_it_is_for_and_can_be_switched_off(rule: str | None, text: str) -> None:
    assert judge([text]).rule.to_pylist() == [rule]
    off = {
        "few_punctuated_lines": Fineweb(min_punctuated_lines=None),
        "short_lines": Fineweb(max_short_lines=None),
        "duplicate_line_characters": Fineweb(max_duplicate_line_characters=None),
        "newlines": Fineweb(max_newlines_per_word=None),
    }
    if rule in off:
        assert judge([text], off[rule]).rule.to_pylist() == [None]


def test_texts_without_any_terminal_punctuation_can_pass() -> None:
    text = f"{LONG}\n{LONG}, too"
    assert judge([text], Fineweb(keep_unpunctuated=True)).rule.to_pylist() == [None]


def test_mode_tag_writes_every_number() -> None:
    stage = Fineweb(mode="tag")
    rule, *numbers = stage.tags(pa.record_batch({"text": [f"{LONG}.\n{LONG}!", ""]}), stage.open())
    assert rule.to_pylist() == [None, "empty"]
    assert [column.to_pylist() for column in numbers] == [[1.0, None], [0.0, None], [0.0, None], [1 / 16, None]]


def test_the_laws_hold() -> None:
    check_stage(Fineweb())
    check_stage(Fineweb(mode="tag", max_short_lines=None))
