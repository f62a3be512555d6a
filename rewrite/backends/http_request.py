"""One request to a server, from the first try to its end: a reply, or an error that says what went wrong.

Every try has a deadline for all of it, so that a server that drips bytes for ever is no different from a silent one;
every wait is capped; the number of tries is fixed. So each request ends.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import orjson

from rewrite.backends.http_answer import Fault, read_answer, told_safely
from rewrite.llm import Prompt, Reply, Sampling, failure, seed_of
from rewrite.models import HttpModel

if TYPE_CHECKING:
    import httpx

_CONNECT_SECONDS: Final = 30.0
_KNOCK: Final = Prompt("", "Say yes.", "")


class Door:
    """A server as requests see it: the connections, the key, and whether it was there the last time.

    Each lane (one of the requests side by side) has a client with one connection of its own: httpx looks through all
    connections of a client for every request, which took 6 ms of processor time with 32 of them, and 2 ms like this.
    """

    __slots__ = ("_clients", "_down", "_key", "_model")

    def __init__(self, model: HttpModel, key: str | None) -> None:
        self._model = model
        self._key = key
        self._down = False
        self._clients: dict[int, httpx.AsyncClient] = {}

    async def ask(self, prompt: Prompt, sampling: Sampling, lane: int) -> Reply:
        """The reply to a prompt, or what went wrong with the last of its tries."""
        found = await self._persist(prompt, sampling, lane)
        return found if isinstance(found, Reply) else failure(found.what)

    async def knock(self, seconds: float | None) -> Fault | None:
        """Ask for one token; what is wrong unless the server answers or is busy.

        `seconds`: of one single try; None tries as long as any request does.
        """
        sampling = Sampling(max_tokens=1)
        if seconds is None:
            found = await self._persist(_KNOCK, sampling, 0)
        else:
            body = orjson.dumps(_request(self._model, _KNOCK, sampling))
            found = await self._try(body, _KNOCK, seconds, 0)
        if isinstance(found, Reply) or found.kind == "busy":
            return None
        return found

    async def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def _persist(self, prompt: Prompt, sampling: Sampling, lane: int) -> Reply | Fault:
        """As many tries as the model allows.

        Once a request has used them up without a connection, the others get one each until the server is back.
        """
        body = orjson.dumps(_request(self._model, prompt, sampling))
        number = 0
        while isinstance(found := await self._try(body, prompt, self._model.timeout, lane), Fault):
            last = found.kind == "refused" or number == self._model.retries or (found.kind == "down" and self._down)
            if last:
                self._down = found.kind == "down"
                return replace(found, what=f"{found.what} (after {number + 1} tries)") if number else found
            await asyncio.sleep(wait_before(number, found.wait, self._model))
            number += 1
        self._down = False
        return found

    async def _try(self, body: bytes, prompt: Prompt, seconds: float, lane: int) -> Reply | Fault:
        """One try, `seconds` long at most."""
        found = await self._try_plainly(body, prompt, seconds, lane)
        return found if isinstance(found, Reply) else told_safely(found, self._key)

    async def _try_plainly(self, body: bytes, prompt: Prompt, seconds: float, lane: int) -> Reply | Fault:
        import httpx

        try:
            async with asyncio.timeout(seconds):
                return await self._post(body, prompt, lane)
        except TimeoutError:
            return Fault("busy", f"the server did not finish its answer within {seconds:g} seconds")
        except httpx.ConnectError as error:
            return Fault("down", f"no connection to {self._model.base_url}: {error}")
        except httpx.ConnectTimeout:
            return Fault("down", f"no connection to {self._model.base_url} within {_CONNECT_SECONDS:g} seconds")
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            return Fault("broken", f"the connection broke: {type(error).__name__}: {error}")

    async def _post(self, body: bytes, prompt: Prompt, lane: int) -> Reply | Fault:
        if lane not in self._clients:
            self._clients[lane] = _client(self._model, self._key)
        url = f"{self._model.base_url}/chat/completions"
        async with self._clients[lane].stream("POST", url, content=body) as response:
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


def _client(model: HttpModel, key: str | None) -> httpx.AsyncClient:
    import httpx

    address = httpx.URL(model.base_url)
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    return httpx.AsyncClient(
        headers=headers,
        timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=address.host not in ("127.0.0.1", "::1", "localhost"),
        # Reading the system's certificates takes a tenth of a second; without TLS none are needed.
        verify=_certificates() if address.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )


@cache
def _certificates() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


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
