"""Readability: the score by textstat's own expressions, the strict limits, and texts that are no English."""

from __future__ import annotations

import re
from random import Random

import pyarrow as pa
import pytest
from pydantic import ValidationError

from filters.readability import Readability
from stages.laws import check_stage, sample_documents

PIECES = (
    *("the", "mill", "it's", "don't", "we'll", "rock'n'roll", "'quoted'", "a", "3.5", "e.g.", "U.S.", "well-known"),
    *(".", "!", "?", "...", "?!", "\n", "\n\n", "  ", ",", ";", "(", ")", '"', "_x", "I'd", "they've", "'", "--", "99"),
)


def counts_of(text: str) -> tuple[int, int, int]:
    """Words, short words and sentences by the expressions of textstat 0.7."""

    def words(piece: str) -> list[str]:
        kept = re.sub(r"\'(?![tsd]\b|ve\b|ll\b|re\b)", '"', piece)
        return re.sub(r"[^\w\s\']", "", kept).split()

    sentences = re.findall(r"\b[^.!?]+[.!?]*", text)
    few = sum(len(words(sentence)) <= 2 for sentence in sentences)
    found = words(text)
    return len(found), sum(len(word) <= 3 for word in found), max(1, len(sentences) - few)


def scores(*texts: str | None) -> list[float | None]:
    stage = Readability(mode="tag")
    tags = stage.tags(pa.record_batch({"text": pa.array(texts, pa.string())}), stage.open())
    told: list[float | None] = dict(zip(stage.adds(), tags))["readability_eflaw"].to_pylist()
    return told


def test_scores_are_those_of_textstat() -> None:
    chance = Random(5)
    texts = ["".join(chance.choice(PIECES) + chance.choice(("", " ", " ")) for _ in range(60)) for _ in range(400)]
    expected = []
    for text in texts:
        words, short, sentences = counts_of(text)
        expected.append((words + short) / sentences)
    assert scores(*texts) == expected


def test_a_score_that_reaches_the_limit_is_dropped() -> None:
    text = "The mill at the end of the village stands near the river."
    stage = Readability(max_eflaw=19, max_words_per_sentence=12)
    batch = pa.record_batch({"text": [text, text.replace("the end of", "end of")]})
    found = stage.judge(batch, stage.open())
    assert scores(text) == [12 + 7]
    assert found.rule.to_pylist() == ["hard_to_read", None]
    assert found.value.to_pylist() == [19.0, None]


def test_long_sentences_have_a_rule_of_their_own() -> None:
    stage = Readability(max_eflaw=None, max_words_per_sentence=4)
    found = stage.judge(pa.record_batch({"text": ["Birds sang loudly there.", "Birds sang loudly."]}), stage.open())
    assert found.rule.to_pylist() == ["long_sentences", None]
    assert list(Readability(mode="tag", max_words_per_sentence=4).adds()) == [
        "readability_rule",
        "readability_eflaw",
        "readability_words_per_sentence",
    ]


def test_texts_without_words_or_ends_score_as_one_sentence() -> None:
    assert scores("", None, "...", " \n ", "Мельница стоит у реки", "磨坊坐落在河边。") == [0, 0, 0, 0, 4 + 1, 1]


def test_a_filter_without_limits_is_refused() -> None:
    with pytest.raises(ValidationError, match="sets no limit"):
        Readability(max_eflaw=None)


@pytest.mark.parametrize("mode", ["drop", "tag"])
def test_it_keeps_the_laws_of_stages(mode: str) -> None:
    check_stage(Readability.model_validate({"max_eflaw": 20, "mode": mode}), sample_documents())
