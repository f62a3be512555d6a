"""Boilerplate lines: every rule alone and against a slow reference, the spans in the ledger, and what is dropped."""

from __future__ import annotations

import re
from random import Random

import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.boilerplate_lines import COUNTED, BoilerplateLines
from stages.laws import check_stage
from stages.verdicts import Mapped

OFF: dict[str, object] = {
    "max_upper_case": None,
    "max_digits": None,
    "counted": [],
    "min_words": None,
    "navigation_start": [],
    "navigation_end": [],
    "navigation_anywhere": [],
    "max_words_cut": None,
}

LINES = (
    *("The mill stands by the river.", "HOME AND GARDEN", "Über Uns HEUTE", "2024", "12 34", "3 likes", "3 bananas"),
    *("1.2K Views!", "(15 comments)", "one", "", "   ", "Sign-in", "sign-in to see more", "Go on. Read more..."),
    *(
        "READ MORE...",
        "2 Items in Cart",
        "items in cart",
        "Read more... about it",
        "磨坊坐落在河边",
        "١٢٣",
        "7\u00a0shares",
    ),
    *(
        "a b c d e f g h i j sign-in read more...",
        "a b c d e f g h i read more...",
        "Sign-in items in cart read more...",
    ),
)


def mapped(stage: BoilerplateLines, *texts: str | None) -> Mapped:
    batch = pa.record_batch({"text": pa.array(texts, pa.string())})
    found = stage.map(batch, stage.open())
    assert isinstance(found, Mapped)
    return found


def kept(stage: BoilerplateLines, *texts: str | None) -> list[str | None]:
    told: list[str | None] = mapped(stage, *texts).rows["text"].to_pylist()
    return told


def cuts(found: Mapped) -> list[tuple[int, int, int, str]]:
    assert found.cuts is not None
    columns = (found.cuts.row.tolist(), found.cuts.start.tolist(), found.cuts.end.tolist())
    return list(zip(*columns, found.cuts.rule.to_pylist()))


def only(**fields: object) -> BoilerplateLines:
    return BoilerplateLines.model_validate({**OFF, **fields})


def reference(text: str) -> str:
    """What DCLM's modifiers leave, one after the other, written down as plainly as can be."""

    def upper(line: str) -> bool:
        return sum(letter.isupper() for letter in line) / len(line) > 0.5

    def digits(line: str) -> bool:
        return sum(letter.isdecimal() for letter in line) / len(line) > 0.999999

    def counter(line: str) -> bool:
        return bool(re.search(rf"^\W*\d(?:,|\.|\d)*[kmb]?\s+(?:{'|'.join(COUNTED)})\W*$", line.lower()))

    def few(line: str) -> bool:
        return len(line.split()) < 2

    lines = text.split("\n")
    for rule in (upper, digits, counter, few):
        lines = [line for line in lines if not line or not rule(line)]
    for pattern in (r"\s?items in cart", r"\s?read more\.\.\.$", r"^sign-in\s?"):
        left = []
        for line in lines:
            edited = re.sub(pattern, "", line, flags=re.IGNORECASE) if len(line.split()) <= 10 else line
            if not line or edited.strip():
                left.append(edited)
        lines = left
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("fields", "text", "left", "rule"),
    [
        ({"max_upper_case": 0.5}, "ABcd\nABc\nÄÖü", "ABcd", "upper_case"),
        ({"max_digits": 0.5}, "12ab\n123b\nab", "12ab\nab", "digits"),
        ({"max_digits": 0.999999}, "123\n12 3\n١٢٣", "12 3", "digits"),
        ({"counted": ["likes"]}, "3 likes\n3 LIKES.\nlikes 3\n3,5k likes\n3 shares", "likes 3\n3 shares", "counter"),
        ({"min_words": 2}, "one\n\n  \ntwo words", "\ntwo words", "few_words"),
        (
            {"navigation_start": ["sign-in"]},
            "Sign-in now\nplease sign-in\nSign-in",
            "now\nplease sign-in",
            "navigation",
        ),
        ({"navigation_end": ["more..."]}, "Read more...\nmore...\nmore... on", "Read\nmore... on", "navigation"),
        ({"navigation_anywhere": ["(cart)"]}, "2 (Cart) here\na (cart", "2 here\na (cart", "navigation"),
    ],
)
def test_each_rule_cuts_its_lines_alone(fields: dict[str, object], text: str, left: str, rule: str) -> None:
    found = mapped(only(**fields), text)
    assert found.rows["text"].to_pylist() == [left]
    assert {span[3] for span in cuts(found)} == {rule}


