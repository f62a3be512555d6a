"""Texts over Arrow buffers: slices, nulls and empty columns read as what they hold."""

from __future__ import annotations

import pyarrow as pa
import pytest

from stages.kernels.texts import Texts, texts_of


def spelled(texts: Texts) -> list[str]:
    data = texts.data.tobytes()
    return [data[start:end].decode() for start, end in zip(texts.starts, texts.ends)]


def test_a_slice_reads_as_its_own_rows() -> None:
    column = pa.array(["alpha", "", "süß", "дом", "🙂", "omega"])
    for start in range(7):
        for length in range(7 - start):
            piece = column.slice(start, length)
            assert spelled(texts_of(piece)) == piece.to_pylist()


def test_a_slice_copies_no_text() -> None:
    column = pa.array(["a" * 1000] * 10)
    assert texts_of(column.slice(3, 2)).data.ctypes.data == column.buffers()[2].address


def test_nulls_read_as_the_empty_text_even_where_bytes_lie_below() -> None:
    offsets, data = pa.array([0, 3, 6, 9], pa.int32()).buffers()[1], pa.py_buffer(b"onetwosix")
    column = pa.Array.from_buffers(pa.string(), 3, [pa.py_buffer(b"\x05"), offsets, data])
    assert column.to_pylist() == ["one", None, "six"]
    assert spelled(texts_of(column)) == ["one", "", "six"]
    assert spelled(texts_of(column.slice(1))) == ["", "six"]


@pytest.mark.parametrize("column", [[], [None, None], ["", ""], [""]])
def test_columns_without_a_byte_have_their_rows(column: list[str | None]) -> None:
    assert spelled(texts_of(pa.array(column, pa.string()))) == ["" for _ in column]


def test_large_strings_read_like_strings() -> None:
    assert spelled(texts_of(pa.array(["x", None, "yz"], pa.large_string()).slice(1))) == ["", "yz"]


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="not binary"):
        texts_of(pa.array([b"x"]))
