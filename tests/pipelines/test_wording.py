"""Sizes, counts, types and values are worded the same way wherever textmill prints them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.wording import count_text, size_text, type_text, value_text
from stages.document import COLUMNS


def test_sizes_are_told_for_people() -> None:
    assert [size_text(size) for size in (0, 999, 1000, 512_000_000, 2 * 10**15)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "512.0 MB",
        "2,000.0 TB",
    ]


def test_one_thing_is_not_several() -> None:
    assert [count_text(number, "shard") for number in (0, 1, 1200)] == ["0 shards", "1 shard", "1,200 shards"]


def test_types_are_named_as_the_yaml_names_them() -> None:
    assert type_text(pa.float32()) == "float32"
    assert type_text(pa.list_(pa.float64())) == "list<float64>"
    assert type_text(COLUMNS["blocks"]) == "list<struct<kind, start, end>>"


@pytest.mark.parametrize(("value", "told"), [(68157440.0, "68157440"), (0.123456789, "0.123457"), (3, "3")])
def test_whole_values_are_told_to_the_last_digit(value: float, told: str) -> None:
    assert value_text(value) == told
