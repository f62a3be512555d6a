"""From the description of a model to the backend that runs it, and what can be said of it without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from rewrite.llm import Backend, estimate_tokens
from rewrite.models import CpuModel, HttpModel, LlmModel

Counter = Callable[[Sequence[str]], list[int]]


def open_backend(model: LlmModel) -> Backend:
    """Load or connect the model. Raises StageError with the mend when it cannot answer."""
    if isinstance(model, CpuModel):
        from rewrite.backends.cpu import open_cpu

        return open_cpu(model)
    if isinstance(model, HttpModel):
        from rewrite.backends.http import open_http

        return open_http(model)
    from rewrite.backends.vllm import open_vllm

    return open_vllm(model)


def stated_context(model: LlmModel) -> int | None:
    """Tokens of prompt and answer together, from the description, the head of a GGUF file or a `config.json`."""
    if isinstance(model, CpuModel):
        from rewrite.backends.gguf import read_head

        trained = read_head(model.path).context if model.path else None
        return min(model.context, trained or model.context)
    if isinstance(model, HttpModel) or model.context is not None or model.path is None:
        return model.context
    config = orjson.loads((model.path / "config.json").read_bytes())
    trained = config.get("max_position_embeddings") or config.get("text_config", {}).get("max_position_embeddings")
    return trained if isinstance(trained, int) else None


def token_counter(model: LlmModel) -> Counter | None:
    """What counts tokens without the backend; None where only the backend can."""
    if isinstance(model, HttpModel):
        return estimate_tokens if model.tokenizer is None else _by_tokenizer(model.tokenizer)
    if isinstance(model, CpuModel) or model.path is None or not (model.path / "tokenizer.json").is_file():
        return None
    return _by_tokenizer(model.path / "tokenizer.json")


def _by_tokenizer(file: Path) -> Counter:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ImportError(f"{file} cannot be used ({error}); mend: pip install 'textmill[tokenize]'") from error
    tokenizer = Tokenizer.from_file(str(file))

    def count(texts: Sequence[str]) -> list[int]:
        return [len(found.ids) for found in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    return count
