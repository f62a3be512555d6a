"""Scores of fastText classifiers as columns: how much a document is like what a model was trained to find.

The idea: score once, decide many times. A score is a column that rests beside the documents, and `filters.expression`
decides by it, so that moving a limit costs no second reading (DCLM keeps the tenth with the highest score of one such
model, https://arxiv.org/abs/2406.11794; Dolma 3 combines several by an expression).
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from stages.document import COLUMNS, with_column
from stages.errors import StageError
from stages.fields import ContentPath
from stages.models import Named
from stages.stage import Map

if TYPE_CHECKING:
    from pathlib import Path

    from stages.kernels.fasttext_model import FastText

_PREFIX = "__label__"


class FasttextModel(BaseModel):
    """A fastText classifier and the label whose probability is the score."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    fasttext: ContentPath
    """The model's file, `.bin` or `.ftz`."""
    label: Annotated[str, Field(min_length=1)]
    """The label whose probability is the score, with or without `__label__`."""
    newline: str = " "
    """What each newline becomes before the model reads the text: fastText reads one line at a time, so models are
    trained on texts without any. A blank for most models; write what the training of yours did."""
    punctuation: Literal["attached", "apart"] = "attached"
    """`apart` puts a blank round every punctuation mark and symbol before the model reads the text, as models of
    `textmill train fasttext` want it; write what the training of yours did."""
    max_chars: Annotated[int, Field(ge=1)] | None = None
    """Read this many characters from the start of the text at most; the whole text when left out."""


def _columns_beside_models(schema: dict[str, Any]) -> None:
    """The schema for editors: columns stand beside `models`, or in it."""
    schema["additionalProperties"] = schema["properties"]["models"]["additionalProperties"]
    schema.pop("required", None)


class Score(Map):
    """Adds one column per model: the probability of its label, from fastText classifiers.

    Written as columns with their models: `stages.score: {quality: raw_hq, spam: {fasttext: spam.bin, label: spam}}`,
    where `raw_hq` is the name of a model under `models`. All models are run in one pass over the documents.

    Each column is float32, 0 to 1: the probability that fastText's own `predict` gives, which may exceed 1 there and
    does not here. It is null where the model has nothing to read: no text, no word in it, or no word it knows anything
    of. A column of the same name in the input is replaced.
    """

    model_config = ConfigDict(json_schema_extra=_columns_beside_models)

    models: Annotated[dict[str, Named[FasttextModel]], Field(min_length=1)]
    """The columns with their models; all other keys of the stage are such columns too."""

    @model_validator(mode="before")
    @classmethod
    def _columns_as_keys(cls, values: Any) -> Any:
        """Take every key but `models` for a column."""
        if not isinstance(values, Mapping):
            return values
        columns = {name: model for name, model in values.items() if name != "models"}
        told = values.get("models", {})
        if not isinstance(told, Mapping):
            return values
        twice = [name for name in columns if name in told]
        if twice:
            raise ValueError(f"the column {twice[0]!r} has two models; keep one of them")
        if not columns and not told:
            raise ValueError("it names no column; write one with its model, such as {quality: raw_hq}")
        return {"models": {**told, **columns}}

    @model_validator(mode="after")
    def _columns_are_free(self) -> Score:
        """Refuse names that mean something else."""
        for name in self.models:
            if not name or name.startswith("_") or name in COLUMNS:
                raise ValueError(f"the column {name!r} means something else; call the score otherwise")
        return self

    def adds(self) -> Mapping[str, pa.DataType]:
        return dict.fromkeys(self.models, pa.float32())

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the models' files and labels; reads their dictionaries alone."""
        from stages.kernels.fasttext_file import read_labels

        found = []
        for column, model in self.models.items():
            try:
                fault = _label_fault(model, read_labels(model.fasttext))
            except StageError as error:
                fault = str(error).partition("\n")[0]
            if fault:
                found.append(f"{column}: {fault}")
        return found

    def open(self) -> Mapping[Path, FastText]:
        """The models by file. Raises StageError for a file that is none, and for a label that it does not have."""
        from stages.kernels.fasttext_model import read_model

        opened = {file: read_model(file) for file in dict.fromkeys(model.fasttext for model in self.models.values())}
        for column, model in self.models.items():
            fault = _label_fault(model, opened[model.fasttext].labels)
            if fault:
                raise StageError(f"stages.score: {column}: {fault}")
        return opened

    def map(self, batch: pa.RecordBatch, tools: Mapping[Path, FastText]) -> pa.RecordBatch:
        from stages.kernels.fasttext_predict import probabilities
        from stages.kernels.texts import texts_of

        answers: dict[tuple[Path, str, str, int | None], tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]] = {}
        for column, model in self.models.items():
            key = (model.fasttext, model.newline, model.punctuation, model.max_chars)
            if key not in answers:
                text = _as_read(batch["text"], model)
                answers[key] = probabilities(tools[model.fasttext], texts_of(text))
            chances, known = answers[key]
            score = chances[:, tools[model.fasttext].labels.index(_bare(model.label))]
            batch = with_column(batch, column, pa.array(score, pa.float32(), mask=~known | np.isnan(score)))
        return batch


def _as_read(text: pa.StringArray, model: FasttextModel) -> pa.StringArray:
    """The texts as the model reads them. A newline is a blank to the kernels anyway."""
    if model.max_chars is not None:
        text = pc.utf8_slice_codeunits(text, 0, model.max_chars)
    if model.newline not in (" ", "\n"):
        text = pc.replace_substring(text, "\n", model.newline)
    return apart(text) if model.punctuation == "apart" else text


def apart(text: pa.StringArray | pa.StringScalar) -> pa.StringArray | pa.StringScalar:
    """Texts with a blank on both sides of every punctuation mark and symbol.

    Those of Unicode's categories P and S, but for connectors such as `_`, which are parts of names.
    """
    return pc.replace_substring_regex(text, r"([\p{Pd}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}\p{S}])", r" \1 ")


def _label_fault(model: FasttextModel, labels: tuple[str, ...]) -> str:
    """What is wrong with the label; nothing when the model has it."""
    label = _bare(model.label)
    if label in labels:
        return ""
    near = get_close_matches(label, labels, 1, 0.5)
    listed = ", ".join(labels[:8]) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")
    mend = f"did you mean {near[0]!r}?" if near else f"it has {listed}"
    return f"{model.fasttext} has no label {label!r}; {mend}"


def _bare(label: str) -> str:
    return label.removeprefix(_PREFIX)
