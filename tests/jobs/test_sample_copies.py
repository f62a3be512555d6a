"""Copies: as alike as they say, whatever was copied."""

from __future__ import annotations

from random import Random

import pytest

from jobs.sample import writers
from jobs.sample.copies import near_copy, similarity
from jobs.sample.page import Block, Document


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("write", [writers.forum_thread, writers.recipe, writers.shop_item, writers.tool_page])
def test_a_near_copy_is_near_but_no_copy(write: writers.Writer, seed: int) -> None:
    document = write(Random(seed))

    copied = near_copy(document, ["indeed", "perhaps"], Random(seed))

    assert 0.83 < similarity(document.text(), copied.text()) < 0.97


def test_other_pages_of_one_kind_are_not_alike() -> None:
    texts = [writers.notice(Random(seed)).text() for seed in range(12)]

    assert max(similarity(texts[0], other) for other in texts[1:]) < 0.5


def test_similarity_counts_shared_runs_of_five_words() -> None:
    assert similarity("a b c d e f", "A b, c d e g") == pytest.approx(1 / 3)
    assert similarity("a b", "c d") == 1.0


def test_a_page_without_running_text_cannot_be_edited() -> None:
    table = Document("Figures", (Block("table", ("a\tb", "1\t2")),))

    with pytest.raises(ValueError, match="no running text"):
        near_copy(table, ["indeed"], Random(1))
