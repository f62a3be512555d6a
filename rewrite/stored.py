"""A model behind its reply store: what is stored is read, what is missing is asked, stored and read back.

The backend is opened at the first missing reply and not before, so a replay neither loads weights nor needs a server.
Replies are stored one by one as they arrive; failed requests are not, so that the next run asks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rewrite.backends.open import open_backend, stated_context, token_counter
from rewrite.llm import Backend, Prompt, Reply, Sampling, failure
from rewrite.models import LlmModel, model_identity
from rewrite.replies import ReplyStore, reply_key
from stages.errors import StageError


class StoredLlm:
    """The one `Llm` that stages hold, whatever the backend; without a folder it keeps no replies."""

    def __init__(self, model: LlmModel, folder: Path | None) -> None:
        self._model = model
        self._store = None if folder is None else ReplyStore(folder)
        self._backend: Backend | None = None
        try:
            self._identity = model_identity(model)
        except OSError as error:
            raise StageError(f"the model {model.llm} has no weights: {error}") from error

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling) -> list[Reply]:
        """One reply per prompt, in their order; equal requests are asked once.

        Raises StageError when the model cannot be opened, StoreError when a reply cannot be stored.
        """
        keys = [_key(self._identity, sampling, prompt) for prompt in prompts]
        asked = {key: prompt for key, prompt in zip(keys, prompts) if key is not None}
        replies = self._stored(list(asked))
        missing = [key for key in asked if key not in replies]
        if missing:
            replies |= self._ask(missing, [asked[key] for key in missing], sampling)
        return [failure("the prompt is not valid Unicode") if key is None else replies[key] for key in keys]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text; opens the backend only where nothing else can count."""
        count = token_counter(self._model)
        return self._open().count_tokens(texts) if count is None else count(texts)

    def context(self) -> int | None:
        """Tokens of prompt and answer together, as the description of the model states it; opens nothing."""
        return stated_context(self._model)

    def close(self) -> None:
        """Close the backend and the store."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None
        if self._store is not None:
            self._store.close()

    def _stored(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        if self._store is None:
            return {}
        return {key: reply for key, reply in zip(keys, self._store.find(keys)) if reply is not None}

    def _ask(self, keys: Sequence[bytes], prompts: Sequence[Prompt], sampling: Sampling) -> dict[bytes, Reply]:
        replies: dict[bytes, Reply] = {}
        try:
            for number, reply in self._open().answers(prompts, sampling):
                replies[keys[number]] = reply
                if self._store is not None and reply.finish != "error":
                    self._store.put(keys[number], reply)
        finally:
            if self._store is not None:
                self._store.flush()
        if self._store is None:
            return replies
        # Another worker may have stored an answer to the same request meanwhile: all use the one that counts.
        self._store.look_again()
        return replies | self._stored(keys)

    def _open(self) -> Backend:
        if self._backend is None:
            self._backend = open_backend(self._model)
        return self._backend


def _key(identity: dict[str, str], sampling: Sampling, prompt: Prompt) -> bytes | None:
    try:
        return reply_key(identity, sampling, prompt)
    except TypeError:
        return None
