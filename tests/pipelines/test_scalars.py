"""Plain scalars mean what YAML 1.2 says, not what YAML 1.1 said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.scalars import Scalar, read_scalar, write_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("0777", 777),
        ("0o17", 15),
        ("0x1F", 31),
        ("-5", -5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("0b1", "0b1"),
        ("256MB", "256MB"),
        ("10%", "10%"),
    ],
)
def test_a_plain_scalar_follows_the_core_schema(text: str, value: Scalar) -> None:
    assert read_scalar(text) == value
    assert type(read_scalar(text)) is type(value)


@pytest.mark.parametrize("text", [".inf", "-.Inf", ".NaN", "1e999", "9223372036854775808", "9" * 6000, "0x" + "f" * 17])
def test_a_number_that_nothing_can_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"finite|64 bits"):
        read_scalar(text)


@given(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
def test_what_is_written_is_read_again(value: Scalar) -> None:
    assert read_scalar(write_scalar(value)) == value
