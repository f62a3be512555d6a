"""Expressions: what they mean, what is refused and where, and what is known before the first document."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.expression import parse_expression

BATCH = pa.record_batch(
    {
        "text": ["abc", "äöü…", "", None],
        "quality": pa.array([0.5, 0.02, None, 1.0], pa.float32()),
        "tokens": pa.array([10, 2**60 + 1, -3, None], pa.int64()),
        "small": pa.array([2_000_000_000, 1, 0, None], pa.int32()),
        "language": ["en", "de", None, "fr"],
        "english": [True, False, None, False],
        "odd name": [1, 2, 3, 4],
        "tags": [["a"], [], None, ["b"]],
    }
)
YES, NO = True, False


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("quality > 0.1", [YES, NO, NO, YES]),
        ("0.1 < quality <= 0.5", [YES, NO, NO, NO]),
        ("quality == 0.5 or tokens < 0", [YES, NO, YES, NO]),
        ("not quality > 0.1", [NO, YES, NO, NO]),
        ("not (quality > 0.1 and tokens < 11)", [NO, YES, NO, NO]),
        ("quality is None", [NO, NO, YES, NO]),
        ("quality is not None and tags is not None", [YES, YES, NO, YES]),
        ("language in ['en', 'de']", [YES, YES, NO, NO]),
        ("language not in ('en',)", [NO, YES, NO, YES]),
        ("tokens in [10, -3.0]", [YES, NO, YES, NO]),
        ("quality in [1]", [NO, NO, NO, YES]),
        ("tokens == 1152921504606846977", [NO, YES, NO, NO]),
        ("tokens > 10.5", [NO, YES, NO, NO]),
        ("english", [YES, NO, NO, NO]),
        ("not english", [NO, YES, NO, YES]),
        ("english == (language == 'en')", [YES, YES, NO, YES]),
        ("english or True", [YES, YES, YES, YES]),
        ("len(text) == 4", [NO, YES, NO, NO]),
        ("contains(text, 'b') or endswith(text, '…')", [YES, YES, NO, NO]),
        ("startswith(text, '')", [YES, YES, YES, NO]),
        ("contains(text, '.')", [NO, NO, NO, NO]),
        ("small + small > 3e9", [YES, NO, NO, NO]),
        ("tokens / 4 == 2.5 and -tokens < +0", [YES, NO, NO, NO]),
        ("small / small >= 0", [YES, YES, NO, NO]),
        ("column('odd name') * 2 - 1 >= 5", [NO, NO, YES, YES]),
        ("1 < 2", [YES, YES, YES, YES]),
        ("'a' in ['b']", [NO, NO, NO, NO]),
        ("quality\n  > 0.1\nand\ttokens > 0", [YES, NO, NO, NO]),
    ],
)
def test_expressions_mean_what_they_say(source: str, expected: list[bool]) -> None:
    expression = parse_expression(source)
    assert expression.check(BATCH.schema) == []
    assert expression.mask(BATCH).tolist() == expected
    assert expression.mask(BATCH.slice(1, 2)).tolist() == expected[1:3]
    assert expression.mask(BATCH.slice(0, 0)).tolist() == []


def test_columns_are_told_in_order_of_appearance() -> None:
    source = "quality > 1 and (len(text) < 2 or column('odd name') in [1]) and quality < 2 and language is None"
    assert parse_expression(source).columns == ("quality", "text", "odd name", "language")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "is empty"),
        ("quality > > 2", "at character 11"),
        ("quality = 2", "=="),
        ("ä == 'é' and x.y > 1", r"at character 14 of .*`x.y` is not allowed"),
        ("__import__('os').system('ls')", "is not allowed"),
        ("open('x')", "there is no function open"),
        ("[x for x in y]", "is not allowed"),
        ("(lambda: 1)()", "is not allowed"),
        ("f'{x}' == 'a'", "is not allowed"),
        ("x ** 2 > 1", "is not allowed"),
        ("x if y else z", "is not allowed"),
        ("x[0] > 1", "is not allowed"),
        ("x := 1", "at character"),
        ("x == b'a'", "bytes is not allowed"),
        ("x == 1j", "complex is not allowed"),
        ("x == None", "after `is`"),
        ("x is 5", "only None"),
        ("x is null", "only None"),
        ("x == true", "write True"),
        ("x in 'abc'", r"contains\(text, 'x'\)"),
        ("x in []", "list of constants"),
        ("x in [None]", "list of constants"),
        ("x in [y]", "list of constants"),
        ("1 < x in [2]", "chain"),
        ("x > 99999999999999999999", "64 bits"),
        ("x == '\\ud800'", "surrogate"),
        (r"x == '\d'", "escape"),
        ("len(x, y) > 1", "len takes one text"),
        ("startswith(x, y)", "string in quotes"),
        ("contains(x, what='y')", "is not allowed"),
        ("column(x)", "in quotes"),
        ("x\0 > 1", "null"),
        ("(" * 300 + "x" + ")" * 300, "too many nested|Python cannot"),
        ("+".join("x" * 200) + "> 1", "nested more than"),
        ("not " * 2000 + "x", "nested|Python cannot"),
        ("x == '" + "y" * 10_000 + "'", "characters"),
    ],
)
def test_what_is_not_of_the_language_is_refused_with_its_place(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_expression(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("qualty > 1", r"at character 1 of 'qualty > 1': there is no column 'qualty' here; did you mean quality\?"),
        ("xyzzy > 1", "there are english, language"),
        ("text > 1", "a text cannot be compared with a number"),
        ("quality", "`quality` is a number, and a condition is needed"),
        ("tokens > 1 and text", "at character 16 .*`text` is a text"),
        ("len(tokens) > 1", "`tokens` is a number, and a text is needed"),
        ("contains(quality, 'x')", "a text is needed"),
        ("text + 1 > 1", "`text` is a text, and a number is needed"),
        ("tags == tags", "cannot be compared"),
        ("english < True", "no order"),
        ("language in ['en', 1]", "1 is a number, but `language` is a text"),
        ("-text > 1", "a number is needed"),
        ("not tokens", "a condition is needed"),
    ],
)
def test_what_does_not_fit_the_schema_is_told_before_any_document(source: str, message: str) -> None:
    faults = parse_expression(source).check(BATCH.schema)
    assert len(faults) == 1
    with pytest.raises(ValueError, match=message):
        raise ValueError(faults[0])


def test_all_faults_are_told_at_once() -> None:
    assert len(parse_expression("a > 1 and text and not tokens").check(BATCH.schema)) == 3


def test_a_missing_column_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="missing"):
        parse_expression("missing > 1").mask(BATCH)


def test_parts_hold_together_as_the_whole_does() -> None:
    parts = parse_expression("0 < quality < 0.9 and (english or tokens > 1) and language is not None").parts()
    assert [part.source for part in parts] == [
        "0 < quality",
        "quality < 0.9",
        "english or tokens > 1",
        "language is not None",
    ]


def test_a_comparison_of_numbers_tells_value_and_limit() -> None:
    measured = parse_expression("10 <= tokens").measure(BATCH.slice(0, 1))
    assert measured is not None
    assert (measured[0].tolist(), measured[1].tolist()) == ([10.0], [10.0])
    assert parse_expression("language == 'en'").measure(BATCH) is None
    assert parse_expression("language in ['en']").measure(BATCH) is None


def test_expressions_are_values_that_travel() -> None:
    expression = parse_expression("quality > 0.1")
    twin = pickle.loads(pickle.dumps(expression))
    assert twin == expression
    assert twin.mask(BATCH).tolist() == expression.mask(BATCH).tolist()


NUMBERS = st.one_of(st.none(), st.integers(-3, 3))
CONDITIONS = st.recursive(
    st.sampled_from(
        ["a < b", "a == 1", "b >= a", "a + b > 1", "a is None", "b in [0, 1]", "b not in [2]", "a < 2 < b"]
    ),
    lambda inner: st.one_of(
        inner.map("not ({})".format),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map("({0[0]}) {0[1]} ({0[2]})".format),
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=200)
@given(CONDITIONS, st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5))
def test_the_parts_and_the_null_free_rows_agree_with_python(
    source: str, rows: list[tuple[int | None, int | None]]
) -> None:
    batch = pa.record_batch({name: pa.array([row[at] for row in rows], pa.int64()) for at, name in enumerate("ab")})
    expression = parse_expression(source)
    mask = expression.mask(batch)
    for row, held in zip(rows, mask):
        if None not in row:
            assert held == eval(source, {"a": row[0], "b": row[1]})
    together = [all(held) for held in zip(*(part.mask(batch) for part in expression.parts()))]
    assert together == mask.tolist()
