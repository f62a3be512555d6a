"""Filters in a row share one pass over each text, and judge as they do alone."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.fineweb import Fineweb
from filters.gopher_quality import GopherQuality
from filters.gopher_repetition import GopherRepetition
from stages.counting import Counter, Wanted, shared_counts, without_counts
from stages.stage import Filter
from stages.verdicts import first_failure

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


def test_only_the_filter_that_is_asked_first_spares_the_others_work() -> None:
    drops = GopherRepetition().counts()
    first, second = drops.with_all_of(WORDS), WORDS.with_all_of(drops)
    assert first is not None
    assert second is not None
    assert first.stops == drops.stops != frozenset()
    assert second.stops == frozenset()
    assert second.enough == drops.enough


def test_counts_are_exact_where_one_filter_wants_them_so() -> None:
    strict = GopherRepetition(max_top_2_gram=0.1).counts()
    both = GopherRepetition(max_top_2_gram=0.3, max_top_3_gram=None).counts().with_all_of(strict)
    assert both is not None
    assert dict(both.enough) == dict(strict.enough)
    tagging = GopherRepetition(mode="tag").counts()
    assert tagging.enough == tagging.stops == frozenset()
    exact = strict.with_all_of(tagging)
    assert exact is not None
    assert exact.enough == frozenset()


@given(st.lists(st.sampled_from(["a", "mill", "turns", "riverbank", ".", "the", "|", "\n", "\n\n"]), max_size=400))
def test_a_filter_that_drops_says_what_its_columns_say(words: list[str]) -> None:
    text = " ".join(words)
    batch = pa.record_batch({"text": [text, text + " and so ends the tale of the mill by the riverbank" * 3]})
    for fields in ({}, {"max_top_2_gram": 0.02, "max_top_3_gram": 0.03, "max_duplicate_5_gram": None}):
        drop, tag = GopherRepetition(**fields), GopherRepetition(mode="tag", **fields)
        verdicts, exact = drop.judge(batch, drop.open()), tag.rules(batch, tag.open())
        assert verdicts == first_failure(2, exact)


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


def test_what_a_filter_does_not_judge_is_counted_for_the_next() -> None:
    from jobs.chain import Chain
    from pipelines.plan import Link
    from stages.spec import StageSpec

    told = [
        ("filters.gopher_quality", {"words": "whitespace", "min_words": 1, "min_stop_words": None}, None),
        ("filters.gopher_repetition", {}, "len(text) > 900"),
        ("filters.gopher_quality", {"min_words": 5, "min_stop_words": None}, None),
    ]
    links = [
        Link(name, StageSpec(name, fields), "filter", where, {}, f"p.yaml:{line}")
        for line, (name, fields, where) in enumerate(told)
    ]
    text = "The mill turns in the wind.\n" * 9
    batch = pa.record_batch({"id": pa.array(["a"]), "text": pa.array([text])})
    assert Chain(links, "step", 2**26).run(batch)[0].num_rows == 1
