"""C4's rules, against the same rules said in plain Python; what is cut is in the ledger's spans."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filters.c4 import C4
from stages.laws import check_stage
from stages.verdicts import Mapped

POLICIES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
PLAIN = "The mill turns. [12] [edit] [x] [ ] { ... JavaScript Java[1]script Lorem ipsum terms of use uses cookies é [٣]"
WORDS = st.sampled_from([*PLAIN.split(" "), "[citation needed]", "privacy", "policy.", "Coo\u212aies", "w" * 1001])
BLANKS = st.sampled_from(["", " ", " ", " ", "\n", "\n", "\r\n", "\u2028", "\x85", "\t"])
TEXTS = st.one_of(
    st.lists(st.tuples(WORDS, BLANKS), max_size=25).map(lambda pairs: "".join(a + b for a, b in pairs)),
    st.text(max_size=40),
)
GOOD = "This line says enough.\n" * 5


def cleaned(texts: list[str], stage: C4) -> Mapped:
    mapped = stage.map(pa.record_batch({"text": pa.array(texts, pa.string())}), stage.open())
    assert isinstance(mapped, Mapped)
    return mapped


def results(texts: list[str], stage: C4) -> list[str | tuple[str]]:
    """Per text the rule that drops it, or what it reads afterwards."""
    mapped = cleaned(texts, stage)
    assert mapped.drops is not None
    kept = dict(zip(mapped.parent.tolist(), mapped.rows["text"].to_pylist()))
    return [(kept[row],) if rule is None else rule for row, rule in enumerate(mapped.drops.rule.to_pylist())]


def reference(text: str, terminal: bool) -> str | tuple[str]:
    kept = []
    for line in map(str.strip, text.splitlines()):
        words = line.split()
        line = re.sub(r"\[\d*]|\[edit]|\[citation needed]", "", line)
        if any(len(word) > 1000 for word in words):
            continue
        if terminal and (line[-1:] not in tuple(".?!\"'") or line.endswith("...")):
            continue
        if len(words) < 3:
            continue
        if "lorem ipsum" in line.lower():
            return "lorem_ipsum"
        if "javascript" in line.lower():
            continue
        if "{" in line:
            return "curly_bracket"
        if not any(phrase in line.lower() for phrase in POLICIES):
            kept.append(line)
    return ("\n".join(kept).strip(),)


@settings(deadline=None, max_examples=300)
@given(st.lists(TEXTS, max_size=5), st.booleans())
@example(["a b lorem ipsum.", "a b lorem ipsum", "use  cookies now.", "[1] a b.", "a b c. [2]", " [] [] [] ."], True)
def test_texts_and_page_rules_equal_the_reference(texts: list[str], terminal: bool) -> None:
    stage = C4(min_sentences=None, terminal_punctuation=terminal)
    assert results(texts, stage) == [reference(text, terminal) for text in texts]


@settings(deadline=None, max_examples=100)
@given(TEXTS)
def test_what_is_cut_and_what_is_kept_are_the_whole_but_for_white_space(text: str) -> None:
    mapped = cleaned([text], C4(min_sentences=None, terminal_punctuation=False))
    if not len(mapped.parent):
        return
    data = text.encode()
    assert mapped.cuts is not None
    for start, end in sorted(zip(mapped.cuts.start.tolist(), mapped.cuts.end.tolist()), reverse=True):
        data = data[:start] + data[end:]
    assert "".join(data.decode().split()) == "".join(mapped.rows["text"][0].as_py().split())


@pytest.mark.parametrize(
    ("rule", "line", "off"),
    [
        ("too_long_word", f"One word is {'w' * 1001}.", {"max_word_length": None}),
        ("no_terminal_punctuation", "This goes on and", {"terminal_punctuation": False}),
        ("too_few_words", "Read more.", {"min_words": None}),
        ("javascript", "Please enable JAVASCRIPT here.", {"javascript": False}),
        ("policy", "Our Privacy Policy applies.", {"policy": False}),
    ],
)
def test_each_line_rule_cuts_its_line_into_the_ledger_and_can_be_switched_off(
    rule: str, line: str, off: dict[str, object]
) -> None:
    mapped = cleaned([f"{GOOD}  {line}"], C4())
    assert mapped.rows["text"].to_pylist() == [GOOD.strip()]
    assert mapped.cuts is not None
    assert mapped.cuts.rule.to_pylist() == [rule]
    start = len(GOOD) + 2
    assert (mapped.cuts.start[0], mapped.cuts.end[0]) == (start, start + len(line))
    assert results([f"{GOOD}{line}"], C4(**off)) == [(f"{GOOD}{line}",)]


@pytest.mark.parametrize(
    ("rule", "text", "off"),
    [
        ("lorem_ipsum", f"{GOOD}Then Lorem Ipsum follows.", {"lorem_ipsum": False}),
        ("curly_bracket", f"{GOOD}Then code {{}} follows.", {"curly_bracket": False}),
        ("too_few_sentences", "This line says enough.", {"min_sentences": None}),
    ],
)
def test_each_page_rule_drops_its_page_and_can_be_switched_off(rule: str, text: str, off: dict[str, object]) -> None:
    mapped = cleaned([text], C4())
    assert mapped.drops is not None
    assert mapped.drops.rule.to_pylist() == [rule]
    assert mapped.cuts is not None
    assert not len(mapped.cuts.row)
    assert results([text], C4(**off)) == [(text,)]


def test_a_page_rule_does_not_see_lines_that_are_cut_before() -> None:
    assert results([f"{GOOD}lorem ipsum {{"], C4()) == [(GOOD.strip(),)]


def test_mc4_wants_three_long_lines() -> None:
    stage = C4(min_sentences=None, min_long_lines=3)
    long = f"{'word ' * 40}."
    assert results([f"{long}\n{long}", f"{long}\n{long}\n{long}"], stage)[0] == "few_long_lines"
    assert results([f"{long}\n{long}\n{long}"], stage) == [(f"{long}\n{long}\n{long}",)]


def test_mode_tag_changes_no_text_and_counts() -> None:
    stage = C4(mode="tag")
    batch = pa.record_batch({"text": [f"{GOOD}Read more.", "Only this one here.", ""]})
    rows = stage.map(batch, stage.open())
    assert rows["text"].equals(batch["text"])
    assert rows["c4_rule"].to_pylist() == [None, "too_few_sentences", "too_few_sentences"]
    assert rows["c4_sentences"].to_pylist() == [5, 1, 0]
    assert rows["c4_lines"].to_pylist() == [6, 1, 0]
    assert rows["c4_kept_lines"].to_pylist() == [5, 1, 0]


def test_more_cuts_than_expected_are_all_told() -> None:
    text = "[1] " * 5000 + "is a lot."
    mapped = cleaned([text], C4(min_sentences=None))
    assert mapped.cuts is not None
    assert len(mapped.cuts.row) == 5000


def test_the_laws_hold() -> None:
    check_stage(C4(min_sentences=1))
    check_stage(C4(mode="tag", min_long_lines=1))
