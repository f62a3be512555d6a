"""Several identifiers: what each says, when they are believed, and what is refused before a run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from stages.errors import StageError
from stages.language import Language
from stages.laws import check_stage
from stages.specimens import SENTENCES, hostile_texts, sample_documents
from stages.verdicts import Mapped
from tests.stages.test_fasttext_kernels import model_file

EXPECTED = {"en": "eng_Latn", "de": "deu_Latn", "fr": "fra_Latn", "ru": "rus_Cyrl", "el": "ell_Grek"}
NAMES = ("lid176", "resiliparse", "cld2")


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    if request.param == "cld2":
        pytest.importorskip("pycld2")
    return str(request.param)


def rows_of(stage: Language, texts: list[str | None]) -> pa.RecordBatch:
    batch = pa.record_batch({"id": [str(row) for row in range(len(texts))], "text": pa.array(texts, pa.string())})
    rows = stage.map(batch, stage.open())
    assert isinstance(rows, pa.RecordBatch)
    return rows


def stage_of(**fields: Any) -> Language:
    return Language.model_validate(fields)


def test_every_identifier_has_the_same_labels(name: str) -> None:
    rows = rows_of(stage_of(identifiers=[name]), [" ".join(SENTENCES[code] * 3) for code in EXPECTED])

    assert rows["language"].to_pylist() == list(EXPECTED.values())
    assert all(0 < score <= 1 for score in rows["language_score"].to_pylist())


def test_no_text_breaks_an_identifier(name: str) -> None:
    texts: list[str | None] = [text for text in hostile_texts().values() if len(text) < 100_000]
    points = [*range(1, 0xD800), *range(0xE000, 0x20000), 0x2FFFF, 0xE0001, 0x10FFFF]
    texts += ["".join(f"a{chr(point)}" for point in points[at : at + 5000]) for at in range(0, len(points), 5000)]

    assert rows_of(stage_of(identifiers=[name]), [*texts, None, ""])["language"].to_pylist()[-2:] == ["und", "und"]


def test_the_laws_hold_for_identifiers_that_agree() -> None:
    check_stage(stage_of(identifiers=["lid176", "resiliparse"], agree=2), sample_documents(12))


def test_a_language_is_believed_when_enough_identifiers_name_it() -> None:
    texts: list[str | None] = [
        " ".join(SENTENCES["de"]),
        "Ang gilingan ay nasa tabi ng ilog at umiikot ang gulong nito.",
        "",
    ]
    alone = [rows_of(stage_of(identifiers=[name]), texts)["language"].to_pylist() for name in NAMES[:2]]

    together = rows_of(stage_of(identifiers=NAMES[:2], agree=2), texts)

    assert together["language"].to_pylist() == [first if first == second else "und" for first, second in zip(*alone)]
    assert together["language"][0].as_py() == "deu_Latn"


def test_two_of_three_outvote_the_first(tmp_path: Path) -> None:
    """A model of random numbers stands first; where the others agree against it, their label and score count."""
    pytest.importorskip("pycld2")
    model = model_file(tmp_path / "model.bin", loss=3)
    stage = stage_of(identifiers=["model", "lid176", "cld2"], model=model, agree=2)
    text: list[str | None] = [" ".join(SENTENCES["fr"])]

    rows = rows_of(stage, text)

    assert rows["language"].to_pylist() == ["fra_Latn"]
    assert rows["language_score"] == rows_of(Language(), text)["language_score"]


def test_labels_that_are_no_codes_stay_what_they_are(tmp_path: Path) -> None:
    stage = stage_of(model=model_file(tmp_path / "model.bin", loss=3), keep=["high", "low_Latn", "odd", "a", "b"])
    batch = pa.record_batch({"id": ["1"], "text": [SENTENCES["en"][0]]})

    mapped = stage.map(batch, stage.open())

    assert isinstance(mapped, Mapped)
    assert mapped.drops is not None
    label = mapped.rows["language"].to_pylist()
    assert label == [] or label[0].removesuffix("_Latn") in ("high", "odd", "a", "b", "low")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"identifiers": ["lid176", "lid176"]}, "has a name twice"),
        ({"identifiers": ["model"]}, "where the field `model` is a file"),
        ({"identifiers": ["lid176"], "model": "x.bin"}, "where the field `model` is a file"),
        ({"agree": 2}, "there are 1 identifiers: nothing would be believed"),
        ({"identifiers": ["resiliparse"], "segments": True}, "add lid176 or model"),
        ({"identifiers": ["langid"]}, "'lid176', 'model', 'resiliparse' or 'cld2'"),
        ({"identifiers": []}, "at least 1 item"),
    ],
)
def test_identifiers_that_make_no_sense_are_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        stage_of(**fields)


def test_a_missing_library_is_told_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycld2", None)
    stage = stage_of(identifiers=["cld2"])

    assert stage.check(pa.schema([])) == [
        'the identifier cld2 needs pycld2; mend: pip install "textmill[identify]"'.replace("mend: ", "")
    ]
    with pytest.raises(StageError, match=r"textmill\[identify\]"):
        stage.open()
