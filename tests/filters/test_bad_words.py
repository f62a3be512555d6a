"""Bad words: the matcher against the expression that defines it, lists by language, limits, and what is refused."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pydantic import ValidationError

from filters.bad_words import BadWords
from stages.kernels.patterns import count_matches, patterns_of
from stages.kernels.texts import texts_of
from stages.laws import check_stage

NO_LANGUAGE = pa.schema([("id", pa.string()), ("text", pa.string())])


def judged(stage: BadWords, *texts: str, languages: list[str | None] | None = None) -> list[str | None]:
    columns: dict[str, Any] = {"id": [f"{at:032x}" for at in range(len(texts))], "text": pa.array(texts, pa.string())}
    if languages is not None:
        columns["language"] = pa.array(languages, pa.string())
    return stage.judge(pa.record_batch(columns), stage.open()).rule.to_pylist()  # type: ignore[no-any-return]


def lists_in(folder: Path, **lists: str) -> dict[str, str]:
    for language, words in lists.items():
        (folder / f"{language}.txt").write_text(words, "utf-8")
    return {language: f"{language}.txt" for language in lists}


def stage_of(folder: Path, **fields: Any) -> BadWords:
    return BadWords.model_validate(fields, context={"base": folder})


def matches(text: str, words: list[str], *, flanked: bool = True) -> int:
    patterns = patterns_of(words, flanked=flanked)
    return int(count_matches(texts_of(pa.array([text])), np.array([0]), patterns)[0])


CHARACTERS = some.text(some.sampled_from("abAB é&ÉЖж'_1\n٣"), max_size=24)
ENTRIES = some.lists(some.text(some.sampled_from("ab é&ж'_1"), min_size=1, max_size=4), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(CHARACTERS, ENTRIES, some.booleans())
def test_a_text_has_a_bad_word_where_datatroves_expression_finds_one(
    text: str, words: list[str], flanked: bool
) -> None:
    either = "|".join(map(re.escape, words))
    expression = re.compile(rf"(?:\W|^)({either})(?:\W|$)" if flanked else either)
    assert (matches(text, words, flanked=flanked) > 0) == bool(expression.search(text.lower()))


@given(CHARACTERS, ENTRIES)
def test_every_place_where_a_word_ends_counts_once(text: str, words: list[str]) -> None:
    low = text.lower()
    either = "|".join(map(re.escape, words))
    ends = {at for at in range(len(low) + 1) if re.search(rf"(?:\W|^)({either})$", low[:at])}
    # `$` is the end of what came before, so what follows is looked at apart.
    assert matches(text, words) == sum(not re.match(r"\w", low[at:]) and not low[:at].endswith("\n") for at in ends)


def test_case_is_ignored_in_every_script() -> None:
    assert matches("ÉCOLE Жж ΣΑΣ Ⱥ", ["école"]) == 1
    assert [matches("ÉCOLE ЖЖ ΣΑΣ Ⱥ 𐐀", [word]) for word in ("жж", "σας", "ⱥ", "𐐨")] == [1, 1, 1, 1]


def test_words_stand_alone_but_where_nobody_writes_spaces(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, lists=lists_in(tmp_path, en="bad\n", ja="悪い\n"))
    texts = ["so BAD!", "badly", "とても悪いです", "bad"]
    assert judged(stage, *texts, languages=["en", "en", "ja", "ja"]) == ["bad_words", None, "bad_words", None]


def test_lists_are_found_by_language_and_its_stem(tmp_path: Path) -> None:
    fields = {"lists": lists_in(tmp_path, en="bad", de="schlecht"), "default_language": "en"}
    languages = ["en-GB", "de_Latn", "fr", None, "de"]
    texts = ["bad", "schlecht", "bad", "bad", "bad"]
    assert judged(stage_of(tmp_path, **fields), *texts, languages=languages) == [
        "bad_words",
        "bad_words",
        None,
        "bad_words",
        None,
    ]
    assert judged(stage_of(tmp_path, **fields, words=["bad"]), *texts, languages=languages)[2] == "bad_words"


@pytest.mark.parametrize(
    ("on_missing", "rule"), [("keep", None), ("drop", "no_word_list"), ("fail", "error:no_word_list")]
)
def test_a_language_without_a_list_is_treated_as_told(tmp_path: Path, on_missing: str, rule: str | None) -> None:
    stage = stage_of(tmp_path, lists=lists_in(tmp_path, en="bad"), on_missing=on_missing)
    assert judged(stage, "x", "x", languages=["fr", "en"]) == [rule, None]


def test_a_folder_stands_for_its_files(tmp_path: Path) -> None:
    for name, words in (("en", "bad"), ("de.txt", "schlecht"), ("README.md", "see"), (".git", "x")):
        (tmp_path / name).write_text(words)
    stage = BadWords.model_validate({"lists": "."}, context={"base": tmp_path})
    assert sorted(stage.lists) == ["de", "en"]
    assert judged(stage, "bad", "schlecht", languages=["en", "de"]) == ["bad_words"] * 2


def test_limits_are_allowed_themselves() -> None:
    assert judged(BadWords(words=("bad",), max_matches=1), "bad", "bad bad") == [None, "bad_words"]
    stage = BadWords(words=("bad",), max_matches=None, max_share=0.5)
    assert judged(stage, "bad day", "bad bad day", "") == [None, "dense_bad_words", None]


def test_allowed_words_are_taken_off() -> None:
    assert judged(BadWords(words=("bad", "sad"), allowed=("sad",)), "sad", "bad") == [None, "bad_words"]


def test_a_share_is_kept_by_the_id_and_the_seed_alone() -> None:
    texts = ["bad"] * 400
    kept = [judged(BadWords(words=("bad",), keep_share=0.25, seed=seed), *texts) for seed in (1, 1, 2)]
    assert kept[0] == kept[1] != kept[2]
    assert 60 < kept[0].count(None) < 140
    assert BadWords(words=("x",)).placed(Path(), 5).seed == 5


def test_tags_tell_the_numbers_of_the_limits_that_are_on() -> None:
    stage = BadWords(words=("bad",), max_share=0.5, mode="tag")
    assert list(stage.adds()) == ["bad_words_rule", "bad_words_matches", "bad_words_share"]
    batch = pa.record_batch({"id": ["a", "b"], "text": ["bad day", ""]})
    assert [column.to_pylist() for column in stage.tags(batch, stage.open())] == [
        ["bad_words", None],
        [1, 0],
        [0.5, None],
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "there is no list"),
        ({"words": [" "]}, "an empty word"),
        ({"words": ["x"], "max_matches": None}, "sets no limit"),
        ({"lists": "missing"}, "is no folder"),
    ],
)
def test_fields_without_sense_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BadWords.model_validate(fields)


def test_bad_files_and_missing_columns_are_told_before_the_run(tmp_path: Path) -> None:
    lists = lists_in(tmp_path, en="\n \n")
    (tmp_path / "de.txt").write_bytes(b"\xff\xfe")
    faults = stage_of(tmp_path, lists={**lists, "de": "de.txt"}).check(NO_LANGUAGE)
    assert [fault.partition(str(tmp_path))[0] for fault in faults[:2]] == ["lists: en: ", "lists: de: "]
    assert "is empty" in faults[0]
    assert "not UTF-8" in faults[1]
    assert "put stages.language before it" in faults[2]
    assert stage_of(tmp_path, lists=lists_in(tmp_path, en="bad"), default_language="en").check(NO_LANGUAGE) == []
    assert stage_of(tmp_path, lists=lists_in(tmp_path, en="bad"), default_language="fr").check(NO_LANGUAGE) != []


def test_hostile_texts_take_linear_time() -> None:
    start = time.process_time()
    assert matches("a" * 10**6 + "b", ["a" * 50 + "b", "a b", "aa"], flanked=False) == 10**6
    assert matches("a " * 500_000, ["a a a a a b", "a b"]) == 0
    assert time.process_time() - start < 2


def test_it_keeps_the_laws_of_stages(tmp_path: Path) -> None:
    check_stage(BadWords(words=("mill", "磨坊"), max_share=0.1, keep_share=0.3, seed=1))
    stage = stage_of(tmp_path, lists=lists_in(tmp_path, en="the mill", zh="村里"), on_missing="drop")
    check_stage(stage)
