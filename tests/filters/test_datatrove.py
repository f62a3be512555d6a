"""datatrove's filters as guests: their reasons, their edits, what they are made of, and the same verdicts as ours."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.datatrove import Datatrove
from filters.gopher_quality import GopherQuality
from pipelines import compile_pipeline
from stages.errors import PipelineError
from stages.laws import check_stage, sample_documents
from stages.verdicts import Mapped

pytest.importorskip("datatrove")

FILTERS = "datatrove.pipeline.filters"
MINE = """
from datatrove.utils.word_tokenizers import WordTokenizer


class Blanks(WordTokenizer):
    def word_tokenize(self, text):
        return text.split()

    def sent_tokenize(self, text):
        return text.split(". ")

    def span_tokenize(self, text):
        return []


BLANKS = Blanks()


def from_my_site(document):
    return document.metadata.get("url", "").startswith("https://mine.example/") and document.metadata.get("grade") == 3


def scream(document):
    document.text = document.text.upper()
    return True, "never told"
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


def guest(folder: Path, name: str, **fields: object) -> Datatrove:
    return Datatrove.model_validate({"filter": f"{FILTERS}.{name}", **fields}, context={"base": folder})


def asked(stage: Datatrove, **columns: list[str | None]) -> Mapped:
    rows = len(next(iter(columns.values())))
    batch = pa.record_batch({"id": [str(row) for row in range(rows)], **columns})
    found = stage.map(batch, stage.open())
    assert isinstance(found, Mapped)
    return found


def rules(found: Mapped) -> list[str | None]:
    assert found.drops is not None
    told: list[str | None] = found.drops.rule.to_pylist()
    return told


def test_a_guest_drops_by_its_class_or_by_its_reason(tmp_path: Path) -> None:
    assert rules(asked(guest(tmp_path, "RegexFilter", regex_exp="spam"), text=["eggs", "spam", "", None])) == [
        *(None, "regex_filter", None, None),
    ]
    assert rules(asked(guest(tmp_path, "C4ParagraphFilter"), text=["short"])) == ["< 3 paragraphs"]


def test_a_function_comes_from_a_file_or_a_package_and_sees_columns_and_metadata(mine: Path) -> None:
    columns = {
        "text": ["a", "b", "c", "d"],
        "url": ["https://mine.example/1", "https://mine.example/2", "https://other.example/", None],
        "metadata": ['{"grade": 3, "url": "https://other.example"}', '{"grade": 2}', '{"grade": 3}', "no json"],
    }
    found = asked(guest(mine, "LambdaFilter", filter_function="./mine.py:from_my_site"), **columns)
    assert rules(found) == [None, "lambda_filter", "lambda_filter", "lambda_filter"]
    assert found.rows["text"].to_pylist() == ["a"]
    everything = guest(mine, "LambdaFilter", filter_function={"function": "builtins.bool"})
    assert rules(asked(everything, text=["a"])) == [None]


def test_an_edit_goes_on_and_its_span_stands_in_the_ledger(tmp_path: Path) -> None:
    stage = guest(tmp_path, "C4QualityFilter", min_num_sentences=-1)
    found = asked(stage, text=["Ünd this line stays.\nno end\nAnd this one stays too.", "All of this stays.", None])
    assert found.rows["text"].to_pylist() == [
        *("Ünd this line stays.\nAnd this one stays too.", "All of this stays.", None),
    ]
    assert found.cuts is not None
    cuts = found.cuts
    assert (cuts.row.tolist(), cuts.start.tolist(), cuts.end.tolist()) == ([0], [22], [29])
    assert cuts.rule.to_pylist() == ["edited"]


