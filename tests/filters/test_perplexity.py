"""Perplexity: a tiny model whose numbers can be added by hand, CCNet's way of reading, limits and buckets."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.kenlm_models import as_ccnet
from filters.perplexity import Perplexity
from stages.errors import StageError
from stages.laws import check_stage
from stages.specimens import SENTENCES

pytest.importorskip("kenlm")

ARPA = """\\data\\
ngram 1=6
ngram 2=3

\\1-grams:
-2.0\t<unk>
0\t<s>\t-0.5
-1.0\t</s>
-1.0\tthe\t-0.25
-1.5\tmill\t-0.125
-1.5\t0

\\2-grams:
-0.5\t<s> the
-0.25\tthe mill
-0.125\tmill </s>

\\end\\
"""
"""log10 of probabilities, and the cost of backing off after a word."""


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    (tmp_path / "tiny.arpa").write_text(ARPA)
    return tmp_path / "tiny.arpa"


def stage_of(file: Path, model: dict[str, object] | None = None, **fields: object) -> Perplexity:
    return Perplexity.model_validate({"models": {"*": {"kenlm": file, **(model or {})}}, "mode": "tag", **fields})


def told(stage: Perplexity, *texts: str | None, languages: list[str | None] | None = None) -> list[tuple[object, ...]]:
    columns = {"text": pa.array(texts, pa.string())}
    if languages is not None:
        columns["language"] = pa.array(languages, pa.string())
    tags = stage.tags(pa.record_batch(columns), stage.open())
    return list(zip(*(column.to_pylist() for column in tags)))


def values(stage: Perplexity, *texts: str | None) -> list[object]:
    return [row[1] for row in told(stage, *texts)]


def test_perplexity_is_that_of_all_lines_with_their_ends(arpa: Path) -> None:
    the_mill = 0.5 + 0.25 + 0.125
    unknown = (0.5 + 2.0) + 1.0  # backing off after <s>; nothing is known to come after an unknown word
    texts = ("the mill", "The Mill\n\nword", "", None, " \n ")
    assert values(stage_of(arpa), *texts) == [
        pytest.approx(10 ** (the_mill / 3), rel=1e-5),
        pytest.approx(10 ** ((the_mill + unknown) / 5), rel=1e-5),
        *[None] * 3,
    ]


def test_lines_are_read_as_ccnet_reads_them(arpa: Path) -> None:
    assert as_ccnet("  Ünd “Straße” 42—７…\x07 ») ") == 'und "straße" 00 - 0... ")'
    assert values(stage_of(arpa), "7", "THE") == values(stage_of(arpa, normalize="none"), "0", "the")
    assert values(stage_of(arpa), "7") != values(stage_of(arpa, normalize="none"), "7")


def test_limits_and_buckets_are_those_of_the_model(arpa: Path) -> None:
    texts = ("the mill", "the", "word word", "")
    measured = values(stage_of(arpa), *texts)
    assert measured == [
        pytest.approx(value, rel=1e-5) for value in (10 ** (0.875 / 3), 10 ** (1.75 / 2), 10 ** (5.5 / 3))
    ] + [None]
    limits = {"min_perplexity": 2.0, "max_perplexity": 10.0, "terciles": [measured[0], 10.0]}
    assert [(row[0], row[2]) for row in told(stage_of(arpa, limits), *texts)] == [
        ("low_perplexity", "head"),
        (None, "middle"),
        ("high_perplexity", "tail"),
        (None, None),
    ]


def test_documents_of_other_buckets_are_dropped_at_the_border_they_cross(arpa: Path) -> None:
    batch = pa.record_batch({"text": ["the mill", "the", "word word", ""]})
    for keep, expected in (
        (["middle"], [("bucket", 3.0), (None, None), ("bucket", 10.0), (None, None)]),
        (["head"], [(None, None), ("bucket", 3.0), ("bucket", 3.0), (None, None)]),
        (["middle", "tail"], [("bucket", 3.0), (None, None), (None, None), (None, None)]),
    ):
        stage = stage_of(arpa, {"terciles": [3.0, 10.0]}, keep=keep, mode="drop")
        found = stage.judge(batch, stage.open())
        assert list(zip(found.rule.to_pylist(), found.limit.to_pylist())) == expected


def test_each_language_has_its_model_and_those_without_are_kept(arpa: Path) -> None:
    stage = Perplexity.model_validate({"models": {"en": {"kenlm": arpa, "max_perplexity": 2.0}}})
    batch = pa.record_batch({"text": ["the", "the", "the"], "language": ["en", "de", None]})
    assert stage.judge(batch, stage.open()).rule.to_pylist() == ["high_perplexity", None, None]
    both = Perplexity.model_validate({"models": {"de": {"kenlm": arpa}, "*": {"kenlm": arpa}}, "mode": "tag"})
    assert None not in [row[1] for row in told(both, "the", "the", languages=["de", "fr"])]


def test_pieces_are_those_of_the_sentencepiece_model(arpa: Path, tmp_path: Path) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentence.lower() for sentence in SENTENCES["en"]),
        model_writer=written,
        vocab_size=60,
        minloglevel=2,
    )
    (tmp_path / "tiny.model").write_bytes(written.getvalue())
    stage = stage_of(arpa, {"sentencepiece": tmp_path / "tiny.model"})
    scorer = stage.open()["*"]
    assert scorer.pieces is not None
    pieces = scorer.pieces("the mill")
    assert "".join(pieces) == "▁the▁mill"
    assert values(stage, "The mill") == [pytest.approx(10 ** (-scorer.score(" ".join(pieces)) / (len(pieces) + 1)))]


@pytest.mark.parametrize(
    ("model", "fields", "message"),
    [
        ({}, {"mode": "drop"}, "sets no limit"),
        ({}, {"keep": ["head"]}, "has no terciles"),
        ({"terciles": [1, 2]}, {"keep": ["head", "tail"]}, "without middle"),
        ({"terciles": [3, 2]}, {}, "is above the upper one"),
        ({"min_perplexity": 3, "max_perplexity": 2}, {}, "is above the upper one"),
    ],
)
def test_what_cannot_decide_is_refused(
    arpa: Path, model: dict[str, object], fields: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        stage_of(arpa, model, **fields)


def test_files_that_are_no_models_are_refused_before_anything_runs(arpa: Path, tmp_path: Path) -> None:
    assert stage_of(arpa).check(pa.schema([])) == []
    (tmp_path / "no.bin").write_text("no model")
    stage = stage_of(tmp_path / "no.bin")
    assert stage.check(pa.schema([]))[0].startswith(f"*: {tmp_path}/no.bin is no model of KenLM's")
    with pytest.raises(StageError, match="is no model of KenLM's"):
        stage.open()
    assert len(stage_of(arpa, {"sentencepiece": tmp_path / "no.bin"}).check(pa.schema([]))) == 1


def test_it_keeps_the_laws_of_stages(arpa: Path) -> None:
    limits = {"min_perplexity": 30.0, "max_perplexity": 80.0, "terciles": [35.0, 70.0]}
    check_stage(stage_of(arpa, limits))
    check_stage(stage_of(arpa, limits, mode="drop", keep=["middle"]))
