"""Regular expressions of your own: documents are kept or dropped by how often each is found.

The expressions are RE2's (https://github.com/google/re2/wiki/Syntax), which take linear time whatever the text is, and
run in Arrow's compiled code over whole columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from filters.limits import above, below
from stages.stage import Filter
from stages.verdicts import Rule

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)


class Pattern(BaseModel):
    """One expression and how often it may be found; the text alone stands for `{pattern: …, max: 0}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: str
    """An RE2 expression: `(?i)` ignores case, `(?m)` lets `^` and `$` stand at lines, `(?s)` lets `.` be a newline."""
    min: Annotated[int, Field(ge=0)] | None = None
    """Found fewer times than this drops a document."""
    max: Annotated[int, Field(ge=0)] | None = None
    """Found more times than this drops a document."""

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, value: Any) -> Any:
        return {"pattern": value, "max": 0} if isinstance(value, str) else value

    @field_validator("pattern")
    @classmethod
    def _is_an_expression(cls, pattern: str) -> str:
        try:
            empty = pc.match_substring_regex(pa.scalar(""), pattern).as_py()
        except pa.ArrowInvalid as error:
            raise ValueError(f"{pattern!r} is no RE2 expression: {_told(str(error))}") from error
        if empty and not re.search(r"[$^]|\\[Az]", pattern):
            raise ValueError(
                f"{pattern!r} is found in the empty text too, so everywhere: let it have a character at least"
            )
        return pattern

    @model_validator(mode="after")
    def _limits_make_sense(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError(f"{self.pattern!r} has no limit: give min or max")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min ({self.min}) is above max ({self.max}): every document would be dropped")
        return self


class Regex(Filter):
    """Drops documents in which an expression is found too often or too seldom.

    `patterns` are named, and judged in the order they are written: `{lorem: "(?i)lorem ipsum", dates: {pattern:
    "[0-9]{4}-[0-9]{2}-[0-9]{2}", min: 1, max: 50}}`. Each gives the rules `too_few_<name>` (found fewer than `min`
    times) and `too_many_<name>` (more than `max` times); matches do not overlap. In mode `tag` the column
    `regex_<name>` says how often each is found. A missing value counts as the empty text.
    """

    patterns: Annotated[Mapping[str, Pattern], Field(min_length=1)]
    """The expressions by name (lower-case letters, digits, underscores), with their limits."""
    column: str = "text"
    """The column of strings they are looked for in, such as `text`, `url` or `title`."""

    @field_validator("patterns")
    @classmethod
    def _are_names(cls, patterns: Mapping[str, Pattern]) -> Mapping[str, Pattern]:
        for name in patterns:
            if not _NAME.fullmatch(name) or name == "rule":
                raise ValueError(
                    f"{name!r} is no name for an expression: use lower-case letters, digits and underscores"
                )
        return patterns

    def needs(self) -> tuple[str, ...]:
        return (self.column,)

    def measures(self) -> tuple[str, ...]:
        return tuple(self.patterns)

    def check(self, schema: pa.Schema) -> list[str]:
        kind = schema.field(self.column).type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return []
        return [f"column: `{self.column}` is of type {kind}, and expressions are looked for in strings"]

    def rules(self, batch: pa.RecordBatch, tools: Any) -> list[Rule]:
        values = pc.fill_null(batch[self.column], "")
        rules: list[Rule] = []
        for name, wanted in self.patterns.items():
            found = _count(values, wanted.pattern)
            rules += below(f"too_few_{name}", found, wanted.min, name)
            rules += above(f"too_many_{name}", found, wanted.max, name)
        return rules


def _count(values: pa.Array, pattern: str) -> npt.NDArray[np.int64]:
    """How often the pattern is found in each value. Most have none, and to see that is faster than to count."""
    counts = np.zeros(len(values), np.int64)
    there = pc.match_substring_regex(values, pattern)
    rows = np.flatnonzero(there.to_numpy(zero_copy_only=False))
    counts[rows] = pc.count_substring_regex(values.filter(there), pattern).to_numpy(zero_copy_only=False)
    return counts


def _told(error: str) -> str:
    """RE2's own words, such as `missing ]: [a`."""
    return error.removeprefix("Invalid regular expression: ")