def test_the_defaults_leave_what_dclm_leaves() -> None:
    chance = Random(3)
    texts = ["\n".join(chance.choices(LINES, k=chance.randint(1, 9))) for _ in range(600)]
    texts = [text for text in texts if reference(text).strip()]
    assert len(texts) > 300
    assert kept(BoilerplateLines(max_words_cut=None), *texts) == [reference(text) for text in texts]


def test_the_ledger_has_every_byte_that_goes() -> None:
    text = "Über allem steht\nHEUTE NEU\nwas wir sehen. Read more...\nEINS\nZWEI"
    found = mapped(BoilerplateLines(max_words_cut=None), text)
    spans = cuts(found)
    data = text.encode()
    assert [(rule, data[start:end].decode()) for _, start, end, rule in spans] == [
        ("upper_case", "HEUTE NEU\n"),
        ("navigation", " Read more..."),
        ("upper_case", "\nEINS"),
        ("upper_case", "\nZWEI"),
    ]
    assert found.rows["text"].to_pylist() == ["Über allem steht\nwas wir sehen."]


def test_a_document_that_loses_too_many_words_is_dropped() -> None:
    prose = "The mill stands where the river bends and its wheel turns all day"
    found = mapped(BoilerplateLines(max_words_cut=0.2), f"{prose}\n3 likes", f"{prose}\nA B\nC D\n9 views", "", None)
    assert found.drops is not None
    assert found.drops.rule.to_pylist() == [None, "words_cut", None, None]
    assert (found.drops.value[1].as_py(), found.drops.limit[1].as_py()) == (6 / 19, 0.2)
    assert [row for row, *_ in cuts(found)] == [0]
    assert found.rows["text"].to_pylist() == [prose, "", None]


def test_a_document_of_boilerplate_alone_is_dropped() -> None:
    found = mapped(BoilerplateLines(max_words_cut=None), "3 likes\n\nHOME", "\n\n")
    assert found.drops is not None
    assert found.drops.rule.to_pylist() == ["nothing_left", None]


def test_mode_tag_leaves_the_text_and_tells_what_would_go() -> None:
    stage = BoilerplateLines(mode="tag")
    batch = pa.record_batch({"text": ["Some words here\n3 likes", "Some words here", ""]})
    rows = stage.map(batch, stage.open())
    assert isinstance(rows, pa.RecordBatch)
    assert rows["text"].equals(batch["text"])
    assert rows["boilerplate_lines_rule"].to_pylist() == ["words_cut", None, None]
    assert rows["boilerplate_lines_words_cut"].to_pylist() == [0.4, 0.0, None]
    assert rows["boilerplate_lines_spans"].to_pylist() == [[{"start": 15, "end": 23, "rule": "counter"}], [], []]


def test_phrases_are_no_expressions() -> None:
    assert kept(only(navigation_anywhere=["a.b|c^$"]), "x a.b|c^$ y\na-b c") == ["x y\na-b c"]
    with pytest.raises(ValidationError, match="at least 1 character"):
        only(navigation_end=[""])


@pytest.mark.parametrize("mode", ["drop", "tag"])
def test_it_keeps_the_laws_of_stages(mode: str) -> None:
    check_stage(BoilerplateLines.model_validate({"mode": mode, "max_words_cut": 0.5, "navigation_end": ["."]}))
