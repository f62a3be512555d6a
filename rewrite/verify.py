"""Judges what a model wrote against what it was given: each limit is a rule, each rule stands in the ledger.

The idea: a reply is not true because it is fluent, but most bad ones give themselves away: by an opener that talks
about the task, by a loop, by the prompt's own words, by another language or length, by lost numbers. Every rule is a
comparison of one measured value with one limit (`Verify`), and switched off by null or false.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from rewrite.openers import is_refusal, without_openers
from rewrite.traits import copied_share, kept_numbers, main_script, repeated_share, script_share
from stages.fields import Share
from stages.verdicts import Rule, Verdicts, first_failure

if TYPE_CHECKING:
    from stages.kernels.fasttext_model import FastText

_SURE: Final = 0.5
_TELLING: Final = 80


class Verify(BaseModel):
    """What replies are held to. Lengths, languages and numbers are compared with the text that was to be rewritten."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    refusals: bool = True
    """Whether replies that refuse, apologize or speak of being a model are dropped (rule `refusal`)."""
    meta: Literal["strip", "drop", "keep"] = "strip"
    """What becomes of openers and closers that talk about the task, such as `Here is a paraphrase:` (rule `meta`)."""
    min_length_ratio: Annotated[float, Field(ge=0)] | None = 0.1
    """Characters of the reply per character of the source, at least (rule `short_reply`)."""
    max_length_ratio: Annotated[float, Field(gt=0)] | None = 8.0
    """Characters of the reply per character of the source, at most (rule `long_reply`)."""
    max_repeated: Share | None = 0.3
    """Share of word 8-grams that occurred before in the reply, at most (rule `loops`)."""
    max_copied_prompt: Share | None = 0.1
    """Share of the reply's word 8-grams that stand in the prompt's fixed part, at most (rule `copied_prompt`)."""
    min_script: Share | None = 0.5
    """Share of the reply's letters that are of the source's main script, at least (rule `other_script`)."""
    min_language: Share | None = 0.15
    """Probability that the reply is in the source's language, at least, by lid.176 (rule `other_language`). Judged
    where both have 80 characters and the source's language is certain by half."""
    min_numbers: Share | None = None
    """Share of the source's different numbers that the reply has too, at least (rule `numbers_lost`)."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What judging takes: the limits, and the prompt's fixed part."""

    limits: Verify
    prompt: str


@cache
def language_model() -> FastText:
    """The model that tells languages, loaded once per process. Raises StageError where it is missing."""
    from stages.kernels.fasttext_model import read_model
    from stages.languages.identifiers import bundled_model

    return read_model(bundled_model())


def tidied(limits: Verify, reply: str) -> str:
    """The reply without white space round it and, where wanted, without talk about the task."""
    return without_openers(reply) if limits.meta == "strip" else reply.strip()


def judged(judge: Judge, sources: Sequence[str], replies: Sequence[str]) -> Verdicts:
    """One verdict per tidied reply: the first rule it breaks, in the order of the fields of `Verify`."""
    limits = judge.limits
    rules = [Rule("empty_reply", _mask(not reply for reply in replies))]
    if limits.refusals:
        rules.append(Rule("refusal", _mask(map(is_refusal, replies))))
    if limits.meta == "drop":
        rules.append(Rule("meta", _mask(without_openers(reply) != reply for reply in replies)))
    ratio = np.array([len(reply) / max(1, len(source)) for source, reply in zip(sources, replies)], np.float64)
    rules += _below("short_reply", ratio, limits.min_length_ratio)
    rules += _above("long_reply", ratio, limits.max_length_ratio)
    if limits.max_repeated is not None:
        rules += _above("loops", _numbers(map(repeated_share, replies)), limits.max_repeated)
    if limits.max_copied_prompt is not None:
        copied = _numbers(copied_share(judge.prompt, source, reply) for source, reply in zip(sources, replies))
        rules += _above("copied_prompt", copied, limits.max_copied_prompt)
    if limits.min_script is not None:
        kept = _numbers(script_share(main_script(source), reply) for source, reply in zip(sources, replies))
        rules += _below("other_script", kept, limits.min_script)
    if limits.min_language is not None:
        rules += _below("other_language", _same_language(sources, replies), limits.min_language)
    if limits.min_numbers is not None:
        rules += _below("numbers_lost", _numbers(map(kept_numbers, sources, replies)), limits.min_numbers)
    return first_failure(len(replies), rules)


def _same_language(sources: Sequence[str], replies: Sequence[str]) -> npt.NDArray[np.float64]:
    """The probability that each reply is in its source's language; NaN where that cannot be told."""
    import pyarrow as pa

    from stages.kernels.fasttext_predict import probabilities
    from stages.kernels.texts import texts_of

    model = language_model()
    before, known = probabilities(model, texts_of(pa.array(sources, pa.string())))
    after, told = probabilities(model, texts_of(pa.array(replies, pa.string())))
    best = before.argmax(1)
    rows = np.arange(len(best))
    long = _mask(min(len(source), len(reply)) >= _TELLING for source, reply in zip(sources, replies))
    sure = known & told & long & (before[rows, best] >= _SURE)
    return np.where(sure, after[rows, best].astype(np.float64), np.nan)


def _below(name: str, value: npt.NDArray[np.float64], limit: float | None) -> list[Rule]:
    return [] if limit is None else [Rule(name, value < limit, value, limit)]


def _above(name: str, value: npt.NDArray[np.float64], limit: float | None) -> list[Rule]:
    return [] if limit is None else [Rule(name, value > limit, value, limit)]


def _mask(values: Iterable[bool]) -> npt.NDArray[np.bool_]:
    return np.fromiter(values, np.bool_)


def _numbers(values: Iterable[float | None]) -> npt.NDArray[np.float64]:
    """NaN, which no limit fails, where there is nothing to measure."""
    return np.array([np.nan if value is None else value for value in values], np.float64)
