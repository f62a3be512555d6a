"""One request to a server, from the first try to its end: a reply, or an error that says what went wrong.

Every try has a deadline for all of it, so that a server that drips bytes for ever is no different from a silent one;
every wait is capped; the number of tries is fixed. So each request ends.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from rewrite.backends.http_answer import Fault, blacked_out, read_answer
from rewrite.llm import Prompt, Reply, Sampling, failure, seed_of
from rewrite.models import HttpModel

if TYPE_CHECKING:
    import httpx

_CONNECT_SECONDS: Final = 30.0
_KNOCK: Final = Prompt("", "Say yes.", "")


class Door:
    """A server as requests see it: the connections, the key, and whether it was there the last time."""

    __slots__ = ("_client", "_down", "_key", "_model")

    def __init__(self, model: HttpModel, key: str | None) -> None:
        import httpx

        self._model = model
        self._key = key
        self._down = False
        here = httpx.URL(model.base_url).host in ("127.0.0.1", "::1", "localhost")
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        self._client = httpx.AsyncClient(
            headers=headers,
            timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=model.concurrency, max_keepalive_connections=model.concurrency),
            follow_redirects=False,
            trust_env=not here,
        )

    async def ask(self, prompt: Prompt, sampling: Sampling) -> Reply:
        """The reply to a prompt, or what went wrong with the last of its tries."""
        found = await self._persist(prompt, sampling)
        return found if isinstance(found, Reply) else blacked_out(failure(found.what), self._key)

    async def knock(self, seconds: float | None) -> Fault | None:
        """Ask for one token; what is wrong unless the server answers or is busy.

        `seconds`: of one single try; None tries as long as any request does.
        """
        sampling = Sampling(max_tokens=1)
        if seconds is None:
            found = await self._persist(_KNOCK, sampling)
        else:
            found = await self._try(orjson.dumps(_request(self._model, _KNOCK, sampling)), _KNOCK, seconds)
        if isinstance(found, Reply) or found.kind == "busy":
            return None
        return Fault(found.kind, blacked_out(failure(found.what), self._key).error or "")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _persist(self, prompt: Prompt, sampling: Sampling) -> Reply | Fault:
        """As many tries as the model allows.

        Once a request has used them up without a connection, the others get one each until the server is back.
        """
        body = orjson.dumps(_request(self._model, prompt, sampling))
        number = 0
        while isinstance(found := await self._try(body, prompt, self._model.timeout), Fault):
            last = found.kind == "refused" or number == self._model.retries or (found.kind == "down" and self._down)
            if last:
                self._down = found.kind == "down"
                return replace(found, what=f"{found.what} (after {number + 1} tries)") if number else found
            await asyncio.sleep(wait_before(number, found.wait, self._model))
            number += 1
        self._down = False
        return found

    async def _try(self, body: bytes, prompt: Prompt, seconds: float) -> Reply | Fault:
        """One try, `seconds` long at most."""
        import httpx

        try:
            async with asyncio.timeout(seconds):
                return await self._post(body, prompt)
        except TimeoutError:
            return Fault("busy", f"the server did not finish its answer within {seconds:g} seconds")
        except httpx.ConnectError as error:
            return Fault("down", f"no connection to {self._model.base_url}: {error}")
        except httpx.ConnectTimeout:
            return Fault("down", f"no connection to {self._model.base_url} within {_CONNECT_SECONDS:g} seconds")
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            return Fault("broken", f"the connection broke: {type(error).__name__}: {error}")

    async def _post(self, body: bytes, prompt: Prompt) -> Reply | Fault:
        url = f"{self._model.base_url}/chat/completions"
        async with self._client.stream("POST", url, content=body) as response:
            data = await _read(response, self._model.max_reply_bytes)
            if data is None:
                return Fault("refused", f"the answer is longer than {self._model.max_reply_bytes} bytes, or compressed")
            return read_answer(response.status_code, response.headers, data, prompt.system + prompt.user)


def wait_before(number: int, asked: float | None, model: HttpModel) -> float:
    """Seconds between try `number` and the next: doubled each time, or what the server asked for, with jitter, capped.

    The jitter keeps a crowd of requests that failed together from coming back together; no result depends on it.
    """
    if asked is not None:
        return min(model.max_wait, asked + random.uniform(0, model.backoff))
    return min(model.max_wait, model.backoff * 2.0 ** min(number, 30)) * random.uniform(0.5, 1.0)


async def _read(response: httpx.Response, limit: int) -> bytes | None:
    """The body, or None when it is longer than allowed or compressed although we asked for plain bytes."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        return None
    pieces, size = [], 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > limit:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _request(model: HttpModel, prompt: Prompt, sampling: Sampling) -> dict[str, Any]:
    """The body of a request; what is at its default and not everywhere known is left out."""
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    request: dict[str, Any] = {
        "model": model.model,
        "messages": [*system, {"role": "user", "content": prompt.user}],
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": seed_of(prompt, sampling),
    }
    if sampling.top_k is not None:
        request["top_k"] = sampling.top_k
    if sampling.stop:
        request["stop"] = list(sampling.stop)
    if sampling.json_schema is not None:
        schema = {"name": "answer", "strict": True, "schema": sampling.json_schema}
        request["response_format"] = {"type": "json_schema", "json_schema": schema}
    return request
