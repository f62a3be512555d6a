"""Gopher's quality rules: each rule alone, its order, its edge and its reason."""

from __future__ import annotations

import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.gopher_quality import GopherQuality
from stages.laws import check_stage

PROSE = "the mill stands where the river bends and its wheel has turned with ease since that bridge was built"
OFF = {name: None for name in GopherQuality.model_fields if name.startswith(("min_", "max_"))}

Verdict = tuple[str | None, float | None, float | None]
KEPT: Verdict = (None, None, None)


def judged(stage: GopherQuality, *texts: str) -> list[Verdict]:
    verdicts = stage.judge(pa.record_batch({"text": pa.array(texts, pa.string())}), stage.open())
    return list(zip(verdicts.rule.to_pylist(), verdicts.value.to_pylist(), verdicts.limit.to_pylist()))


def only(**limits: float) -> GopherQuality:
    return GopherQuality.model_validate({**OFF, "words": "whitespace", **limits})


def test_prose_is_kept_and_too_little_of_it_dropped() -> None:
    assert judged(GopherQuality(), "\n".join([PROSE] * 3), PROSE) == [KEPT, ("too_few_words", 19, 50)]


@pytest.mark.parametrize(
    ("limit", "kept", "dropped", "verdict"),
    [
        ({"min_words": 3}, "a b c", "a b ... --", ("too_few_words", 2, 3)),
        ({"max_words": 3}, "a b c ! ?", "a b c d", ("too_many_words", 4, 3)),
        ({"min_mean_word_length": 3}, "four by abc", "to be ... abcd", ("short_words", 8 / 3, 3)),
        ({"max_mean_word_length": 3}, "abc abc !!!!!!!!", "abc äöüß", ("long_words", 3.5, 3)),
        (
            {"max_hashes_per_word": 0.1},
            "#one 2 3 4 5 6 7 8 9 10",
            "#a #b 3 4 5 6 7 8 9 0",
            ("too_many_hashes", 0.2, 0.1),
        ),
        ({"max_ellipses_per_word": 0.5}, "so... it", "so...… it", ("too_many_ellipses", 1.0, 0.5)),
        ({"max_bullet_lines": 0.5}, "- a\nb", "• a\n  - b\nc", ("bullet_lines", 2 / 3, 0.5)),
        ({"max_ellipsis_lines": 0.5}, "a...\nb", "a...\nb…  \nc", ("ellipsis_lines", 2 / 3, 0.5)),
        ({"min_alphabetic_words": 0.5}, "a 1", "a 1 2", ("few_alphabetic_words", 1 / 3, 0.5)),
        ({"min_stop_words": 2}, "the end of it", "The end of of it", ("few_stop_words", 1, 2)),
    ],
)
def test_each_rule_keeps_its_edge_and_tells_value_and_limit(
    limit: dict[str, float], kept: str, dropped: str, verdict: Verdict
) -> None:
    assert judged(only(**limit), kept, dropped) == [KEPT, verdict]


def test_without_limits_everything_is_kept() -> None:
    assert judged(only(), "", "#", "...", "a") == [KEPT] * 4


def test_a_limit_of_zero_is_a_limit() -> None:
    assert judged(only(max_hashes_per_word=0), "a #b")[0][0] == "too_many_hashes"


def test_a_text_without_words_breaks_no_ratio() -> None:
    ratios = {name: None if name in ("min_words", "min_stop_words") else 0.5 for name in OFF}
    assert judged(GopherQuality.model_validate({**ratios, "max_words": 9}), "", "  \n ") == [KEPT, KEPT]


def test_the_first_rule_in_declared_order_counts() -> None:
    assert (
        judged(only(min_stop_words=2, max_hashes_per_word=0.1, min_alphabetic_words=0.8), "# # #")[0][0]
        == "too_many_hashes"
    )


def test_stop_words_of_another_language() -> None:
    stage = GopherQuality.model_validate({**OFF, "min_stop_words": 2, "stop_words": ["і", "на"]})
    assert judged(stage, "хата і сад на горі", "the house and the garden") == [KEPT, ("few_stop_words", 0, 2)]


@pytest.mark.parametrize("word", ["", "two words", " the"])
def test_a_stop_word_that_cannot_occur_is_refused(word: str) -> None:
    with pytest.raises(ValidationError, match="can never occur"):
        GopherQuality(stop_words=("the", word))


def test_it_keeps_the_laws_of_stages() -> None:
    check_stage(GopherQuality(min_words=5))
    check_stage(GopherQuality(mode="tag"))
