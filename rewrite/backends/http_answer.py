"""What a server's answer means: a reply, or a fault that says whether to try again and when.

Nothing here trusts the server: bodies are cut at a limit, JSON may be anything, and a key that it echoes is blacked
out.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

import orjson

from rewrite.llm import Reply, estimate_tokens

_LONGEST: Final = 300
_AGAIN: Final = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a try gave no reply.

    `kind`: `down` no connection · `busy` too slow, or told to come back later · `broken` the server's fault, may pass ·
    `refused` will not be otherwise the next time. `what` may hold whatever the server sent: it goes through
    `told_safely` before anybody sees it. `wait`: seconds that the server asked for.
    """

    kind: Literal["down", "busy", "broken", "refused"]
    what: str
    wait: float | None = None


def read_answer(status: int, headers: Mapping[str, str], body: bytes, prompt: str) -> Reply | Fault:
    """The reply in a whole answer, or what is wrong with it. `prompt` is for counts that the server omits."""
    if status == 200:
        return _read_reply(body, prompt)
    what = f"the server answered {status}: {body.decode('utf-8', 'replace')}"
    if status in _AGAIN:
        return Fault("busy", what, retry_after(headers.get("retry-after"), time.time()))
    if status >= 500:
        return Fault("broken", what, retry_after(headers.get("retry-after"), time.time()))
    return Fault("refused", what)


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds from now that a Retry-After names, as a number or an HTTP date (RFC 9110, 10.2.3); None for nonsense."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value.strip()[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def told_safely(fault: Fault, secret: str | None) -> Fault:
    """The same on one short line, without the key, should the server have echoed it."""
    what = fault.what.replace(secret, "[key]") if secret else fault.what
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in what[:65536]).split())
    return replace(fault, what=line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…")


def _read_reply(body: bytes, prompt: str) -> Reply | Fault:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Fault("broken", f"the answer is not JSON: {body.decode('utf-8', 'replace')}")
    choices = told.get("choices") if isinstance(told, dict) else None
    if not isinstance(choices, list) or not choices:
        return Fault("broken", f"the answer holds no choice: {body.decode('utf-8', 'replace')}")
    choice = choices[0]
    message = choice.get("message") if isinstance(choice, dict) else None
    text = message.get("content") if isinstance(message, dict) else 0
    if text is not None and not isinstance(text, str):
        return Fault("broken", f"the first choice holds no text: {body.decode('utf-8', 'replace')}")
    if choice.get("finish_reason") == "content_filter":
        return Fault("refused", "the server withheld the answer (content_filter)")
    finish: Literal["stop", "length"] = "length" if choice.get("finish_reason") == "length" else "stop"
    usage = told.get("usage")
    return Reply(text or "", finish, _count(usage, "prompt_tokens", prompt), _count(usage, "completion_tokens", text))


def _count(usage: Any, name: str, text: str | None) -> int:
    """The server's count, or an estimate where it gives none."""
    told = usage.get(name) if isinstance(usage, dict) else None
    if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < 2**31:
        return told
    return estimate_tokens([text or ""])[0]
