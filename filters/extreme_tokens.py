"""Extreme tokens: a text that takes unusually many or few tokens for its length is seldom prose.

GneissWeb (https://arxiv.org/abs/2502.14907) found that tables of numbers, keys and broken encodings need many tokens
per character, long repeats and lists of names few. The idea behind the pieces: tokenizers are slower than linear on
long texts, and a cut every 20,000 characters moves the count by a token or two.
"""

from __future__ import annotations

from typing import Annotated, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from filters.limits import above, below, ratio
from stages.errors import StageError
from stages.stage import Filter
from stages.tokenize import Source
from stages.tokenizers import Tokenizer, open_tokenizer
from stages.verdicts import Rule

Limit = Annotated[float, Field(ge=0)]


class ExtremeTokens(Filter):
    """Drops documents by tokens per character; both limits are themselves allowed.

    | rule | drops when |
    |---|---|
    | `few_tokens` | tokens / characters < `min_per_character` |
    | `many_tokens` | tokens / characters > `max_per_character` |

    Characters are code points. Tokens are those of pieces of `piece` characters, without control tokens. The empty
    text is kept, and null in `extreme_tokens_per_character`, the column of mode `tag`. The default limits are
    GneissWeb's for documents in one of its categories; for others it asks 0.22 to 0.28. It counted with StarCoder's
    tokenizer: with another one fit them to a sample.
    """

    tokenizer: Source
    """A Hugging Face `tokenizer.json`, a model's `.gguf`, or a name: cl100k, o200k, o200k_harmony, llama3, qwen3."""
    min_per_character: Limit | None = 0.10
    """Tokens per character at least."""
    max_per_character: Limit | None = 0.50
    """Tokens per character at most."""
    piece: Annotated[int, Field(ge=1)] = 20_000
    """Characters that are tokenized at once."""

    @model_validator(mode="after")
    def _limits_make_sense(self) -> Self:
        low, high = self.min_per_character, self.max_per_character
        if low is None and high is None:
            raise ValueError("sets no limit: give min_per_character, max_per_character, or both")
        if low is not None and high is not None and low > high:
            raise ValueError(f"min_per_character ({low}) is above max_per_character ({high}): nothing would be kept")
        return self

    def measures(self) -> tuple[str, ...]:
        return ("per_character",)

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the tokenizer: it cannot be loaded."""
        try:
            open_tokenizer(self.tokenizer)
        except StageError as error:
            return [str(error).replace("\n    mend: ", "; ")]
        return []

    def open(self) -> Tokenizer:
        """The loaded tokenizer. Raises StageError for a file that is none."""
        return open_tokenizer(self.tokenizer)

    def rules(self, batch: pa.RecordBatch, tools: Tokenizer) -> list[Rule]:
        # Tokenizers take Python's strings, so that the loop over documents is theirs anyway.
        texts = [text or "" for text in batch["text"].to_pylist()]
        pieces = [text[at : at + self.piece] for text in texts for at in range(0, len(text), self.piece)]
        characters = np.array([len(text) for text in texts], np.int64)
        edges = np.concatenate(([0], np.cumsum(-(-characters // self.piece))))
        tokens = np.diff(tools.encode(pieces).offsets[edges])
        measured = ratio(tokens, characters)
        return [
            *below("few_tokens", measured, self.min_per_character, "per_character"),
            *above("many_tokens", measured, self.max_per_character, "per_character"),
        ]
