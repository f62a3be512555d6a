"""Makes a style ready to be asked in, and says what it costs, whether it fits, and what its documents carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from rewrite.budget import Ask
from rewrite.drafts import Draft, Prepared, Source, Writer
from rewrite.llm import open_llm
from rewrite.models import LlmModel, model_name
from rewrite.sizes import Cutter, Ruler
from rewrite.style import Style, fixed_part, prompt_hash, template_of
from rewrite.verify import Judge, language_model

ORIGIN: Final[Mapping[str, pa.DataType]] = {
    "text": pa.string(),
    "parent_id": pa.string(),
    "style": pa.string(),
    "model": pa.string(),
    "prompt_hash": pa.string(),
    "finish": pa.string(),
    "prompt_tokens": pa.int64(),
    "completion_tokens": pa.int64(),
}
"""The columns of a document that a model wrote."""


def prepare(name: str, style: Style, ruler: Ruler, **slots: str) -> Prepared:
    """A style with its template checked. `slots`: those of our own templates, with samples.

    Raises TemplateFault for a template that cannot be used.
    """
    template = template_of(style, **slots)
    fixed = fixed_part(style, template, **slots)
    [cost] = ruler.count([fixed])
    cutter = Cutter(ruler, style.max_input_tokens, style.min_input_tokens)
    return Prepared(name, style, template, Judge(style.verify, fixed), cutter, prompt_hash(style), cost)


def load_languages(styles: Sequence[Prepared]) -> None:
    """Load the model that tells languages now, where one of the styles needs it. Raises StageError."""
    if any(one.judge.limits.min_language is not None for one in styles):
        language_model()


def cost_of(prepared: Prepared, times: int = 1) -> Ask:
    """What the budget plans for each document."""
    return Ask(
        prompt_tokens=prepared.prompt_tokens,
        new_tokens=prepared.style.sampling.max_tokens,
        max_input_tokens=prepared.style.max_input_tokens,
        min_input_tokens=prepared.style.min_input_tokens,
        times=times,
    )


def fit_faults(prepared: Prepared, context: int | None) -> list[str]:
    """Whether a window, the prompt round it and the answer have room in the context together."""
    window, answer = prepared.style.max_input_tokens, prepared.style.sampling.max_tokens
    if context is None or context - prepared.prompt_tokens - answer > (window or 0):
        return []
    parts = [f"{prepared.prompt_tokens} tokens of prompt", f"{answer} of answer"]
    parts += [f"{window} of input"] if window else []
    fields = "sampling.max_tokens or max_input_tokens" if window else "sampling.max_tokens"
    mend = f"lower {fields}, or take a model with a larger context"
    return [f"{prepared.name}: {', '.join(parts)} do not fit in the model's context of {context}; {mend}"]


def open_writer(model: LlmModel, replies: Path | None, *, keep_truncated: bool) -> Writer:
    """The model behind its reply store; it loads at the first reply that is not stored."""
    llm = open_llm(model, replies)
    return Writer(llm, model, model_name(model), llm.context(), keep_truncated)


def sources_of(batch: pa.RecordBatch, admitted: str) -> list[Source]:
    """The documents of a batch to work on: all, or those that the column `admitted` marks where it is there."""
    rows = batch.num_rows
    languages = batch["language"].to_pylist() if "language" in batch.schema.names else [None] * rows
    inside = batch[admitted].to_pylist() if admitted in batch.schema.names else [True] * rows
    documents = zip(batch["id"].to_pylist(), batch["text"].to_pylist(), languages, inside)
    return [
        Source(row, id_, text or "", language) for row, (id_, text, language, asked) in enumerate(documents) if asked
    ]


def origin(parts: Sequence[Draft], prepared: Prepared, model: str) -> dict[str, Any]:
    """The columns that say where a new document is from."""
    return {
        "style": prepared.name,
        "model": model,
        "prompt_hash": prepared.prompt_hash,
        "finish": "length" if any(part.finish == "length" for part in parts) else "stop",
        "prompt_tokens": sum(part.prompt_tokens for part in parts),
        "completion_tokens": sum(part.completion_tokens for part in parts),
    }
