"""Text repair: the scan against ftfy and unicodedata, each rule, the ledger's spans, columns, and what is refused."""

from __future__ import annotations

import sys
import time
import unicodedata
from functools import cache
from random import Random
from typing import Any

import ftfy
import numpy as np
import pyarrow as pa
import pytest
from ftfy.badness import BADNESS_RE, MOJIBAKE_CATEGORIES
from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import ValidationError

from filters.text_repair import RepairTools, TextRepair
from stages.kernels.normal_quick_check import Form
from stages.kernels.repair_scan import MOJIBAKE, UNNORMALISED, repair_scan, repair_tables
from stages.kernels.texts import texts_of
from stages.laws import check_stage
from stages.verdicts import Mapped

FTFY = ftfy.TextFixerConfig(
    unescape_html=False,
    remove_terminal_escapes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    remove_control_chars=False,
    normalization=None,
    explain=False,
)
OFF: dict[str, Any] = {name: False for name in TextRepair.model_fields if name not in ("mode", "normalization")}
OFF["normalization"] = None


def flags(texts: list[str], *, form: Form | None = None) -> np.ndarray[Any, Any]:
    tables = repair_tables([], mojibake=form is None, form=form)
    return repair_scan(texts_of(pa.array(texts, pa.string())), tables).flags


def batch_of(*texts: str | None) -> pa.RecordBatch:
    return pa.record_batch({"id": [f"{at:032x}" for at in range(len(texts))], "text": pa.array(texts, pa.string())})


@cache
def opened(stage: TextRepair) -> RepairTools:
    return stage.open()


def repaired(stage: TextRepair, *texts: str | None) -> tuple[list[str | None], list[tuple[int, str, str]]]:
    """The new texts, and the cuts as row, rule, and what stood there."""
    batch = batch_of(*texts)
    result = stage.map(batch, opened(stage))
    if isinstance(result, pa.RecordBatch):
        return result["text"].to_pylist(), []
    assert isinstance(result, Mapped)
    assert result.cuts is not None
    cuts = zip(*(column.tolist() for column in (result.cuts.row, result.cuts.start, result.cuts.end)))
    told = [
        (row, rule, (texts[row] or "").encode()[start:end].decode())
        for (row, start, end), rule in zip(cuts, result.cuts.rule.to_pylist())
    ]
    return result.rows["text"].to_pylist(), told


def suspicious_characters() -> list[str]:
    """All characters that ftfy's heuristic names, and some others of every sort."""
    named = set(BADNESS_RE.pattern) | {*"aZ 5.,?_\n中😀\u0301"}
    for spans in MOJIBAKE_CATEGORIES.values():
        at = 0
        while at < len(spans):
            if spans[at + 1 : at + 2] == "-" and at + 2 < len(spans):
                named |= set(map(chr, range(ord(spans[at]), ord(spans[at + 2]) + 1)))
                at += 3
            else:
                named.add(spans[at])
                at += 1
    return sorted(named)


def test_the_scan_suspects_whatever_ftfy_finds_bad() -> None:
    chance = Random(0)
    characters = suspicious_characters()
    texts = ["".join(chance.choices(characters, k=chance.randint(2, 4))) for _ in range(12_000)]
    missed = [text for text, flag in zip(texts, flags(texts)) if not flag & MOJIBAKE and BADNESS_RE.search(text)]
    assert missed == []


def broken(text: str, encoding: str) -> str:
    return text.encode().decode(encoding, "replace")


SENTENCES = [
    "déjà vu à l’été",
    "größer – süß",
    "Привет, мир…",
    "Ω και ά",
    "žluťoučký kůň",
    "naïve “quotes”",
    "日本語",
    "مرحبا بالعالم",
    "£5 © ®",
]


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1257", "mac_roman", "cp437"]
)
def test_what_ftfy_changes_is_suspected_and_changed_alike(encoding: str) -> None:
    texts = [broken(text, encoding) for text in SENTENCES] + SENTENCES
    changed = [ftfy.fix_text(text, FTFY) for text in texts]
    assert [bool(flag & MOJIBAKE) or text == new for text, new, flag in zip(texts, changed, flags(texts))] == [
        True
    ] * len(texts)
    assert repaired(TextRepair(**(OFF | {"mojibake": True})), *texts)[0] == changed


