"""The score stage: a column per model, the fastText library's own probabilities, and what is told of wrong models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fasttext_new
import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.expression import Expression
from stages.errors import StageError
from stages.laws import check_stage
from stages.load import build, load_class, make_spec
from stages.score import Score
from stages.stage import identity

GOOD, BAD = "the mill grinds the flour of the valley", "buy cheap watches now click here"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `quality.bin` (labels good, bad, other) and `topic.ftz` (labels mill, shop, other)."""
    folder = tmp_path_factory.mktemp("models")
    for name, labels in (("quality.bin", ("good", "bad")), ("topic.ftz", ("mill", "shop"))):
        lines = [f"__label__{label} {text}\n" for label, text in zip(labels, (GOOD, BAD)) for _ in range(40)]
        (folder / "train.txt").write_text("".join([*lines, "__label__other entirely other things\n"]))
        model = fasttext_new.train_supervised(
            input=str(folder / "train.txt"), dim=8, bucket=500, wordNgrams=2, epoch=20, thread=1, verbose=0
        )
        if name.endswith(".ftz"):
            model.quantize(input=str(folder / "train.txt"))
        model.save_model(str(folder / name))
    return folder


def stage_of(folder: Path, /, **columns: Any) -> Score:
    return Score.model_validate(columns, context={"base": str(folder)})


def quality(**more: Any) -> dict[str, Any]:
    return {"fasttext": "quality.bin", "label": "good", **more}


def documents(*texts: str | None) -> pa.RecordBatch:
    ids = [f"{number:032x}" for number in range(len(texts))]
    return pa.record_batch({"id": pa.array(ids), "text": pa.array(texts, pa.string())})


def scored(stage: Score, *texts: str | None) -> pa.RecordBatch:
    return stage.map(documents(*texts), stage.open())


def test_each_model_adds_a_column_with_the_probability_of_its_label(models: Path) -> None:
    stage = stage_of(models, quality=quality(), shop={"fasttext": "topic.ftz", "label": "__label__shop"})

    rows = scored(stage, GOOD, BAD)

    assert rows.schema.field("quality").type == rows.schema.field("shop").type == pa.float32()
    assert rows.schema.names == ["id", "text", "quality", "shop"]
    assert [good > 0.5 for good in rows["quality"].to_pylist()] == [True, False]
    assert [shop > 0.5 for shop in rows["shop"].to_pylist()] == [False, True]


@pytest.mark.parametrize(("file", "label"), [("quality.bin", "bad"), ("topic.ftz", "mill")])
def test_scores_are_those_of_the_library(models: Path, file: str, label: str) -> None:
    texts = [GOOD, BAD, f"{GOOD}\n{BAD}", "the valley", "now  \t the"]

    rows = scored(stage_of(models, score={"fasttext": file, "label": label}), *texts)

    oracle = fasttext_new.load_model(str(models / file))
    answers = [dict(zip(*oracle.predict(text.replace("\n", " "), k=-1, threshold=-1.0))) for text in texts]
    wanted = [min(1.0, answer[f"__label__{label}"]) for answer in answers]
    np.testing.assert_allclose(rows["score"].to_pylist(), wanted, rtol=0, atol=1e-5)


def test_a_text_with_nothing_to_read_has_no_score(models: Path) -> None:
    rows = scored(stage_of(models, quality=quality()), "", " \n\0\t ", None, "mill")

    assert [score is None for score in rows["quality"].to_pylist()] == [True, True, True, False]


def test_newlines_become_what_the_model_was_trained_with(models: Path) -> None:
    joined = stage_of(models, blank=quality(), nothing=quality(newline=""), word=quality(newline=" click "))

    split, whole = scored(joined, "the mill\ngrinds"), scored(joined, "the mill grinds", "the millgrinds")
    clicked = scored(joined, "the mill click grinds")

    assert split["blank"][0] == whole["blank"][0]
    assert split["nothing"][0] == whole["nothing"][1] != split["blank"][0]
    assert split["word"][0] == clicked["word"][0] != split["blank"][0]


def test_only_the_start_of_a_text_is_read_where_the_model_says_so(models: Path) -> None:
    stage = stage_of(models, whole=quality(), start=quality(max_chars=len(GOOD)))

    rows = scored(stage, GOOD, f"{GOOD} {BAD}")

    assert rows["start"][0] == rows["start"][1] == rows["whole"][0] != rows["whole"][1]


def test_a_column_of_the_same_name_is_replaced_in_its_place(models: Path) -> None:
    stage = stage_of(models, quality=quality())
    batch = documents(GOOD).add_column(0, "quality", pa.array([7.0], pa.float32()))

    assert stage.map(batch, stage.open()).schema.names == ["quality", "id", "text"]


def test_the_stage_keeps_the_laws_of_stages(models: Path) -> None:
    check_stage(stage_of(models, quality=quality(), start=quality(max_chars=9), topic=dict(quality(), label="bad")))


def test_columns_may_stand_below_models_too_and_travel(models: Path) -> None:
    assert load_class("stages.score") is Score
    short, long = stage_of(models, quality=quality()), stage_of(models, models={"quality": quality()})

    assert short == long == build(make_spec(short))
    assert list(identity(short)["fields"]["models"]["quality"]["fasttext"]) == ["content"]


def test_an_expression_decides_on_scores(models: Path) -> None:
    rows = scored(stage_of(models, quality=quality()), GOOD, BAD, "")
    decide = Expression(keep="quality > 0.5")

    verdicts = decide.judge(rows, decide.open())

    assert verdicts.rule.to_pylist() == [None, "expression", "expression"]
    assert verdicts.limit.to_pylist()[:2] == [None, 0.5]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({}, "names no column"),
        ({"text": quality()}, "'text' means something else"),
        ({"_score": quality()}, "'_score' means something else"),
        ({"quality": {"fasttext": "quality.bin"}}, "label"),
        ({"quality": quality(lable="x")}, "lable"),
        ({"quality": quality(max_chars=0)}, "max_chars"),
        ({"quality": "raw_hq"}, "no model named 'raw_hq'"),
        ({"quality": quality(), "models": {"quality": quality()}}, "has two models"),
        ({"models": 3}, "models"),
    ],
)
def test_wrong_fields_are_refused(models: Path, columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        stage_of(models, **columns)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (quality(label="gold"), "quality.bin has no label 'gold'; did you mean 'good'?"),
        (quality(label="zzz"), "has no label 'zzz'; it has good, bad, other"),
        (quality(fasttext="train.txt"), "train.txt is no fastText classifier"),
    ],
)
def test_a_wrong_file_or_label_is_told_before_the_run_and_by_the_workers(
    models: Path, model: dict[str, Any], message: str
) -> None:
    stage = stage_of(models, quality=model)

    [told] = stage.check(documents(GOOD).schema)

    assert message in told
    with pytest.raises(StageError, match=r"mend:|no label"):
        stage.open()


def test_marks_may_be_words_of_their_own_as_the_training_had_them(models: Path) -> None:
    text = "the mill, grinds; the flour!"
    attached = scored(stage_of(models, q=quality()), text)["q"][0].as_py()
    apart = scored(stage_of(models, q=quality(punctuation="apart")), text)["q"][0].as_py()

    assert apart == scored(stage_of(models, q=quality()), "the mill ,  grinds ;  the flour ! ")["q"][0].as_py()
    assert apart > attached
