"""What `rewrite.chunk` promises: nothing is lost, limits hold, borders lie where readers see them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rewrite.chunk import Chunk
from rewrite.windows import byte_sizes, units_of, windows
from stages.errors import StageError
from stages.laws import check_stage

PIECES = st.sampled_from(
    [
        "mill ",
        "Wheel",
        ". ",
        "! ",
        "?”",
        "\n",
        "\n\n",
        "\r\n",
        " \n \n",
        "。",
        "水車",
        "Dr. ",
        "…",
        "é\u0301",
        "👩‍👧 ",
        "\0",
        "\u2028",
    ]
)


def chunked(texts: list[str | None], **fields: Any) -> list[dict[str, Any]]:
    stage = Chunk(**fields)
    batch = pa.record_batch({"id": [str(row) for row in range(len(texts))], "text": pa.array(texts, pa.string())})
    mapped = stage.map(batch, stage.open())
    return [{**row, "parent": at} for row, at in zip(mapped.rows.to_pylist(), mapped.parent.tolist())]


@given(
    st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=60).map("".join),
    st.sampled_from(["paragraph", "line", "sentence", "token"]),
    st.sampled_from(["max_tokens", "max_bytes", "max_characters"]),
    st.integers(4, 60),
)
def test_windows_are_the_text_again_byte_for_byte_and_keep_to_the_limit(
    text: str, by: str, limit_name: str, limit: int
) -> None:
    text = text.encode("utf-8", "replace").decode()
    rows = chunked([text], by=by, **{limit_name: limit})
    data = text.encode()
    assert "".join(row["text"] for row in rows) == text
    assert [data[row["chunk_start"] : row["chunk_end"]].decode() for row in rows] == [row["text"] for row in rows]
    assert [row["chunk"] for row in rows] == list(range(len(rows)))
    size = {"max_tokens": lambda part: -(-len(part.encode()) // 3), "max_bytes": lambda part: len(part.encode())}
    assert all(size.get(limit_name, len)(row["text"]) <= limit for row in rows)


@pytest.mark.parametrize("by", ["paragraph", "line", "sentence", "token"])
def test_the_laws_hold(by: str) -> None:
    check_stage(Chunk(by=by, max_bytes=200))  # type: ignore[arg-type]


def test_white_space_belongs_to_the_unit_before_it() -> None:
    assert units_of("  One.\n\n\nTwo.\n \n Three.", "paragraph") == ["  One.\n\n\n", "Two.\n \n ", "Three."]
    assert units_of(" a  b\tc ", "word") == [" ", "a  ", "b\t", "c "]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It turns. Nobody knows why! Does it? Yes.", ["It turns. ", "Nobody knows why! ", "Does it? ", "Yes."]),
        ("He said “Stop.” Then he left.", ["He said “Stop.” ", "Then he left."]),
        ("By J. Smith, e.g. in 3.5 hours. Done.", ["By J. Smith, e.g. in 3.5 hours. ", "Done."]),
        (
            "磨坊坐落在河边。水轮一直在转动！村里没有人知道。",
            ["磨坊坐落在河边。", "水轮一直在转动！", "村里没有人知道。"],
        ),
        ("यह चक्की है। वह नदी है।", ["यह चक्की है। ", "वह नदी है।"]),
        ("هل تدور؟ نعم.", ["هل تدور؟ ", "نعم."]),
    ],
)
def test_sentences_end_where_readers_of_the_language_see_it(text: str, sentences: list[str]) -> None:
    assert units_of(text, "sentence") == sentences


def test_neighbours_share_a_window_while_they_fit_and_large_units_are_cut_more_finely() -> None:
    text = "aa\n\nbb\n\ncccc. Dddd. Eeee.\n\nff"
    assert [row["text"] for row in chunked([text], max_characters=8)] == [
        "aa\n\nbb\n\n",
        "cccc. ",
        "Dddd. ",
        "Eeee.\n\n",
        "ff",
    ]


def test_empty_and_missing_texts_are_one_window() -> None:
    rows = chunked(["", None, "a"], max_bytes=10)
    assert [(row["parent"], row["text"], row["chunk_end"]) for row in rows] == [(0, "", 0), (1, None, 0), (2, "a", 1)]


@pytest.mark.parametrize("text", ["." * 2**20, " " * 2**20, "\n" * 2**20, '."' * 2**19, "。" * 2**18, ".\n" * 2**19])
def test_a_megabyte_of_borders_is_cut_in_linear_time(text: str) -> None:
    began = time.process_time()
    assert "".join(windows(text, "paragraph", 900, byte_sizes)) == text
    assert time.process_time() - began < 5


def test_a_tokenizer_file_counts_exactly(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel({"mill": 0, "[UNK]": 1}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    rows = chunked(["mill a mill b mill"], by="token", max_tokens=2, tokenizer=tmp_path / "tokenizer.json")
    assert [row["text"] for row in rows] == ["mill a ", "mill b ", "mill"]
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(StageError, match=r"is no tokenizer\.json"):
        chunked(["a"], max_tokens=2, tokenizer=tmp_path / "tokenizer.json")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "no limit is given"),
        ({"max_tokens": 3, "max_bytes": 9}, "max_tokens and max_bytes are given"),
        ({"max_bytes": 9, "tokenizer": "t.json"}, "a tokenizer counts tokens"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
    ],
)
def test_limits_that_make_no_sense_are_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Chunk(**fields)
