"""filters.language with a limits file: floors by language, and who had none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from filters.language import Language

LIMITS = """\
textmill_limits: 1
languages:
  fra_Latn: {language_score: 0.8}
  tha: {language_score: 0.9}
  kor: {gopher_quality: {max_words: 9}}
scripts:
  Latn: {language_score: 0.5}
"""


@pytest.fixture
def limits(tmp_path: Path) -> Path:
    path = tmp_path / "limits.yaml"
    path.write_text(LIMITS, "utf-8")
    return path


def judged(stage: Language, *rows: tuple[str | None, float]) -> list[tuple[Any, Any]]:
    batch = as_batch(*rows)
    verdicts = stage.judge(batch, stage.open())
    return list(zip(verdicts.rule.to_pylist(), verdicts.limit.to_pylist()))


def as_batch(*rows: tuple[str | None, float]) -> pa.RecordBatch:
    labels, scores = [label for label, _ in rows], [score for _, score in rows]
    return pa.record_batch(
        {"language": pa.array(labels, pa.string()), "language_score": pa.array(scores, pa.float32())}
    )


def test_each_language_has_the_floor_of_the_file(limits: Path) -> None:
    stage = Language.model_validate({"limits": limits, "floors": {"deu": 0.7}, "floor": 0.2})
    rows = [
        ("fra_Latn", 0.79),
        ("fra_Latn", 0.8),
        ("tha_Thai", 0.8),
        ("nld_Latn", 0.4),
        ("deu_Latn", 0.6),
        ("kor", 0.1),
    ]
    assert judged(stage, *rows) == [
        ("language_score", 0.8),
        (None, None),
        ("language_score", 0.9),
        ("language_score", 0.5),
        ("language_score", 0.7),
        ("language_score", 0.2),
    ]


def test_languages_without_a_floor_are_noted(limits: Path) -> None:
    batch = as_batch(("kor", 0.1), ("kor", 0.2), ("fra_Latn", 0.1), (None, 0.0))
    assert Language.model_validate({"limits": limits}).notes(batch, None) == {
        "kor: no language_score in limits, judged by no floor": 2,
        "und: no language_score in limits, judged by no floor": 1,
    }
    noted = Language.model_validate({"limits": limits, "floor": 0.3}).notes(batch, None)
    assert noted["kor: no language_score in limits, judged by the floor 0.3"] == 2


def test_a_file_without_floors_or_with_faults_is_refused(limits: Path) -> None:
    assert faults(limits, LIMITS) == []
    assert faults(limits, "textmill_limits: 1\nlanguages: {fra: {stop_words: [la]}}\n") == [
        f"{limits} has no language_score for any language; fit it with --web documents that have one"
    ]
    (fault,) = faults(limits, LIMITS.replace("0.8", "8"))
    assert fault.startswith(f"{limits}:3: fra_Latn: language_score should be a share")


def faults(limits: Path, text: str) -> list[str]:
    limits.write_text(text, "utf-8")
    return Language.model_validate({"limits": limits}).check(as_batch().schema)
