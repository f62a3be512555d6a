"""Language rules: which languages a corpus keeps, and how sure of each the identifier must have been.

The idea: identifying a language is dear and done once (`stages.language` writes two columns); what is kept is decided
here, so that a floor can be moved without reading a text again. FineWeb2 gives each language a floor of its own, the
median of its scores less one standard deviation, between 0.3 and 0.9 (https://arxiv.org/abs/2506.20920).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator, model_validator

from stages.fields import Share
from stages.language import UNDETERMINED
from stages.stage import Filter
from stages.verdicts import Rule, Verdicts

Labels = Annotated[tuple[str, ...], Field(min_length=1)]

_LABEL: Final = re.compile(r"[^\s_]+(_[^\s_]+)*")


class Language(Filter):
    """Drops documents by the columns `language` and `language_score`, as `stages.language` or the input gives them.

    Rules in order; the message names the language:

    | rule | drops when | value | limit |
    |---|---|---|---|
    | `language` | `keep` is given and does not have the label, or `drop` has it | none | none |
    | `language_score` | score < the language's floor | its score | the floor |

    Labels are those of the column. A label without a script stands for all scripts of its language (`srp` for
    `srp_Cyrl` and `srp_Latn`), and the exact label comes before it. A missing language is `und`; a missing score is
    below no floor. Scores are compared as float32, as they are stored, so that 0.65 is not below a floor of 0.65.
    """

    keep: Labels | None = None
    """Labels to keep, such as `[eng_Latn, deu]`; every language is kept when left out."""
    drop: Labels | None = None
    """Labels to drop, such as `[und]`; exact ones count before those without a script, in `keep` as well."""
    floors: dict[str, Share] = Field(default_factory=dict)
    """The least score of single languages, such as `{deu: 0.6, arb_Arab: 0.8}`."""
    floor: Share | None = None
    """The least score of all languages that `floors` does not name; FineWeb asks 0.65 of English."""

    @field_validator("keep", "drop")
    @classmethod
    def _are_labels(cls, labels: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for label in labels or ():
            _check_label(label)
        return labels

    @field_validator("floors")
    @classmethod
    def _floors_have_labels(cls, floors: dict[str, float]) -> dict[str, float]:
        for label in floors:
            _check_label(label)
        return floors

    @model_validator(mode="after")
    def _decides_something(self) -> Self:
        if self.keep is None and self.drop is None and self.floor is None and not self.floors:
            raise ValueError("keeps every document: give keep, drop, floors or floor, such as keep: [eng_Latn]")
        both = [label for label in self.keep or () if label in (self.drop or ())]
        if both:
            raise ValueError(f"{both[0]!r} stands in keep and in drop; take it out of one of them")
        return self

    def needs(self) -> tuple[str, ...]:
        scored = ("language_score",) if self.floors or self.floor is not None else ()
        return ("language", *scored)

    def uses(self) -> tuple[str, ...]:
        return ("language_score",)

    def rules(self, batch: pa.RecordBatch, tools: Any) -> list[Rule]:
        labels = pc.fill_null(batch["language"], UNDETERMINED).dictionary_encode()
        names, at = labels.dictionary.to_pylist(), labels.indices.to_numpy(zero_copy_only=False)
        score = _scores(batch)
        unwanted = np.array([not self._is_wanted(name) for name in names], np.bool_)
        rules = [Rule("language", unwanted[at])]
        if self.floors or self.floor is not None:
            floor = np.array([self._floor_of(name) for name in names], np.float64)[at]
            rules.append(Rule("language_score", score < floor.astype(np.float32), score.astype(np.float64), floor))
        return rules

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        found = super().judge(batch, tools)
        language = pc.fill_null(batch["language"], UNDETERMINED)
        message = pc.if_else(found.rule.is_valid(), language, pa.scalar(None, pa.string()))
        return Verdicts(found.rule, found.value, found.limit, message)

    def _is_wanted(self, label: str) -> bool:
        """Whether the language is one to keep: the exact label decides before the one without a script."""
        for name in (label, _bare(label)):
            if name in (self.drop or ()):
                return False
            if name in (self.keep or ()):
                return True
        return self.keep is None

    def _floor_of(self, label: str) -> float:
        """The least score of a language; NaN where there is none."""
        for name in (label, _bare(label)):
            if name in self.floors:
                return self.floors[name]
        return np.nan if self.floor is None else self.floor


def _scores(batch: pa.RecordBatch) -> Any:
    """float32 per row, NaN where there is no score."""
    if "language_score" not in batch.schema.names:
        return np.full(batch.num_rows, np.nan, np.float32)
    score = pc.cast(batch["language_score"], pa.float32(), safe=False)
    return pc.fill_null(score, np.nan).to_numpy(zero_copy_only=False)


def _bare(label: str) -> str:
    """The language without its script."""
    return label.partition("_")[0]


def _check_label(label: str) -> None:
    if not _LABEL.fullmatch(label):
        raise ValueError(f"{label!r} is no language label; write one such as eng_Latn, eng or en")
