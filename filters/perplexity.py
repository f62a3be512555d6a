"""Perplexity: how surprised an n-gram model of good text is by a document.

CCNet (Wenzek et al. 2020, https://arxiv.org/abs/1911.00359) trains a 5-gram model on each language's Wikipedia, and
cuts the crawl into head, middle and tail by the terciles of its perplexities. KenLM (https://kheafield.com/code/kenlm)
scores the lines; the idea is to count as CCNet does, so that its models and cut-offs can be used as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from filters.kenlm_models import Scorer, as_ccnet, check_kenlm, open_kenlm, open_pieces
from filters.limits import above, below
from stages.errors import StageError
from stages.fields import ContentPath
from stages.languages.labels import UNDETERMINED
from stages.models import Named
from stages.stage import Filter
from stages.verdicts import Rule

Bucket = Literal["head", "middle", "tail"]
Limit = Annotated[float, Field(gt=0)]

ANY: Final = "*"
_BUCKETS: Final = ("head", "middle", "tail")


class LanguageModel(BaseModel):
    """A KenLM model with what belongs to it: its pieces of words, and the limits of its perplexities."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    kenlm: ContentPath
    """The model's file, in KenLM's binary format or ARPA."""
    sentencepiece: ContentPath | None = None
    """The SentencePiece model whose pieces it was trained on; words between blanks when left out."""
    min_perplexity: Limit | None = None
    """Documents below are dropped; often lists and boilerplate."""
    max_perplexity: Limit | None = None
    """Documents above are dropped."""
    terciles: tuple[Limit, Limit] | None = None
    """The two perplexities between head, middle and tail; CCNet publishes them for each of its models."""

    @model_validator(mode="after")
    def _limits_ascend(self) -> Self:
        for low, high in ((self.min_perplexity, self.max_perplexity), self.terciles or (None, None)):
            if low is not None and high is not None and low > high:
                raise ValueError(f"the lower limit ({low}) is above the upper one ({high})")
        return self


