"""Ways to carry a limit over to another language: each on numbers that can be followed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.fit.columns import Columns
from jobs.fit.methods import mean_std, median_ratio, quantile, score_floor, tail
from jobs.fit.targets import Target, choose_targets
from stages.errors import PipelineError

TEN = np.arange(10, dtype=np.float64)


def test_mean_std_keeps_the_distance_in_standard_deviations() -> None:
    english, own = np.array([3.0, 5.0]), np.array([10.0, 20.0])
    assert mean_std(7, english, own, at_most=True) == 30
    assert mean_std(2, english, own, at_most=False) == 5
    assert mean_std(2, np.array([4.0, 4.0]), own, at_most=False) is None


@pytest.mark.parametrize(
    ("limit", "at_most", "found"),
    [(6, True, 60), (8.5, True, 80), (-1, True, 0), (3, False, 30), (2.5, False, 30), (100, False, 90)],
)
def test_quantile_removes_the_same_share(limit: float, at_most: bool, found: float) -> None:
    own = TEN * 10
    assert quantile(limit, TEN, own, at_most=at_most) == found
    gone = {True: lambda values, edge: values > edge, False: lambda values, edge: values < edge}[at_most]
    assert gone(own, found).mean() <= gone(TEN, limit).mean()


def test_quantile_of_a_limit_that_removes_nothing_removes_nothing() -> None:
    assert quantile(50, TEN, TEN, at_most=True) == 50
    assert quantile(50, TEN, TEN * 10, at_most=True) == 90
    assert quantile(-5, TEN, TEN, at_most=False) == -5
    assert quantile(-5, TEN, TEN - 20, at_most=False) == -20


def test_quantile_removes_no_more_of_few_documents_than_of_many() -> None:
    english = np.arange(1000, dtype=np.float64)
    assert quantile(899, english, np.array([1.0, 2.0, 3.0]), at_most=True) == 3


def test_tail_removes_a_tenth_and_asks_english_nothing() -> None:
    twenty = np.arange(20, dtype=np.float64)
    assert tail(None, np.zeros(0), twenty, at_most=True) == 17
    assert tail(None, np.zeros(0), twenty, at_most=False) == 2
    assert tail(None, np.zeros(0), TEN[:9], at_most=True) == 8


def test_median_ratio_scales_the_limit() -> None:
    assert median_ratio(10, np.array([4.0]), np.array([6.0]), at_most=True) == 15
    assert median_ratio(10, np.array([0.0, 0.0, 9.0]), np.array([6.0]), at_most=True) is None


def test_the_floor_of_scores_stays_between_its_bounds() -> None:
    assert score_floor(np.array([0.4, 0.6, 0.8])) == pytest.approx(0.6 - np.std([0.4, 0.6, 0.8]))
    assert score_floor(np.array([0.99, 0.99])) == 0.9
    assert score_floor(np.array([0.1, 0.9])) == 0.3


@pytest.mark.parametrize(
    ("field", "limit", "allowed"),
    [
        ("max_mean_word_length", 11.23456, 11.2346),
        ("min_mean_word_length", 2.98765, 2.9876),
        ("min_mean_word_length", -0.4, 0.0),
        ("min_alphabetic_words", 1.4, 1),
        ("min_alphabetic_words", 1.7, 1.0),
        ("max_words", 10.4, 10),
    ],
)
def test_a_limit_is_rounded_so_that_no_more_is_removed_and_into_what_the_field_takes(
    field: str, limit: float, allowed: float
) -> None:
    assert Target("gopher_quality", field, "tail", "any", 1.0).allowed(limit) == allowed


def test_every_fitted_field_is_measured_by_the_rule_that_it_limits() -> None:
    rules = {target.name: (target.rule, target.method, target.english) for target in choose_targets([])}
    assert rules["gopher_quality.max_mean_word_length"] == ("long_words", "mean_std", 10)
    assert rules["gopher_repetition.max_duplicate_10_gram"] == ("duplicate_10_gram", "mean_std", 0.1)
    assert "gopher_quality.min_words" not in rules


def test_methods_are_chosen_for_all_for_a_filter_and_for_a_field() -> None:
    told = ["tail", "gopher_quality=mean_std", "gopher_quality.max_mean_word_length=quantile", "length.max_bytes=tail"]
    methods = {target.name: target.method for target in choose_targets(told)}
    assert methods["gopher_repetition.max_duplicate_lines"] == "tail"
    assert methods["gopher_quality.min_alphabetic_words"] == "mean_std"
    assert methods["gopher_quality.max_mean_word_length"] == "quantile"
    assert methods["length.max_bytes"] == "tail"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("mean", "there is no method 'mean'\n    mend: write one of mean_std, quantile, tail, median_ratio"),
        ("gopher_quality.max_word=tail", "there is no limit 'gopher_quality.max_word'\n    mend: did you mean"),
        ("length=tail", "no field of 'length' is fitted\n    mend: name a field, such as length.max_words=tail"),
        ("length.max_words=quantile", "length.max_words has no limit for English to start from"),
    ],
)
def test_what_is_no_method_or_no_field_is_refused(told: str, message: str) -> None:
    with pytest.raises(PipelineError) as refused:
        choose_targets([told])
    assert message in str(refused.value)


def test_columns_come_back_sorted_whatever_the_order_they_were_added_in(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    rows = np.array([[3.0, 1.0], [np.nan, 2.0], [1.0, np.inf], [2.0, 0.0]])
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        columns = Columns(tmp_path_factory.mktemp("columns"), 2)
        for at in order:
            columns.add("fra", rows[[at]])
            columns.add("deu", rows[[at]] * 2)
            assert len(columns.column("fra", 0)) <= 3
        assert columns.column("fra", 0).tolist() == [1, 2, 3]
        assert columns.column("deu", 1).tolist() == [0, 2, 4]
        assert columns.column("eus", 0).tolist() == []
        assert columns.rows == {"fra": 4, "deu": 4}
