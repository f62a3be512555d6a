"""The expression filter: decide by scores and labels that earlier stages wrote, in one line of the pipeline.

Score once, decide many times: the columns stay, and only this filter runs again when a limit is moved.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator

from stages.expression import parse_expression
from stages.stage import Filter
from stages.verdicts import Rule, Verdicts, first_failure


class Expression(Filter):
    """Keeps the documents for which an expression over their columns holds, such as `quality > 0.02`.

    The language: columns, numbers, strings, True, False; `== != < <= > >=` (chained too), `in ['eng_Latn']`, `is None`,
    `and`, `or`, `not`, `+ - * /`, `len(text)` (characters), `startswith(url, 'x')`, `endswith`, `contains`,
    `column('odd name')`. A comparison with null is null, and a document for which the whole is null is dropped.

    The rule is `expression`. Where `and` joins several conditions the message names the first that does not hold; for a
    comparison of numbers the ledger has what was measured and the limit.
    """

    keep: str
    """The expression that kept documents fulfil."""

    @field_validator("keep")
    @classmethod
    def _can_be_read(cls, keep: str) -> str:
        parse_expression(keep)
        return keep

    def needs(self) -> tuple[str, ...]:
        return parse_expression(self.keep).columns

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the expression for documents of this schema."""
        return parse_expression(self.keep).check(schema)

    def open(self) -> Any:
        """The conditions, read."""
        return parse_expression(self.keep).parts()

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        rules = []
        for part in tools:
            sides = part.measure(batch) or (None, None)
            rules.append(Rule(part.source, ~part.mask(batch), *sides))
        found = first_failure(batch.num_rows, rules)
        rule = pc.if_else(found.rule.is_valid(), "expression", pa.scalar(None, pa.string()))
        return Verdicts(rule, found.value, found.limit, message=found.rule)