class Perplexity(Filter):
    """Drops documents by their perplexity under a model of their language, or tells it and the bucket it falls in.

    Perplexity is 10 ^ (-log10 p / n) over all lines but blank ones, p being that of a line with its end and n its words
    or pieces and one for the end. Lines are made ready as CCNet does: lower case, no accents, digits as 0, punctuation
    in ASCII, no control characters. (CCNet does so to the whole text where it cuts pieces, which glues lines together;
    here they stay apart. It rounds to one digit; nothing is rounded here.)

    | rule | drops when |
    |---|---|
    | `low_perplexity` | perplexity < the model's `min_perplexity` |
    | `high_perplexity` | perplexity > the model's `max_perplexity` |
    | `bucket` | its bucket is not in `keep`: value = perplexity, limit = the border that it crosses |

    A document is in `head` up to the first tercile, in `middle` up to the second, else in `tail`. One whose language
    has no model, or that has no words, is kept. Mode `tag` writes `perplexity_rule`, `perplexity_value` (float64) and
    `perplexity_bucket` (string).

    Needs `pip install "textmill[perplexity]"`; kenlm is compiled while it installs, with a C++ compiler and CMake.
    """

    models: Annotated[dict[str, Named[LanguageModel]], Field(min_length=1)]
    """The model of each label in the column `language`; `*` is the one of all other documents."""
    keep: Annotated[tuple[Bucket, ...], Field(min_length=1)] | None = None
    """Buckets to keep, such as `[head, middle]`; every model needs `terciles` then."""
    normalize: Literal["ccnet", "none"] = "ccnet"
    """How lines are made ready for the model; `none` leaves them as they are."""

    @model_validator(mode="after")
    def _decides_something(self) -> Self:
        bare = [name for name, model in self.models.items() if model.terciles is None]
        if self.keep is not None and bare:
            raise ValueError(f"the model of {bare[0]!r} has no terciles, so that `keep` cannot tell its buckets")
        limits = [model.min_perplexity or model.max_perplexity for model in self.models.values()]
        if self.mode == "drop" and self.keep is None and not any(limits):
            raise ValueError("sets no limit: give models min_perplexity or max_perplexity, give keep, or use mode: tag")
        if self.keep is not None and "middle" not in self.keep and len(self.keep) == 2:
            raise ValueError("head and tail without middle: a bucket that is left out must be at an end")
        return self

    def needs(self) -> tuple[str, ...]:
        return ("text",) if list(self.models) == [ANY] else ("text", "language")

    def adds(self) -> Mapping[str, pa.DataType]:
        if self.mode == "drop":
            return {}
        return {
            "perplexity_rule": pa.string(),
            "perplexity_value": pa.float64(),
            "perplexity_bucket": pa.string(),
        }

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the models' files, told without loading what is large."""
        faults = []
        for name, model in self.models.items():
            try:
                check_kenlm(model.kenlm)
                open_pieces(model.sentencepiece)
            except StageError as error:
                faults.append(f"{name}: {str(error).replace('filters.perplexity: ', '')}".replace("\n    mend: ", "; "))
        return faults

    def open(self) -> dict[str, Scorer]:
        """The loaded models by label. Raises StageError for a file that is none and for libraries that are missing."""
        return {
            name: Scorer(open_kenlm(model.kenlm), open_pieces(model.sentencepiece))
            for name, model in self.models.items()
        }

    def rules(self, batch: pa.RecordBatch, tools: dict[str, Scorer]) -> list[Rule]:
        labels = self._labels(batch)
        return self._rules(labels, self._measured(batch, labels, tools))

    def tags(self, batch: pa.RecordBatch, tools: dict[str, Scorer]) -> list[pa.Array]:
        labels = self._labels(batch)
        measured = self._measured(batch, labels, tools)
        names = [None if at < 0 else _BUCKETS[at] for at in self._buckets(labels, measured).tolist()]
        rule = pa.nulls(len(labels), pa.string())
        for one in reversed(self._rules(labels, measured)):
            rule = pc.if_else(pa.array(one.fails), one.name, rule)
        return [rule, pa.array(measured, pa.float64(), mask=np.isnan(measured)), pa.array(names, pa.string())]

    def _rules(self, labels: list[str | None], measured: npt.NDArray[np.float64]) -> list[Rule]:
        rules = [
            *below("low_perplexity", measured, self._each(labels, lambda model: model.min_perplexity), "value"),
            *above("high_perplexity", measured, self._each(labels, lambda model: model.max_perplexity), "value"),
        ]
        if self.keep is not None:
            bucket = self._buckets(labels, measured)
            wanted = [_BUCKETS.index(name) for name in self.keep]
            first, last = min(wanted), max(wanted)
            low = self._each(labels, lambda model: (model.terciles or (None, None))[max(first - 1, 0)])
            high = self._each(labels, lambda model: (model.terciles or (None, None))[min(last, 1)])
            fails = (bucket >= 0) & ((bucket < first) | (bucket > last))
            rules.append(Rule("bucket", fails, measured, np.where(bucket < first, low, high), "value"))
        return rules

    def _labels(self, batch: pa.RecordBatch) -> list[str | None]:
        """The key in `models` for each document, None where there is none."""
        known = {name: name for name in self.models}
        if list(self.models) == [ANY]:
            return [ANY] * batch.num_rows
        languages = pc.fill_null(batch["language"], UNDETERMINED).to_pylist()
        return [known.get(language, known.get(ANY)) for language in languages]

    def _measured(
        self, batch: pa.RecordBatch, labels: list[str | None], tools: dict[str, Scorer]
    ) -> npt.NDArray[np.float64]:
        # A loop over documents: KenLM takes one line at a time.
        ready = as_ccnet if self.normalize == "ccnet" else str
        pairs = zip(batch["text"].to_pylist(), labels)
        return np.array(
            [np.nan if label is None else tools[label].perplexity(text or "", ready) for text, label in pairs],
            np.float64,
        )

    def _buckets(self, labels: list[str | None], measured: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """0, 1, 2 for head, middle and tail; -1 where nothing was measured or there are no terciles."""
        first = self._each(labels, lambda model: model.terciles and model.terciles[0])
        second = self._each(labels, lambda model: model.terciles and model.terciles[1])
        known = ~np.isnan(measured) & ~np.isnan(first)
        return np.where(known, (measured > first).astype(np.int64) + (measured > second), -1)

    def _each(
        self, labels: list[str | None], limit: Callable[[LanguageModel], float | None]
    ) -> npt.NDArray[np.float64]:
        """A limit of each document's model, NaN where it has none."""
        known = {name: limit(model) for name, model in self.models.items()}
        return np.array([np.nan if (found := known.get(label or "")) is None else found for label in labels])
