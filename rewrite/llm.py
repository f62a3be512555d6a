"""The seam to language models: `generate(prompts, sampling) -> replies`, whatever answers.

A stage builds prompts and reads replies; where the model runs (`rewrite/backends`) and which replies are known already
(`rewrite/replies.py`) is not its business. A request that cannot be answered is a reply too, with finish `error`, so
that one bad document never stops the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from rewrite.models import CpuModel, HttpModel, LlmModel
from stages.fields import Count
from stages.hashing import hash_text

Finish = Literal["stop", "length", "error"]


class Sampling(BaseModel):
    """How a model chooses its words; part of the key of every reply."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    max_tokens: Annotated[Count, Field(ge=1)] = 512
    """Tokens of an answer at most; one that reaches them has the finish `length`."""
    temperature: Annotated[float, Field(ge=0, le=10)] = 0.0
    """0 takes the likeliest token every time."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Choose among the likeliest tokens that together have this probability."""
    top_k: Annotated[int, Field(ge=1)] | None = None
    """Choose among this many likeliest tokens; null means all. Some servers know nothing of it."""
    seed: int = 0
    """Another seed gives other answers (temperature above 0); each prompt draws its own from it (`seed_of`)."""
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """An answer ends before any of these."""
    json_schema: dict[str, JsonValue] | None = None
    """A JSON Schema that answers must keep to; the model is held to it token by token."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request: the fixed part first, so that a server can share it between requests.

    `document`, `chunk`: whose rewrite it is; part of the reply's key, so that equal texts get replies of their own.
    """

    system: str
    user: str
    document: str
    chunk: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. With the finish `error` the text is empty and `error` says what happened, never with a key in it."""

    text: str
    finish: Finish
    prompt_tokens: int
    completion_tokens: int
    error: str | None = None


class Llm(Protocol):
    """A language model as stages see it."""

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Reply]:
        """One reply per prompt, in their order. No request raises; StageError when the model cannot be opened."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by the model's tokenizer; without one, one for three bytes, rounded up."""
        ...

    def context(self) -> int | None:
        """Tokens that prompt and answer may have together, if known."""
        ...

    def close(self) -> None:
        """Give back memory, connections and files; nothing may be asked afterwards."""
        ...


class Backend(Protocol):
    """A language model as the reply store sees it: replies come in the order they are ready, so none is lost."""

    def answers(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[tuple[int, Reply]]:
        """(number of the prompt, its reply), exactly one for each."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]: ...
    def context(self) -> int | None: ...
    def close(self) -> None: ...


def open_llm(model: LlmModel, replies: Path | None) -> Llm:
    """The model behind its reply store in the folder `replies` (made when it is missing); None keeps no replies.

    Nothing is loaded or connected before the first prompt whose reply is not stored. Raises StageError when the store
    cannot be opened.
    """
    from rewrite.stored import StoredLlm

    return StoredLlm(model, replies)


def problems(model: LlmModel) -> list[str]:
    """What is wrong with a model as far as can be told without loading it: no file, no library, no key; with mends."""
    if isinstance(model, CpuModel):
        from rewrite.backends.cpu import cpu_problems

        return cpu_problems(model)
    if isinstance(model, HttpModel):
        from rewrite.backends.http import http_problems

        return http_problems(model)
    from rewrite.backends.vllm import vllm_problems

    return vllm_problems(model)


def unreachable(model: LlmModel, seconds: float = 10.0) -> list[str]:
    """Why a server would not answer, from one request for a single token; nothing when it does, or is only slow.

    For backends without a server, nothing. `open_llm` asks the same before its first request, and raises StageError.
    """
    if not isinstance(model, HttpModel):
        return []
    from rewrite.backends.http import unreachable_server

    return unreachable_server(model, seconds)


def seed_of(prompt: Prompt, sampling: Sampling) -> int:
    """The seed of one request, 31 bits: a prompt draws the same whatever other prompts are in its batch."""
    return int(hash_text(str(sampling.seed), prompt.document, str(prompt.chunk))[:8], 16) >> 1


def failure(error: str) -> Reply:
    """The reply to a request that could not be answered."""
    return Reply("", "error", 0, 0, error)


def estimate_tokens(texts: Sequence[str]) -> list[int]:
    """Tokens where no tokenizer is at hand: one for 3 bytes, rounded up.

    More than most tokenizers make of prose (English: 4 to 5 bytes each), so that what is planned with it fits.
    """
    return [-(-len(text.encode("utf-8", "replace")) // 3) for text in texts]
