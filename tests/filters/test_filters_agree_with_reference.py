"""Filters made of kernels say the same of every text as rules written out in plain Python."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import isnan
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from filters.fineweb import Fineweb
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from stages.read import Read, list_inputs, plan_splits, read_split, source_schema
from stages.stage import Filter
from tests.filters.odd_texts import BIG, EDGES, PROSE, TEXTS
from tests.filters.reference_rules import Measured, Verdict, fineweb, gopher_quality, gopher_repetition, verdict

Reference = Callable[[str], list[Measured]]

FILTERS = pytest.mark.parametrize(
    ("stage", "reference"),
    [(GopherQuality, gopher_quality), (GopherRepetition, gopher_repetition), (Fineweb, fineweb)],
    ids=["gopher_quality", "gopher_repetition", "fineweb"],
)


def at_white_space(stage: type[Filter], **fields: str) -> Filter:
    """The filter with words cut as the reference cuts them."""
    return stage.model_validate({"words": "whitespace", **fields})


def batch_of(texts: list[str]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, pa.string())})


def judged(stage: Filter, texts: list[str]) -> list[Verdict]:
    verdicts = stage.judge(batch_of(texts), stage.open())
    return list(zip(verdicts.rule.to_pylist(), verdicts.value.to_pylist(), verdicts.limit.to_pylist()))


def measured(stage: Filter, texts: list[str]) -> list[dict[str, float | None]]:
    """What each rule measures of each text; None where there is nothing to measure."""
    rules = stage.rules(batch_of(texts), stage.open())
    columns = {rule.name: rule.value.tolist() for rule in rules if rule.value is not None}
    return [
        {name: None if isnan(column[row]) else column[row] for name, column in columns.items()}
        for row in range(len(texts))
    ]


def numbers(reference: list[Measured]) -> dict[str, float | None]:
    return {one.rule: None if isnan(one.value) else one.value for one in reference if one.value is not None}


@FILTERS
@settings(max_examples=80)
@given(texts=st.lists(TEXTS, max_size=5))
@example(texts=list(EDGES.values()))
def test_decision_reason_and_values_equal_the_reference(
    stage: type[Filter], reference: Reference, texts: list[str]
) -> None:
    references = [reference(text) for text in texts]
    assert judged(at_white_space(stage), texts) == [verdict(one) for one in references]
    assert measured(at_white_space(stage, mode="tag"), texts) == [numbers(one) for one in references]


@FILTERS
def test_texts_of_a_megabyte_are_judged_like_any_other(stage: type[Filter], reference: Reference) -> None:
    texts = list(BIG.values())
    references = [reference(text) for text in texts]
    assert judged(at_white_space(stage), texts) == [verdict(one) for one in references]
    assert measured(at_white_space(stage, mode="tag"), texts) == [numbers(one) for one in references]


@FILTERS
def test_what_a_source_escapes_is_judged_as_what_it_stands_for(
    stage: type[Filter], reference: Reference, tmp_path: Path
) -> None:
    """Pairs of surrogates are characters and NULs are bytes; a lone surrogate is no text, and only its line is lost."""
    texts = [f"{PROSE} 🙂\0\u2028...\r\n", f"{PROSE}\n" * 9]
    lines = [json.dumps({"text": text}, ensure_ascii=True) for text in texts]
    lone = lines[1].replace("mill", r"\ud800", 1)
    (tmp_path / "a.jsonl").write_text("\n".join([lines[0], lone, lines[1]]), encoding="ascii")
    read = Read(paths=str(tmp_path / "a.jsonl"))
    files = list_inputs(read)
    [chunk] = read_split(
        *(read, "main", source_schema(read, files), plan_splits(read, files)[0]), batch_rows=9, batch_bytes=1 << 20
    )
    assert chunk.rows["text"].to_pylist() == texts
    assert [damage.offset for damage in chunk.damaged] == [len(lines[0]) + 1]
    assert judged(at_white_space(stage), chunk.rows["text"].to_pylist()) == [verdict(reference(text)) for text in texts]
