"""Filters in a row share one pass over each text, and judge as they do alone."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from filters.fineweb import Fineweb
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from stages.counting import Counter, Wanted, shared_counts, without_counts
from stages.stage import Filter

WORDS = Wanted(frozenset({"words"}))
THE = Wanted(frozenset({"kinds"}), stop_words=("the",))
DER = Wanted(frozenset({"kinds"}), stop_words=("der",))


def test_neighbours_share_what_they_want_together() -> None:
    both = Wanted(frozenset({"words", "kinds"}), stop_words=("the",))
    assert shared_counts([None, WORDS, None, THE], [False] * 4) == [(1, 3, both)]


def test_one_filter_alone_shares_with_none() -> None:
    assert shared_counts([WORDS, None], [False, False]) == []


def test_a_stage_that_changes_the_text_ends_the_sharing() -> None:
    assert shared_counts([WORDS, WORDS, None, WORDS, WORDS], [False, False, True, False, False]) == [
        (0, 1, WORDS),
        (3, 4, WORDS),
    ]


def test_other_stop_words_begin_anew() -> None:
    assert [run[:2] for run in shared_counts([THE, WORDS, DER, DER], [False] * 4)] == [(0, 1), (2, 3)]


@pytest.mark.parametrize("stage", [GopherQuality(), GopherRepetition(), Fineweb(short_line=10)], ids=repr)
def test_a_filter_judges_the_same_by_shared_counts(stage: Filter) -> None:
    texts = ["the mill turns and turns. " * 9, "", "- a\n- b\n\n- a", "word " * 60, "short\nlines\nonly."]
    batch = pa.record_batch({"text": texts})
    whole = Wanted()
    for other in (GopherQuality(), GopherRepetition(), Fineweb(short_line=10)):
        joined = whole.with_all_of(other.counts())
        assert joined is not None
        whole = joined
    shared = Counter(whole).with_counts(batch)
    picked = shared.filter(pa.array([True, False, True, True, True])).slice(1)
    alone = stage.judge(without_counts(picked), stage.open())
    assert stage.judge(picked, stage.open()) == alone
    assert alone.rule.null_count < len(alone) or isinstance(stage, Fineweb)


def test_a_pipeline_writes_no_counts(tmp_path: Path) -> None:
    from jobs.chain import Chain
    from pipelines.plan import Link
    from stages.spec import StageSpec

    links = [
        Link(name, StageSpec(name, fields), "filter", where, {}, f"p.yaml:{line}")
        for line, (name, fields, where) in enumerate(
            [
                ("filters.gopher_repetition", {}, None),
                ("filters.gopher_quality", {"min_words": 3, "min_stop_words": None}, "len(text) > 5"),
                ("filters.fineweb", {"max_short_lines": None}, None),
            ]
        )
    ]
    chain = Chain(links, "step", 2**26)
    texts = [
        "A mill turns slowly in the wind today.",
        "no end of it " * 9,
        "tiny",
        "A mill, it turns slowly by the sea.",
    ]
    batch = pa.record_batch({"id": pa.array(list("abcd")), "text": pa.array(texts)})
    together, ledger = chain.run(batch)
    alone, buried = batch, []
    for link in links:
        alone, rows = Chain([link], "step", 2**26).run(alone)
        buried += rows["id"].to_pylist()
    assert together.schema.names == ["id", "text"]
    assert together.equals(alone)
    assert sorted(ledger["id"].to_pylist()) == sorted(buried)
    assert together.num_rows < batch.num_rows
