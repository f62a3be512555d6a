"""What the fields of a model mean: the docstrings below them, which are the help of the command line and of editors.

Read off the source when somebody asks. (Pydantic can do so while it makes a class, which cost every process of a run
10 ms for each of its models.)
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise
from textwrap import indent

from pydantic import BaseModel


def field_meanings(model: type[BaseModel]) -> dict[str, str]:
    """The text of each field, in the order of the fields; empty for one that has none."""
    texts: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if kind not in (object, BaseModel):
            texts |= dict.fromkeys(inspect.get_annotations(kind), "") | _docstrings(kind)
    return {name: info.description or texts.get(name, "") for name, info in model.model_fields.items()}


@cache
def _docstrings(kind: type) -> dict[str, str]:
    """The docstrings below a class's own annotated names; none where the source cannot be had."""
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):
        return {}
    body = _class_in(source).body
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _class_in(source: str) -> ast.ClassDef:
    """A class as it stands in its file; one within a function is indented."""
    tree = ast.parse(f"if True:\n{indent(source, ' ')}")
    return next(node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