@settings(max_examples=60, deadline=None)
@given(
    some.lists(
        some.sampled_from([*map(broken, SENTENCES, ["cp1252"] * 9), *SENTENCES, "\n", "œ", "\x92", "Ã ", "a"]),
        max_size=5,
    ).map("".join)
)
def test_mojibake_is_repaired_as_ftfy_does(text: str) -> None:
    assert repaired(TextRepair(**(OFF | {"mojibake": True})), text)[0] == [ftfy.fix_text(text, FTFY)]


def test_prose_of_many_languages_is_not_suspected() -> None:
    texts = [
        "Das Mädchen hört Öl. Fünf!",
        "L’été à Nîmes: déjà",
        "Привет, мир — «да»",
        "œuvre",
        "ελληνικά",
        "日本語",
        "5 €",
    ]
    assert flags(texts).tolist() == [0] * len(texts)


@pytest.mark.parametrize("form", ["NFC", "NFKC", "NFD"])
def test_the_quick_check_misses_nothing_that_is_unnormalised(form: Form) -> None:
    chance = Random(1)
    assigned = [
        chr(point) for point in range(sys.maxunicode + 1) if unicodedata.category(chr(point)) not in ("Cn", "Cs", "Co")
    ]
    marks = [character for character in assigned if unicodedata.combining(character)] + ["\u1161", "\u11a8", "a", "가"]
    texts = [*assigned, *(chance.choice(assigned) + chance.choice(marks) + chance.choice(marks) for _ in range(30_000))]
    found = flags(texts, form=form) & UNNORMALISED
    missed = [text for text, flag in zip(texts, found) if not flag and not unicodedata.is_normalized(form, text)]
    assert missed == []
    assert flags(["plain", "é", "हिन्दी"], form="NFC").tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("rule", "text", "after", "cuts"),
    [
        (
            "control_characters",
            "a\0\x01b\x7f\tc\x1b[31;1mred\x1b[0m\x1bx",
            "ab\tcredx",
            ["\0\x01", "\x7f", "\x1b[31;1m", "\x1b[0m\x1b"],
        ),
        ("byte_order_marks", "\ufeffa\ufeff", "a", ["\ufeff", "\ufeff"]),
        ("zero_width", "a\u200b\u2060b\u200dc", "ab\u200dc", ["\u200b\u2060"]),
        ("bidi_marks", "\u202eabc\u202c\u200f", "abc", ["\u202e", "\u202c\u200f"]),
        ("soft_hyphens", "Zu\u00adcker", "Zucker", ["\u00ad"]),
        ("line_endings", "a\r\nb\rc\n\r\r\n", "a\nb\nc\n\n\n", []),
        ("html_entities", "a &amp; b &eacute;", "a & b é", ["a &amp; b &eacute;"]),
        ("mojibake", "x\ndÃ©jÃ\xa0 vu\ny", "x\ndéjà vu\ny", ["dÃ©jÃ\xa0 vu"]),
    ],
)
def test_each_rule_alone(rule: str, text: str, after: str, cuts: list[str]) -> None:
    stage = TextRepair(**(OFF | {rule: True}))
    assert repaired(stage, text, "plain é", None) == ([after, "plain é", None], [(0, rule, cut) for cut in cuts])
    others = {name: True for name in OFF if name not in (rule, "normalization")} | {rule: False, "normalization": None}
    if rule not in ("mojibake", "byte_order_marks"):
        assert repaired(TextRepair(**others), text)[0] != [after]


@pytest.mark.parametrize(("form", "after"), [("NFC", "é ﬁ"), ("NFD", "e\u0301 ﬁ"), ("NFKC", "é fi")])
def test_normal_forms(form: str, after: str) -> None:
    assert repaired(TextRepair(**(OFF | {"normalization": form})), "e\u0301 ﬁ", "é ﬁ") == ([after, after], [])


