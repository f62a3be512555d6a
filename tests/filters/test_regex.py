"""Expressions: counts and limits, columns, and what is refused before anything runs."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.regex import Regex
from stages.laws import check_stage


def stage_of(**patterns: Any) -> Regex:
    return Regex.model_validate({"patterns": patterns})


def judged(stage: Regex, *texts: str | None) -> list[tuple[str | None, float | None, float | None]]:
    batch = pa.record_batch({stage.column: pa.array(texts, pa.string())})
    verdicts = stage.judge(batch, stage.open())
    return list(zip(verdicts.rule.to_pylist(), verdicts.value.to_pylist(), verdicts.limit.to_pylist()))


KEPT = (None, None, None)


def test_an_expression_alone_must_not_be_found() -> None:
    stage = stage_of(lorem="(?i)lorem ipsum")
    assert judged(stage, "Lorem IPSUM lorem ipsum", "x", None) == [("too_many_lorem", 2, 0), KEPT, KEPT]


def test_matches_are_counted_without_overlap_and_limits_are_allowed_themselves() -> None:
    stage = stage_of(pairs={"pattern": "aa", "min": 1, "max": 2})
    assert judged(stage, "a", "aaa", "aaaaa", "aaaaaa") == [
        ("too_few_pairs", 0, 1),
        KEPT,
        KEPT,
        ("too_many_pairs", 3, 2),
    ]


def test_expressions_are_judged_in_the_order_written() -> None:
    assert [rule for rule, *_ in judged(stage_of(b="b", a="a"), "ab", "a")] == ["too_many_b", "too_many_a"]


def test_characters_are_unicode() -> None:
    assert judged(stage_of(cyrillic={"pattern": r"\p{Cyrillic}", "max": 1}), "Жж", "Ж") == [
        ("too_many_cyrillic", 2, 1),
        KEPT,
    ]


def test_anchors_may_match_nothing() -> None:
    assert judged(stage_of(empty="^$"), "", "x") == [("too_many_empty", 1, 0), KEPT]


def test_another_column_can_be_read() -> None:
    stage = Regex.model_validate({"patterns": {"tag": "/tag/"}, "column": "url"})
    assert stage.needs() == ("url",)
    assert judged(stage, "http://a.test/tag/x", None) == [("too_many_tag", 1, 0), KEPT]
    assert stage.check(pa.schema([("url", pa.int64())])) == [
        "column: `url` is of type int64, and expressions are looked for in strings"
    ]
    assert stage.check(pa.schema([("url", pa.string())])) == []


def test_tags_hold_the_counts() -> None:
    stage = Regex.model_validate({"patterns": {"a": "a", "b": {"pattern": "b", "min": 1}}, "mode": "tag"})
    assert list(stage.adds()) == ["regex_rule", "regex_a", "regex_b"]
    tags = stage.tags(pa.record_batch({"text": ["aab", "b", ""]}), None)
    assert [column.to_pylist() for column in tags] == [["too_many_a", None, "too_few_b"], [2, 0, 0], [1, 1, 0]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Field required"),
        ({"patterns": {}}, "at least 1"),
        ({"patterns": {"x": "[a"}}, r"is no RE2 expression: missing \]"),
        ({"patterns": {"x": r"(a)\1"}}, "is no RE2 expression: invalid escape"),
        ({"patterns": {"x": "a*"}}, "so everywhere"),
        ({"patterns": {"x": {"pattern": "a"}}}, "has no limit"),
        ({"patterns": {"x": {"pattern": "a", "min": 3, "max": 1}}}, "every document would be dropped"),
        ({"patterns": {"X y": "a"}}, "is no name"),
        ({"patterns": {"rule": "a"}}, "is no name"),
    ],
)
def test_what_has_no_sense_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Regex.model_validate(fields)


def test_it_keeps_the_laws_of_stages() -> None:
    check_stage(stage_of(mill="(?i)mill", digits={"pattern": "[0-9]", "min": 1, "max": 30}))
