"""What may be written in an expression: Python's grammar, cut down to a small, closed language.

The parser is Python's own; what it reads is refused here unless every node is one of those below, so whatever comes out
can be checked and answered without surprise.
"""

from __future__ import annotations

import ast
import warnings
from typing import Final

ALLOWED: Final = (
    "allowed are columns, numbers, strings, True, False, == != < <= > >=, in [...], is None, and, or, not, + - * /, "
    "len(text), startswith(text, 'x'), endswith(text, 'x'), contains(text, 'x'), column('odd name')"
)

COMPARISONS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
}
ARITHMETIC: Final[dict[type[ast.operator], str]] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}
TEXT_TESTS: Final = {"startswith": "starts_with", "endswith": "ends_with", "contains": "match_substring"}
"""Python's words and the functions of `pyarrow.compute` behind them."""

_LONGEST: Final = 10_000
_DEEPEST: Final = 100
_SPELLINGS: Final = {"true": "True", "false": "False", "null": "None", "none": "None"}


def read_expression(source: str) -> tuple[str, ast.expr]:
    """The expression on one line, and its tree. Raises ValueError with the fault's place and all that is allowed."""
    line = source.replace("\r", " ").replace("\n", " ").strip()
    if not line:
        raise ValueError(f"the expression is empty; {ALLOWED}")
    if len(line) > _LONGEST:
        raise ValueError(f"the expression has {len(line)} characters, and {_LONGEST} are allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as for an unknown escape in a string
            tree = ast.parse(line, mode="eval").body
    except SyntaxError as error:
        at = f"at character {min(error.offset, len(line))} of " if error.offset else "in "
        raise ValueError(f"{at}{line!r}: {error.msg}; {ALLOWED}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{line[:60]!r}: Python cannot read this: {error or type(error).__name__}") from error
    _admit(tree, line, 0)
    return line, tree


def place(line: str, node: ast.AST, what: str) -> str:
    """A message with the place of a node, counted in characters from 1; Python counts columns in bytes from 0."""
    start = len(line.encode()[: getattr(node, "col_offset", 0)].decode())
    return f"at character {start + 1} of {line!r}: {what}"


def column_name(node: ast.AST) -> str | None:
    """The column that a node names: `quality`, or `column('odd name')`."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Call(func=ast.Name(id="column"), args=[ast.Constant(value=str(name))]):
            return name
    return None


def operands(node: ast.expr) -> list[ast.expr]:
    """The nodes that a node is computed from; lists of constants and columns have none."""
    match node:
        case ast.BoolOp(values=values):
            return values
        case ast.UnaryOp(operand=operand):
            return [operand]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.Compare(left=left, ops=ops, comparators=sides):
            return [left, *(side for op, side in zip(ops, sides) if type(op) in COMPARISONS)]
        case ast.Call(args=arguments) if column_name(node) is None:
            return arguments[:1]
    return []


def constants(node: ast.expr) -> list[bool | int | float | str]:
    """The constants of a list."""
    assert isinstance(node, ast.List | ast.Tuple | ast.Set)
    return [ast.literal_eval(item) for item in node.elts]


def _admit(node: ast.expr, line: str, depth: int) -> None:
    """Refuse by ValueError whatever the language does not have at the node or below it."""
    fault = _unfit(node) if depth <= _DEEPEST else f"the expression is nested more than {_DEEPEST} deep"
    if fault:
        raise ValueError(f"{place(line, node, fault)}; {ALLOWED}")
    for child in operands(node):
        _admit(child, line, depth + 1)


def _unfit(node: ast.expr) -> str:
    """What is wrong with a node by itself; empty if nothing is."""
    match node:
        case ast.Name(id=name):
            return f"write {_SPELLINGS[name]}, not {name}" if name in _SPELLINGS else ""
        case ast.Constant(value=value):
            return _unfit_constant(value)
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd()):
            return ""
        case ast.BinOp(op=op) if type(op) in ARITHMETIC:
            return ""
        case ast.Compare(ops=ops, comparators=sides):
            return next(filter(None, (_unfit_comparison(op, side, len(ops)) for op, side in zip(ops, sides))), "")
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _unfit_call(name, arguments)
    return f"`{ast.unparse(node)[:60]}` is not allowed"


def _unfit_constant(value: object) -> str:
    if value is None:
        return "None may only stand after `is` or `is not`"
    if isinstance(value, int) and not -(2**63) < value < 2**63:
        return "the number does not fit into 64 bits"
    if isinstance(value, str) and value.encode("utf-8", "replace").decode() != value:
        return "a string with half a surrogate pair is no text"
    return "" if isinstance(value, int | float | str) else f"{type(value).__name__} is not allowed"


def _unfit_comparison(op: ast.cmpop, side: ast.expr, chained: int) -> str:
    if type(op) in COMPARISONS:
        return ""
    if chained > 1:
        return "`in` and `is` cannot be part of a chain; join comparisons with `and`"
    if isinstance(op, ast.Is | ast.IsNot):
        return "" if isinstance(side, ast.Constant) and side.value is None else "only None may stand after `is`"
    if isinstance(side, ast.List | ast.Tuple | ast.Set) and side.elts and all(map(_is_constant, side.elts)):
        return ""
    return "after `in` stands a list of constants such as ['deu_Latn']; for a part of a text write contains(text, 'x')"


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
        return isinstance(node, ast.Constant) and type(node.value) in (int, float) and not _unfit_constant(node.value)
    return isinstance(node, ast.Constant) and not _unfit_constant(node.value)


def _unfit_call(name: str, arguments: list[ast.expr]) -> str:
    quoted = [isinstance(argument, ast.Constant) and isinstance(argument.value, str) for argument in arguments]
    if name == "len":
        return "" if len(arguments) == 1 else "len takes one text"
    if name == "column":
        return "" if quoted == [True] else "column takes the name of a column in quotes"
    if name in TEXT_TESTS:
        return "" if len(quoted) == 2 and quoted[1] else f"{name} takes a text and a string in quotes"
    return f"there is no function {name}"
