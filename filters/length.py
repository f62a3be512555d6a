"""Length: the cheapest filter, by characters, words or bytes of text."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from filters.adaptive import AdaptiveFilter
from filters.limits import above, below
from stages.fields import Count, Size
from stages.verdicts import Rule

_UNITS: Final = ("characters", "words", "bytes")


class Length(AdaptiveFilter):
    """Drops documents whose text is too short or too long.

    Rules in order: `too_few_characters`, `too_many_characters`, `too_few_words`, `too_many_words`, `too_few_bytes`,
    `too_many_bytes`; each is off while its limit is null, and both limits are themselves allowed. Characters are code
    points, words are what lies between Unicode white space (`str.split`), bytes are UTF-8. A filter without any limit
    is refused.
    """

    min_characters: Annotated[Count, Field(ge=0)] | None = None
    """Fewer characters than this drop a document (SlimPajama: 200, of text without white space and punctuation)."""
    max_characters: Annotated[Count, Field(ge=0)] | None = None
    """More characters than this drop a document."""
    min_words: Annotated[Count, Field(ge=0)] | None = None
    """Fewer words than this drop a document."""
    max_words: Annotated[Count, Field(ge=0)] | None = None
    """More words than this drop a document."""
    min_bytes: Annotated[Size, Field(ge=0)] | None = None
    """Fewer bytes of UTF-8 than this drop a document."""
    max_bytes: Annotated[Size, Field(ge=0)] | None = None
    """More bytes of UTF-8 than this drop a document."""

    @model_validator(mode="after")
    def _limits_make_sense(self) -> Self:
        if all(low is None and high is None for low, high in map(self._limits, _UNITS)):
            raise ValueError("sets no limit: give at least one, such as min_characters: 200")
        for unit in _UNITS:
            low, high = self._limits(unit)
            if low is not None and high is not None and low > high:
                raise ValueError(f"min_{unit} ({low}) is above max_{unit} ({high}): every document would be dropped")
        return self

    def measures(self) -> tuple[str, ...]:
        return tuple(unit for unit in _UNITS if self._limits(unit) != (None, None))

    def open(self) -> Any:
        """The function that counts words, where words have a limit: it is compiled code."""
        if self._limits("words") == (None, None):
            return None
        from stages.kernels.words import count_words

        return count_words

    def rules(self, batch: pa.RecordBatch, tools: Any) -> list[Rule]:
        rules: list[Rule] = []
        for unit in _UNITS:
            low, high = self._limits(unit)
            if low is None and high is None:
                continue
            size = _sizes(batch["text"], unit, tools)
            rules += below(f"too_few_{unit}", size, low, unit)
            rules += above(f"too_many_{unit}", size, high, unit)
        return rules

    def _limits(self, unit: str) -> tuple[int | None, int | None]:
        return getattr(self, f"min_{unit}"), getattr(self, f"max_{unit}")


def _sizes(text: pa.Array, unit: str, count_words: Any) -> Any:
    """float64 per row."""
    if unit == "words":
        from stages.kernels.texts import texts_of

        return count_words(texts_of(text)).astype(np.float64)
    count = pc.utf8_length if unit == "characters" else pc.binary_length
    return pc.fill_null(count(text), 0).to_numpy(zero_copy_only=False).astype(np.float64)