def test_mode_tag_changes_nothing_and_says_what_would_be(mine: Path) -> None:
    batch = pa.record_batch({"id": ["0", "1"], "text": ["quiet", "LOUD"]})
    stage = guest(mine, "LambdaFilter", filter_function="./mine.py:scream", mode="tag")
    rows = stage.map(batch, stage.open())
    assert isinstance(rows, pa.RecordBatch)
    assert rows.to_pydict() == {
        **batch.to_pydict(),
        "lambda_filter_rule": [None, None],
        "lambda_filter_edited": [True, False],
    }


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filter": "datatrove.pipeline.filters.NoFilter"}, "cannot be imported"),
        ({"filter": "NoModule"}, "write it as package.module.Name"),
        ({"filter": "json.JSONDecoder"}, "is no filter of datatrove's"),
        ({"filter": f"{FILTERS}.RegexFilter"}, "missing 1 required positional argument: 'regex_exp'"),
        ({"filter": f"{FILTERS}.RegexFilter", "regex_exp": "("}, "cannot be made of these arguments"),
        ({"filter": f"{FILTERS}.SamplerFilter", "rate": 0.5}, "draws lots"),
        ({"filter": f"{FILTERS}.C4BadWordsFilter", "keep_fraction": 0.1}, "draws lots"),
        ({"filter": f"{FILTERS}.LambdaFilter", "filter_function": "mine.py:nothing"}, "has no 'nothing'"),
        ({"filter": f"{FILTERS}.LambdaFilter", "filter_function": {"function": "json.no"}}, "cannot be imported"),
    ],
)
def test_a_guest_that_cannot_be_made_is_a_fault_of_the_plan(
    mine: Path, fields: dict[str, object], message: str
) -> None:
    faults = Datatrove.model_validate(fields, context={"base": mine}).check(pa.schema([]))
    assert len(faults) == 1
    assert message in faults[0]


def test_a_writer_of_what_is_dropped_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="stands in the ledger"):
        guest(tmp_path, "RegexFilter", regex_exp="a", exclusion_writer="x")


def test_the_code_of_a_function_is_part_of_the_plan(mine: Path) -> None:
    (mine / "a.jsonl").write_text('{"text": "some words"}\n')
    step = f"filters.datatrove: {{filter: {FILTERS}.LambdaFilter, filter_function: './mine.py:from_my_site'}}"
    text = f"textmill: 1\nread: {{stages.read: {{paths: a.jsonl}}}}\nsteps: [{{{step}}}]\nwrite: {{to: out}}\n"
    (mine / "p.yaml").write_text(text)

    def identity() -> object:
        return compile_pipeline(str(mine / "p.yaml"), working_directory=mine).steps[0].links[0].identity

    before = identity()
    assert identity() == before
    (mine / "mine.py").write_text(MINE + "\n# edited\n")
    assert identity() != before
    (mine / "mine.py").unlink()
    with pytest.raises(PipelineError, match=r"mine\.py is missing"):
        identity()


def test_the_guest_and_our_own_filter_give_the_same_verdicts(mine: Path) -> None:
    reasons = {
        "too_few_words": "gopher_short_doc",
        "short_words": "gopher_below_avg_threshold",
        "long_words": "gopher_above_avg_threshold",
        "too_many_hashes": "gopher_too_many_hashes",
        "too_many_ellipses": "gopher_too_many_ellipsis",
        "bullet_lines": "gopher_too_many_bullets",
        "ellipsis_lines": "gopher_too_many_end_ellipsis",
        "few_alphabetic_words": "gopher_below_alpha_threshold",
        "few_stop_words": "gopher_enough_stop_words",
    }
    documents = sample_documents(200, seed=4).select(["id", "text"])
    theirs = guest(mine, "GopherQualityFilter", language="./mine.py:BLANKS", min_doc_words=12)
    found = theirs.map(documents, theirs.open())
    assert isinstance(found, Mapped)

    ours = GopherQuality(min_words=12, words="whitespace")
    expected = ours.judge(documents, ours.open()).rule.to_pylist()

    assert rules(found) == [rule and reasons[rule] for rule in expected]
    assert len(set(expected)) > 3


def test_it_keeps_the_laws_of_stages(tmp_path: Path) -> None:
    check_stage(guest(tmp_path, "RegexFilter", regex_exp="[0-9]{3}"))
    check_stage(guest(tmp_path, "C4QualityFilter", min_num_sentences=-1, mode="tag"))
    check_stage(guest(tmp_path, "C4QualityFilter", min_num_sentences=-1))