def test_html_entities_stay_where_there_is_html() -> None:
    assert repaired(TextRepair(**(OFF | {"html_entities": True})), "<b>\n&amp;", "&amp;")[0] == ["<b>\n&amp;", "&"]


def test_a_soft_hyphen_that_is_half_a_letter_is_repaired_first() -> None:
    text = "one\u00ad\nsÃ\u00ad\u200b señor\nthree\u200b\r\n\u00adfour\u00ad"
    after, cuts = repaired(TextRepair(), text)
    assert after == ["one\nsí señor\nthree\nfour"]
    assert cuts == [
        (0, "soft_hyphens", "\u00ad"),
        (0, "mojibake", "sÃ\u00ad\u200b señor"),
        (0, "zero_width", "\u200b"),
        (0, "soft_hyphens", "\u00ad"),
        (0, "soft_hyphens", "\u00ad"),
    ]


PARTS = [
    "dÃ©jÃ\xa0",
    "Ã\u00ad",
    "é",
    "e\u0301",
    "a",
    "\n",
    "\r\n",
    "\r",
    "\u200b",
    "\u00ad",
    "\ufeff",
    "\0",
    "&amp;",
    "<",
    "\x1b[0m",
    "中",
    "“",
]


@settings(max_examples=120, deadline=None)
@given(some.lists(some.lists(some.sampled_from(PARTS), max_size=12).map("".join), min_size=1, max_size=3))
def test_repair_is_one_step_after_the_other_and_its_cuts_are_in_the_input(texts: list[str]) -> None:
    stage = TextRepair(html_entities=True)
    after, cuts = repaired(stage, *texts)
    for text, new in zip(texts, after):
        lines = [ftfy.fixes.unescape_html(line) if "<" not in text else line for line in text.split("\n")]
        slow = ftfy.fix_text("\n".join(lines), FTFY) if lines else ""
        slow = slow.replace("\r\n", "\n").replace("\r", "\n")
        for gone in ("\x1b[0m", "\0", "\ufeff", "\u200b", "\u00ad"):
            slow = slow.replace(gone, "")
        assert new == unicodedata.normalize("NFC", slow)
    assert all(cut for _, _, cut in cuts)


def test_tags_leave_the_text_and_name_the_rules() -> None:
    stage = TextRepair(mode="tag")
    rows: Any = stage.map(batch_of("dÃ©jÃ\xa0\r\n\u200be\u0301", "clean é", None, "a\u00ad"), stage.open())
    assert rows["text_repaired"].to_pylist() == [True, False, False, True]
    told = [["line_endings", "mojibake", "normalization", "zero_width"], [], [], ["soft_hyphens"]]
    assert rows["text_repair_rules"].to_pylist() == told


def test_clean_batches_come_back_as_they_are() -> None:
    stage = TextRepair()
    batch = batch_of("clean", "é", None)
    assert stage.map(batch, stage.open()) is batch


def test_a_stage_that_does_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="everything is off"):
        TextRepair(**OFF)


def test_a_missing_ftfy_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ftfy", None)
    schema = batch_of("x").schema
    assert "pip install 'textmill[repair]'" in TextRepair().check(schema)[0]
    assert TextRepair(mojibake=False).check(schema) == []
    with pytest.raises(ImportError, match=r"textmill\[repair\]"):
        TextRepair().open()


@pytest.mark.parametrize(
    "text", ["Ã©" * 300_000, "\x1b[" * 400_000, "\r" * 10**6, "\u0301" * 300_000, "\u00ad" * 300_000]
)
def test_hostile_texts_are_scanned_in_linear_time(text: str) -> None:
    start = time.process_time()
    scan = repair_scan(texts_of(pa.array([text])), TextRepair().open().tables)
    assert len(scan.flags) == 1
    assert time.process_time() - start < 2


@pytest.mark.parametrize("mode", ["repair", "tag"])
def test_it_keeps_the_laws_of_stages(mode: str) -> None:
    check_stage(TextRepair.model_validate({"mode": mode, "bidi_marks": True, "html_entities": True}))
    check_stage(
        TextRepair.model_validate({"mode": mode}), batch_of(*[f"{part}{at}\n{part}é" for at, part in enumerate(PARTS)])
    )
