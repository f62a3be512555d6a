"""The language filter: labels with and without a script, floors of single languages, and what it says in the ledger."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.language import Language
from stages.laws import check_stage, sample_documents

Verdict = tuple[str | None, float | None, float | None, str | None]
KEPT: Verdict = (None, None, None, None)


def judged(stage: Language, *rows: tuple[str | None, float | None]) -> list[Verdict]:
    batch = pa.record_batch(
        {
            "language": pa.array([label for label, _ in rows], pa.string()),
            "language_score": pa.array([score for _, score in rows], pa.float32()),
        }
    )
    found = stage.judge(batch, stage.open())
    assert found.message is not None
    return list(
        zip(found.rule.to_pylist(), found.value.to_pylist(), found.limit.to_pylist(), found.message.to_pylist())
    )


def test_a_label_without_script_stands_for_every_script() -> None:
    stage = Language(keep=("srp", "eng_Latn"))
    rows = [("srp_Cyrl", 0.5), ("srp_Latn", 0.5), ("srp", 0.5), ("eng_Latn", 0.5)]
    assert judged(stage, *rows) == [KEPT] * 4
    assert judged(stage, ("eng", 0.5), ("eng_Shaw", 0.5), ("srpx_Latn", 0.5)) == [
        ("language", None, None, "eng"),
        ("language", None, None, "eng_Shaw"),
        ("language", None, None, "srpx_Latn"),
    ]


def test_the_exact_label_counts_before_the_one_without_script() -> None:
    rows = [("srp_Cyrl", 0.5), ("srp_Latn", 0.5)]
    assert [rule for rule, *_ in judged(Language(keep=("srp",), drop=("srp_Latn",)), *rows)] == [None, "language"]
    assert [rule for rule, *_ in judged(Language(keep=("srp_Latn",), drop=("srp",)), *rows)] == ["language", None]


def test_what_is_only_dropped_leaves_the_others() -> None:
    assert judged(Language(drop=("und",)), ("deu", 0.5), ("und", 0.0), (None, None)) == [
        KEPT,
        ("language", None, None, "und"),
        ("language", None, None, "und"),
    ]


def test_each_language_has_its_floor_and_the_floor_itself_is_allowed() -> None:
    stage = Language(floors={"deu": 0.6, "deu_Latn": 0.7, "arb": 0}, floor=0.65)
    rows = [("deu_Latn", 0.7), ("deu_Latf", 0.6), ("arb_Arab", 0.0), ("eng", 0.65)]
    assert judged(stage, *rows) == [KEPT] * 4
    rows = [("deu_Latn", 0.65), ("deu_Latf", 0.5), ("eng", 0.5), ("eng", None)]
    assert [(rule, limit) for rule, _, limit, _ in judged(stage, *rows)] == [
        ("language_score", 0.7),
        ("language_score", 0.6),
        ("language_score", 0.65),
        (None, None),
    ]


def test_without_a_general_floor_other_languages_have_none() -> None:
    assert judged(Language(floors={"deu": 0.6}), ("eng", 0.01)) == [KEPT]


def test_a_list_alone_does_without_scores() -> None:
    stage = Language(keep=("eng",))
    batch = pa.record_batch({"language": pa.array(["eng", "deu"])})
    assert stage.needs() == ("language",)
    assert stage.judge(batch, None).rule.to_pylist() == [None, "language"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "keeps every document"),
        ({"keep": ["eng"], "drop": ["eng"]}, "stands in keep and in drop"),
        ({"keep": ["two words"]}, "is no language label"),
        ({"keep": []}, "at least 1 item"),
        ({"floors": {"": 0.5}}, "is no language label"),
        ({"floors": {"eng": 1.5}}, "between 0% and 100%"),
    ],
)
def test_what_decides_nothing_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Language.model_validate(fields)


@pytest.mark.parametrize("mode", ["drop", "tag"])
def test_it_keeps_the_laws_of_stages(mode: str) -> None:
    fields = {"keep": ["en", "de", "und"], "floors": {"de": 0.9}, "floor": 0.5, "mode": mode}
    check_stage(Language.model_validate(fields), sample_documents())
