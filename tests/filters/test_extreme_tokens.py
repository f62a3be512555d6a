"""Extreme tokens: tokens per character, their limits, and the pieces that are tokenized at once."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError
from tokenizers import Tokenizer, models, pre_tokenizers

from filters.extreme_tokens import ExtremeTokens
from stages.laws import check_stage

Verdict = tuple[str | None, float | None, float | None]
KEPT: Verdict = (None, None, None)


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer with one token for each byte, and one for `ab`."""
    vocabulary = {letter: at for at, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab={**vocabulary, "ab": 256}, merges=[("a", "b")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    file = tmp_path_factory.mktemp("letters") / "tokenizer.json"
    tokenizer.save(str(file))
    return file


def judged(stage: ExtremeTokens, *texts: str | None) -> list[Verdict]:
    found = stage.judge(pa.record_batch({"text": pa.array(texts, pa.string())}), stage.open())
    return list(zip(found.rule.to_pylist(), found.value.to_pylist(), found.limit.to_pylist()))


def limited(file: Path, **fields: object) -> ExtremeTokens:
    return ExtremeTokens.model_validate({"tokenizer": file, **fields})


def test_tokens_per_character_keep_their_limits(letters: Path) -> None:
    stage = limited(letters, min_per_character=0.75, max_per_character=1)
    assert judged(stage, "abcd", "abc", "abab", "cd", "é", "") == [
        KEPT,
        ("few_tokens", 2 / 3, 0.75),
        ("few_tokens", 0.5, 0.75),
        KEPT,
        ("many_tokens", 2.0, 1.0),
        KEPT,
    ]


def test_a_piece_is_tokenized_alone(letters: Path) -> None:
    stage = limited(letters, min_per_character=None, max_per_character=0.1, piece=3)
    assert [value for _, value, _ in judged(stage, "ababab", "abab", None, "a")] == [4 / 6, 3 / 4, None, 1.0]


def test_mode_tag_tells_the_measure_alone(letters: Path) -> None:
    stage = limited(letters, mode="tag")
    tags = stage.tags(pa.record_batch({"text": ["abcd", ""]}), stage.open())
    assert dict(zip(stage.adds(), [column.to_pylist() for column in tags])) == {
        "extreme_tokens_rule": ["many_tokens", None],
        "extreme_tokens_per_character": [0.75, None],
    }


def test_limits_without_sense_and_unknown_tokenizers_are_refused(letters: Path, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="sets no limit"):
        limited(letters, min_per_character=None, max_per_character=None)
    with pytest.raises(ValidationError, match="nothing would be kept"):
        limited(letters, min_per_character=0.6)
    with pytest.raises(ValidationError, match="none of cl100k"):
        ExtremeTokens.model_validate({"tokenizer": "gpt9"})
    (tmp_path / "no.json").write_text("{}")
    assert len(limited(tmp_path / "no.json").check(pa.schema([]))) == 1


@pytest.mark.parametrize("mode", ["drop", "tag"])
def test_it_keeps_the_laws_of_stages(mode: str) -> None:
    check_stage(ExtremeTokens.model_validate({"tokenizer": "cl100k", "max_per_character": 0.4, "mode": mode}))
