"""Which fields of which filters are fitted, how, and how each is measured: by the very rule that it limits.

The idea: a filter with one rule on measures one number. So nothing has to be declared: every limit of every filter that
takes limits by language can be fitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import ceil, floor
from typing import Any, Final

import numpy as np
import pyarrow as pa

from filters.adaptive import AdaptiveFilter
from jobs.fit.methods import METHODS, Values
from stages.errors import Fault, PipelineError
from stages.language_limits import adaptive_filters, limit_fields
from stages.limits_file import limit_check

DEFAULT_METHOD: Final = "mean_std"
"""The nearest to what the limits of English remove of English, of the four (benchmarks/fit_multilingual.py)."""

DEFAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "gopher_repetition": (
        "max_duplicate_lines",
        *(f"max_top_{length}_gram" for length in (2, 3, 4)),
        *(f"max_duplicate_{length}_gram" for length in range(5, 11)),
    ),
    "fineweb": ("min_punctuated_lines", "max_newlines_per_word"),
    "gopher_quality": ("min_mean_word_length", "max_mean_word_length", "min_alphabetic_words"),
}
"""The limits that FineWeb2's configurations give per language."""

_DIGITS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Target:
    """A field to fit. `rule`: the rule that it limits; `english`: its limit for English, the default of the field."""

    filter: str
    field: str
    method: str
    rule: str
    english: float | None

    @property
    def name(self) -> str:
        return f"{self.filter}.{self.field}"

    @property
    def at_most(self) -> bool:
        return self.field.startswith("max_")

    def fit(self, english: Values, own: Values) -> float | int | None:
        """The limit for a language, from the values of both; None where the method finds none and English's stays."""
        if not len(own):
            return None
        found = METHODS[self.method](self.english, english, own, at_most=self.at_most)
        return None if found is None else self.allowed(found)

    def allowed(self, limit: float) -> float | int:
        """The limit with four decimals, rounded so that no more is removed, as near as the field takes it."""
        rounded = (ceil if self.at_most else floor)(round(limit * _DIGITS, 6)) / _DIGITS
        check = limit_check(adaptive_filters()[self.filter], self.field)
        for near in (max(0.0, rounded), max(0, round(rounded))):
            if check(near):
                return near
        return 1.0


class Measuring:
    """Filters with every rule on, opened once per word splitter, and the targets that they measure."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = targets
        self._open: dict[tuple[str, str], tuple[AdaptiveFilter, Any]] = {}

    def measure(self, documents: pa.RecordBatch, words: str) -> Values:
        """float64, one row per document and one column per target; NaN where nothing could be measured.

        `words`: the splitter of the documents' language, for filters that have the choice.
        """
        found = np.full((documents.num_rows, len(self.targets)), np.nan)
        for name in dict.fromkeys(target.filter for target in self.targets):
            stage, tools = self._opened(name, words)
            values = {rule.name: rule.value for rule in stage.rules(documents, tools)}
            for at, target in enumerate(self.targets):
                value = values[target.rule] if target.filter == name else None
                if value is not None:
                    found[:, at] = value
        return found

    def _opened(self, name: str, words: str) -> tuple[AdaptiveFilter, Any]:
        kind = adaptive_filters()[name]
        key = (name, words if "words" in kind.model_fields else "")
        if key not in self._open:
            stage = _with_rules(kind, limit_fields(kind))
            stage = stage.with_fields({"words": words}) if key[1] else stage
            self._open[key] = stage, stage.open()
        return self._open[key]


def choose_targets(methods: Sequence[str]) -> list[Target]:
    """The fields to fit with their methods, in the filters' own order.

    `methods`: of all by default (`tail`), of one filter (`fineweb=tail`), or of one field, which is then fitted too
    (`gopher_quality.min_words=tail`); the later one counts. Raises PipelineError for what is no method and no field.
    """
    kinds = adaptive_filters()
    chosen = {f"{name}.{field}": DEFAULT_METHOD for name, fields in DEFAULTS.items() for field in fields}
    for told in methods:
        where, _, method = told.rpartition("=")
        if method not in METHODS:
            raise _refused(f"there is no method {method!r}", f"write one of {', '.join(METHODS)}")
        if where and "." in where:
            chosen[_known(where, kinds)] = method
        else:
            named = [name for name in chosen if not where or name.partition(".")[0] == where]
            if not named:
                raise _refused(f"no field of {where!r} is fitted", f"name a field, such as {where}.max_words={method}")
            chosen.update(dict.fromkeys(named, method))
    order = [f"{kind}.{field}" for kind in sorted(kinds) for field in limit_fields(kinds[kind])]
    return [_target(name, chosen[name], kinds) for name in order if name in chosen]


def _known(name: str, kinds: Mapping[str, Any]) -> str:
    fields = [f"{kind}.{field}" for kind, stage in kinds.items() for field in limit_fields(stage)]
    if name not in fields:
        near = get_close_matches(name, fields, 1, 0.5)
        raise _refused(f"there is no limit {name!r}", f"did you mean {near[0]}?" if near else f"such as {fields[0]}")
    return name


def _target(name: str, method: str, kinds: Mapping[str, Any]) -> Target:
    kind, _, field = name.partition(".")
    alone = _with_rules(kinds[kind], (field,))
    nothing = pa.record_batch({"text": pa.array(["x"]), "language": pa.array(["und"])})
    rule = next(rule.name for rule in alone.rules(nothing, alone.open()) if rule.limit is not None)
    english = kinds[kind].model_fields[field].default
    if english is None and method != "tail":
        raise _refused(f"{name} has no limit for English to start from", f"write {name}=tail")
    return Target(kind, field, method, rule, None if english is None else float(english))


def _with_rules(kind: Any, fields: Any) -> AdaptiveFilter:
    """The filter with the rules of these fields on and all others off, which measures all that they compare."""
    limits: dict[str, int | None] = {**dict.fromkeys(limit_fields(kind)), **dict.fromkeys(fields, 0)}
    stage = kind.model_construct(mode="tag", **limits)
    assert isinstance(stage, AdaptiveFilter)
    return stage


def _refused(what: str, mend: str) -> PipelineError:
    return PipelineError(Fault("textmill fit thresholds", f"--method: {what}", mend))
