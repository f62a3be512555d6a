"""Filters with limits by language: each document is judged by those of its own, and the manifest tells who had none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest

from filters.adaptive import AdaptiveFilter
from filters.fineweb import Fineweb
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from filters.length import Length
from jobs.cli import run_command_line
from jobs.run import run_plan
from pipelines.compile import compile_pipeline
from stages.counting import Counter, Wanted
from stages.errors import PipelineError, StageError
from stages.laws import check_stage, sample_documents
from stages.stage import stage_key

LIMITS = """\
textmill_limits: 1
languages:
  fra_Latn:
    stop_words: ["la", "no"]
    gopher_quality: {min_words: 2, min_stop_words: 1}
    length: {min_words: 3, max_words: null}
  tha: {length: {min_words: 0, max_words: 1}}
scripts:
  Latn: {length: {min_words: 2}, gopher_repetition: {max_top_2_gram: 0.1}}
"""
PIPELINE = """\
textmill: 1
read: {stages.read: {paths: in.jsonl}}
steps:
  - filters.length: {min_words: 4, limits: limits.yaml}
write: {to: out}
"""
OFF = {name: None for name in GopherQuality.model_fields if name.startswith(("min_", "max_"))}


@pytest.fixture
def limits(tmp_path: Path) -> Path:
    path = tmp_path / "limits.yaml"
    path.write_text(LIMITS, "utf-8")
    return path


def documents(*rows: tuple[str | None, str]) -> pa.RecordBatch:
    texts, labels = [text for _, text in rows], [label for label, _ in rows]
    return pa.record_batch({"text": pa.array(texts, pa.string()), "language": pa.array(labels, pa.string())})


def judged(stage: AdaptiveFilter, *rows: tuple[str | None, str]) -> list[tuple[Any, Any]]:
    verdicts = stage.judge(documents(*rows), stage.open())
    return list(zip(verdicts.rule.to_pylist(), verdicts.limit.to_pylist()))


def by_length(limits: Path, **fields: Any) -> Length:
    return Length.model_validate({"limits": limits, "min_words": 4, "max_words": 9, **fields})


def test_every_document_is_judged_by_the_limits_of_its_language_in_its_own_place(limits: Path) -> None:
    rows = [("fra_Latn", "a b"), ("tha_Thai", "a b"), ("deu_Latn", "a"), ("fra_Latn", "a b c"), ("rus_Cyrl", "a b c")]

    told = judged(by_length(limits, min_words=1), *rows)

    assert told == [("too_few_words", 3), ("too_many_words", 1), ("too_few_words", 2), (None, None), (None, None)]


def test_a_limit_of_null_switches_the_rule_off_for_the_language_alone(limits: Path) -> None:
    many = "w " * 10
    assert judged(by_length(limits), ("fra_Latn", many), ("rus_Cyrl", many)) == [(None, None), ("too_many_words", 9)]


@pytest.mark.parametrize(
    ("what", "verdict"), [("fallback", ("too_few_words", 4)), ("keep", (None, None)), ("drop", ("no_limits", None))]
)
def test_languages_without_limits_are_judged_as_the_user_says(limits: Path, what: str, verdict: Any) -> None:
    stage = by_length(limits, on_missing=what)
    assert judged(stage, ("rus_Cyrl", "a"), (None, "a"), ("fra_Latn", "a b c")) == [verdict, verdict, (None, None)]


def test_stop_words_are_those_of_the_language_and_not_looked_for_where_it_has_none(limits: Path) -> None:
    stage = GopherQuality.model_validate({**OFF, "min_stop_words": 1, "limits": limits})
    assert judged(stage, ("fra_Latn", "of no use"), ("fra_Latn", "of the"), ("eng_Latn", "of"), ("eng_Latn", "x")) == [
        (None, None),
        ("few_stop_words", 1),
        (None, None),
        ("few_stop_words", 1),
    ]
    limits.write_text("textmill_limits: 1\nlanguages: {zho_Hani: {gopher_quality: {max_words: 9}}}\n", "utf-8")
    stage = GopherQuality.model_validate({**OFF, "min_stop_words": 1, "limits": limits})
    assert judged(stage, ("zho_Hani", "x")) == [(None, None)]
    assert stage.notes(documents(("zho_Hani", "x")), None) == {
        "zho_Hani: no stop words, so not looked for": 1,
    }


def test_mode_tag_writes_the_columns_of_all_languages(limits: Path) -> None:
    stage = Length.model_validate({"limits": limits, "min_words": 4, "mode": "tag", "on_missing": "drop"})
    batch = documents(("fra_Latn", "a b"), ("rus_Cyrl", "a"))

    columns = dict(zip(stage.adds(), stage.tags(batch, stage.open())))

    assert list(columns) == ["length_rule", "length_characters", "length_words", "length_bytes"]
    assert columns["length_rule"].to_pylist() == ["too_few_words", "no_limits"]
    assert columns["length_words"].to_pylist() == [2, None]
    assert columns["length_bytes"].null_count == 2


@pytest.mark.parametrize(("mode", "what"), [("drop", "fallback"), ("drop", "drop"), ("tag", "keep")])
def test_the_laws_hold_with_limits_by_language(limits: Path, mode: str, what: str) -> None:
    batch = sample_documents(48, 3)
    labels = np.array(["fra_Latn", "rus_Cyrl", "tha", None, "deu_Latn"])[np.arange(48) % 5]
    at = batch.schema.get_field_index("language")
    batch = batch.remove_column(at) if at >= 0 else batch
    batch = batch.append_column("language", pa.array(labels.tolist(), pa.string()))

    check_stage(by_length(limits, mode=mode, on_missing=what), batch)


def test_filters_in_a_row_share_their_counts_but_for_stop_words(limits: Path) -> None:
    text = "la mer et la tour\n- of the mill, of the mill\n" * 9
    batch = documents(("fra_Latn", text), ("eng_Latn", text), (None, "the of"), ("fra_Latn", "of no"), ("tha", ""))
    stages: list[AdaptiveFilter] = [
        GopherQuality.model_validate({"limits": limits}),
        GopherRepetition.model_validate({"limits": limits, "max_top_2_gram": None}),
        Fineweb.model_validate({"limits": limits}),
    ]
    whole = Wanted()
    for stage in stages:
        wanted = stage.shared_counts()
        assert wanted is not None
        whole = whole.with_all_of(wanted) or whole
    assert whole.stop_words is None
    shared = Counter(whole).with_counts(batch)
    for stage in stages:
        assert stage.judge(shared, stage.open()) == stage.judge(batch, stage.open())


def test_the_content_of_the_file_is_in_the_fingerprint_and_its_path_is_not(limits: Path, tmp_path: Path) -> None:
    before = stage_key(by_length(limits))
    (tmp_path / "copy.yaml").write_text(LIMITS, "utf-8")
    assert stage_key(by_length(tmp_path / "copy.yaml")) == before
    limits.write_text(LIMITS.replace("min_words: 3", "min_words: 5"), "utf-8")
    assert stage_key(by_length(limits)) != before


def test_limits_that_make_no_filter_with_the_other_fields_are_refused_with_their_language(limits: Path) -> None:
    assert by_length(limits).check(documents().schema) == []
    limits.write_text(LIMITS.replace("max_words: null", "max_words: 1"), "utf-8")

    (fault,) = by_length(limits).check(documents().schema)

    assert fault.startswith(f"{limits}:3: fra_Latn: min_words (3) is above max_words (1)")


def test_a_file_broken_after_the_plan_fails_the_run_and_no_document(limits: Path) -> None:
    stage = by_length(limits)
    limits.write_text("textmill_limits: 1\nlanguages: {fra: {nonsense: {}}}\n", "utf-8")
    with pytest.raises(StageError, match="no filter 'nonsense'"):
        stage.judge(documents(("fra", "a")), stage.open())


def test_the_manifest_and_the_card_tell_which_languages_had_no_limits(limits: Path, tmp_path: Path) -> None:
    rows = [("fra_Latn", "a b c")] * 3 + [("rus_Cyrl", "a b c d")] * 2 + [("deu_Latn", "a b"), (None, "a b c d e")]
    lines = [orjson.dumps({"language": label, "text": text}) for label, text in rows]
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines))
    (tmp_path / "p.yaml").write_text(PIPELINE, "utf-8")
    plan = compile_pipeline("p.yaml", working_directory=tmp_path, overrides={"workers": 1})

    manifest = run_plan(plan).manifest

    assert manifest is not None
    assert next(flow["notes"] for flow in manifest["flows"] if flow["stage"] == "filters.length") == {
        "deu_Latn: limits of script Latn": 1,
        "documents without a language: no limits, judged by the filter's own fields": 1,
        "rus_Cyrl: no limits, judged by the filter's own fields": 2,
    }
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "| filters.length: rus_Cyrl: no limits, judged by the filter's own fields | 2 |" in card


def test_a_pipeline_with_a_bad_limits_file_is_refused_before_it_runs(limits: Path, tmp_path: Path) -> None:
    limits.write_text(LIMITS.replace("min_words: 3", "min_word: 3"), "utf-8")
    (tmp_path / "in.jsonl").write_bytes(b'{"text": "a", "language": "fra"}\n')
    (tmp_path / "p.yaml").write_text(PIPELINE, "utf-8")
    with pytest.raises(PipelineError, match=r"limits.yaml:6: fra_Latn: length has no limit"):
        compile_pipeline("p.yaml", working_directory=tmp_path)


def test_try_shows_the_limits_of_the_documents_language(
    limits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'{"text": "a b c", "language": "fra_Latn", "url": "http://a.example/"}\n')
    (tmp_path / "p.yaml").write_text(PIPELINE, "utf-8")
    monkeypatch.chdir(tmp_path)
    assert run_command_line(["try", "p.yaml", "--url", "http://a.example/"]) == 0
    assert re.search(r"too_few_words +3 +3\b", capsys.readouterr().out)


def test_the_column_is_needed_with_limits_alone(limits: Path) -> None:
    assert by_length(limits).needs() == ("text", "language")
    assert Length(min_words=1).needs() == ("text",)
