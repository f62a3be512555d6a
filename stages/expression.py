"""Expressions over columns, such as `quality > 0.02 and language == 'eng_Latn'`: for `where` and filters.expression.

Python's own parser reads them (`stages/expression_syntax.py` says what may be written) and Arrow's kernels answer them
column by column; nothing is ever handed to `eval`. Everything about an expression can be checked before the first
document is read. Nulls follow SQL: what is computed from null is null, `null or True` is true, and null at the end
means no. Arithmetic is that of float64.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import reduce
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.expression_syntax import (
    ARITHMETIC,
    COMPARISONS,
    TEXT_TESTS,
    column_name,
    constants,
    operands,
    place,
    read_expression,
)

Kind = Literal["number", "text", "truth", "other"]
Floats = npt.NDArray[np.float64]


def parse_expression(source: str) -> Expression:
    """The expression that `source` spells; line breaks count as blanks.

    Raises ValueError with the place of the fault and all that is allowed.
    """
    return Expression(*read_expression(source))


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition on documents, known to be well-formed; `parse_expression` makes it. `source`: its text, one line."""

    source: str
    tree: ast.expr = field(compare=False, repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads, in order of appearance."""
        return tuple(dict.fromkeys(_columns(self.tree)))

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with it for documents of this schema: unknown columns, kinds that do not go together."""
        faults: list[str] = []
        _expect("truth", self.tree, schema, lambda node, what: faults.append(place(self.source, node, what)))
        return faults

    def mask(self, batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """Per row whether it holds; where it is null it does not. Raises KeyError for a column that is not there."""
        answer = _answer(self.tree, batch)
        if isinstance(answer, pa.Scalar):
            return np.full(batch.num_rows, answer.as_py() is True)
        held: npt.NDArray[np.bool_] = pc.fill_null(answer, False).to_numpy(zero_copy_only=False)
        return held

    def parts(self) -> tuple[Expression, ...]:
        """The conditions that all must hold: what `and` joins, and `0 < x < 9` as two. Itself, if it is but one."""
        return tuple(Expression(ast.unparse(node), node) for node in _conjuncts(self.tree))

    def measure(self, batch: pa.RecordBatch) -> tuple[Floats, Floats] | None:
        """The two sides of a comparison of numbers, per row, NaN for null: what is measured, and its limit.

        None for any other expression. A constant is the limit, whichever side it stands on.
        """
        tree = self.tree
        if not (isinstance(tree, ast.Compare) and len(tree.ops) == 1 and type(tree.ops[0]) in COMPARISONS):
            return None
        sides = [_answer(tree.left, batch), _answer(tree.comparators[0], batch)]
        if not all(pa.types.is_integer(side.type) or pa.types.is_floating(side.type) for side in sides):
            return None
        if isinstance(sides[0], pa.Scalar):
            sides.reverse()
        value, limit = (_floats(side, batch.num_rows) for side in sides)
        return value, limit


Blame = Callable[[ast.expr, str], None]


def _expect(wanted: Kind, node: ast.expr, schema: pa.Schema, blame: Blame) -> None:
    """Blame a node that is not of the wanted kind; what is wrong below it is blamed there."""
    kind = _kind(node, schema, blame)
    if kind is not None and kind != wanted:
        blame(node, f"`{ast.unparse(node)[:60]}` is {_KINDS[kind]}, and {_KINDS[wanted]} is needed")


_KINDS = {"number": "a number", "text": "a text", "truth": "a condition", "other": "neither number, text nor condition"}


def _kind(node: ast.expr, schema: pa.Schema, blame: Blame) -> Kind | None:
    """The kind of a node's answer, None when it was blamed."""
    name = column_name(node)
    if name is not None:
        return _kind_of_column(name, node, schema, blame)
    wanted: Kind
    kind: Kind
    match node:
        case ast.Constant(value=value):
            return "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            wanted = kind = "truth"
        case ast.Call(func=ast.Name(id=function)):
            wanted, kind = "text", "number" if function == "len" else "truth"
        case ast.Compare():
            return _kind_of_comparison(node, schema, blame)
        case _:
            wanted = kind = "number"
    for operand in operands(node):
        _expect(wanted, operand, schema, blame)
    return kind


def _kind_of_column(name: str, node: ast.expr, schema: pa.Schema, blame: Blame) -> Kind | None:
    if name not in schema.names:
        near = get_close_matches(name, schema.names, 3, 0.6)
        mend = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(sorted(schema.names))}"
        blame(node, f"there is no column {name!r} here; {mend}")
        return None
    kind = schema.field(name).type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return "text"
    return "truth" if pa.types.is_boolean(kind) else "other"


def _kind_of_comparison(node: ast.Compare, schema: pa.Schema, blame: Blame) -> Kind:
    """A condition, whatever is compared; both sides must be of one kind, and conditions have no order."""
    kinds = [_kind(operand, schema, blame) for operand in operands(node)]
    first, op, side = kinds[0], node.ops[0], node.comparators[0]
    if isinstance(op, ast.In | ast.NotIn) and first is not None:
        for item in constants(side):
            kind = "truth" if isinstance(item, bool) else "text" if isinstance(item, str) else "number"
            if kind != first:
                blame(side, f"{item!r} is {_KINDS[kind]}, but `{ast.unparse(node.left)[:60]}` is {_KINDS[first]}")
                break
    for op, (left, right) in zip(node.ops, pairwise(kinds)):
        if left is None or right is None:
            continue
        if left != right or left == "other":
            blame(node, f"{_KINDS[left]} cannot be compared with {_KINDS[right]}")
        elif left == "truth" and not isinstance(op, ast.Eq | ast.NotEq):
            blame(node, "conditions have no order; only == and != compare them")
    return "truth"


def _answer(node: ast.expr, batch: pa.RecordBatch) -> Any:
    """The node's value as an Arrow array of one row per document, or as a scalar where it depends on no column."""
    name = column_name(node)
    if name is not None:
        return _widened(batch.column(name))
    match node:
        case ast.Constant(value=value):
            return _widened(pa.scalar(value))
        case ast.BoolOp(op=op, values=values):
            join = pc.and_kleene if isinstance(op, ast.And) else pc.or_kleene
            return reduce(join, (_answer(value, batch) for value in values))
        case ast.UnaryOp(op=op, operand=operand):
            value = _answer(operand, batch)
            return (
                pc.invert(value) if isinstance(op, ast.Not) else pc.negate(value) if isinstance(op, ast.USub) else value
            )
        case ast.BinOp(left=left, op=op, right=right):
            sides = [_as_float(_answer(side, batch)) for side in (left, right)]
            return pc.call_function(ARITHMETIC[type(op)], sides)
        case ast.Call(func=ast.Name(id=function), args=[text, *rest]):
            if function == "len":
                return pc.utf8_length(_answer(text, batch)).cast(pa.int64())
            return getattr(pc, TEXT_TESTS[function])(_answer(text, batch), ast.literal_eval(rest[0]))
    assert isinstance(node, ast.Compare), ast.dump(node)
    return _answer_comparison(node, batch)


def _answer_comparison(node: ast.Compare, batch: pa.RecordBatch) -> Any:
    values = [_answer(operand, batch) for operand in operands(node)]
    op = node.ops[0]
    if isinstance(op, ast.Is | ast.IsNot):
        null = pc.is_null(values[0])
        return null if isinstance(op, ast.Is) else pc.invert(null)
    if isinstance(op, ast.In | ast.NotIn):
        found = _found(values[0], constants(node.comparators[0]))
        return found if isinstance(op, ast.In) else pc.invert(found)
    steps = [_compared(COMPARISONS[type(op)], left, right) for op, (left, right) in zip(node.ops, pairwise(values))]
    return reduce(pc.and_kleene, steps)


def _found(value: Any, items: list[bool | int | float | str]) -> Any:
    """Whether the value is one of the items; null where it is null."""
    listed = pa.array(items)
    if pa.types.is_floating(value.type) != pa.types.is_floating(listed.type):
        value, listed = _as_float(value), _as_float(listed)
    return pc.if_else(pc.is_null(value), pa.scalar(None, pa.bool_()), pc.is_in(value, value_set=listed))


def _compared(function: str, left: Any, right: Any) -> Any:
    """Arrow compares two integers exactly, but refuses large ones beside floats: those are compared as float64."""
    if pa.types.is_floating(left.type) != pa.types.is_floating(right.type):
        left, right = _as_float(left), _as_float(right)
    return pc.call_function(function, [left, right])


def _widened(value: Any) -> Any:
    """Numbers as int64 or float64, so that small types cannot overflow."""
    if pa.types.is_integer(value.type):
        return value.cast(pa.int64())
    return value.cast(pa.float64()) if pa.types.is_floating(value.type) else value


def _as_float(value: Any) -> Any:
    return pc.cast(value, pa.float64(), safe=False)


def _floats(value: Any, rows: int) -> Floats:
    """One float64 per row, NaN for null."""
    value = _as_float(value)
    if isinstance(value, pa.Scalar):
        return np.full(rows, np.nan if value.as_py() is None else value.as_py())
    floats: Floats = value.fill_null(np.nan).to_numpy(zero_copy_only=False)
    return floats


def _columns(node: ast.expr) -> Iterator[str]:
    name = column_name(node)
    if name is not None:
        yield name
    for operand in operands(node):
        yield from _columns(operand)


def _conjuncts(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return [part for value in values for part in _conjuncts(value)]
        case ast.Compare(left=left, ops=[_, _, *_] as ops, comparators=sides):
            return [
                ast.Compare(*step) for step in zip([left, *sides], [[op] for op in ops], [[side] for side in sides])
            ]
    return [node]
