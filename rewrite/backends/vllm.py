"""vLLM in the worker's process: one engine per worker, prompts in large batches.

vLLM pins its own torch and numba, so it lives in an environment of its own (docs/llm.md); nothing of it is imported
before a model is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from rewrite.llm import Prompt, Reply, Sampling, failure, seed_of
from rewrite.models import VllmModel
from stages.errors import StageError

_MEND = "install vLLM in an environment of its own (docs/llm.md; `make test-vllm` makes one), or use `llm: http`"


def vllm_problems(model: VllmModel) -> list[str]:
    """What is wrong with the library or the folder of weights, with the mend."""
    found = []
    if find_spec("vllm") is None:
        found.append(f"vLLM is not installed here; mend: {_MEND}")
    if model.path is not None and not (model.path / "config.json").is_file():
        found.append(f"the folder {model.path} has no config.json; mend: name a folder with weights in `path`")
    return found


def open_vllm(model: VllmModel) -> VllmLlm:
    """Start the engine: tens of seconds. Raises StageError with the mend when that fails."""
    wrong = vllm_problems(model)
    if wrong:
        raise StageError(f"the model {model.model} cannot answer: {'; '.join(wrong)}")
    try:
        from vllm import LLM

        engine = LLM(
            model=str(model.path or model.model),
            revision=None if model.path else model.revision,
            dtype=model.dtype,
            max_model_len=model.context,
            tensor_parallel_size=model.tensor_parallel,
            enforce_eager=model.eager,
            generation_config="vllm",
            disable_log_stats=True,
            **({"gpu_memory_utilization": model.gpu_memory} if model.gpus else {}),
        )
    except Exception as error:
        raise StageError(f"vLLM cannot open the model {model.model}: {type(error).__name__}: {error}") from error
    return VllmLlm(engine, model.batch)


class VllmLlm:
    """A `Backend` on vLLM's engine."""

    def __init__(self, engine: Any, batch: int) -> None:
        self._engine = engine
        self._batch = batch
        self._tokenizer = engine.get_tokenizer()

    def answers(self, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[tuple[int, Reply]]:
        """Replies batch by batch, in the order of the prompts; one that leaves no room for an answer gets an error."""
        for first in range(0, len(prompts), self._batch):
            yield from self._answer(first, prompts[first : first + self._batch], sampling)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text alone, without the words that the chat template puts round it."""
        return [len(self._tokenizer.encode(text, add_special_tokens=False)) for text in texts]

    def context(self) -> int:
        """Tokens of prompt and answer together."""
        limit: int = self._engine.llm_engine.model_config.max_model_len
        return limit

    def close(self) -> None:
        """End the engine and its processes."""
        shutdown = getattr(getattr(self._engine.llm_engine, "engine_core", None), "shutdown", None)
        if shutdown is not None:
            shutdown()
        self._engine = None

    def _answer(self, first: int, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[tuple[int, Reply]]:
        # vLLM refuses a whole batch for one long prompt, so these are told apart first.
        limit = self.context()
        fitting, chats = [], []
        for number, prompt in enumerate(prompts, first):
            chat = _messages(prompt)
            length = len(self._tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False))
            if length >= limit:
                yield number, failure(f"the prompt has {length} tokens, but the model takes {limit} in all")
                continue
            fitting.append((number, _parameters(prompt, sampling, limit - length)))
            chats.append(chat)
        if not chats:
            return
        outputs = self._engine.chat(chats, [parameters for _, parameters in fitting], use_tqdm=False)
        for (number, _), output in zip(fitting, outputs, strict=True):
            yield number, _reply(output)


def _messages(prompt: Prompt) -> list[dict[str, str]]:
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*system, {"role": "user", "content": prompt.user}]


def _parameters(prompt: Prompt, sampling: Sampling, room: int) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    schema = sampling.json_schema
    return SamplingParams(
        max_tokens=min(sampling.max_tokens, room),
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k or -1,
        seed=seed_of(prompt, sampling),
        stop=list(sampling.stop),
        structured_outputs=None if schema is None else StructuredOutputsParams(json=schema),
    )


def _reply(output: Any) -> Reply:
    choice = output.outputs[0]
    prompt_tokens = len(output.prompt_token_ids or ())
    if choice.finish_reason not in ("stop", "length"):
        return failure(f"vLLM ended the request with {choice.finish_reason!r}")
    return Reply(choice.text, choice.finish_reason, prompt_tokens, len(choice.token_ids))
