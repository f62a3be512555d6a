"""Puts a document into a prompt so that it stays a document: it cannot end its slot, change parsing or play the chat.

    <document-8d1f0c92a4e6b357>
    … the text …
    </document-8d1f0c92a4e6b357>

The idea: the tags carry a mark that is a hash of the text between them, so no text can contain its own; answers that
are parsed stand between tags with the same mark. Text enters templates as a value, after rendering has begun, so
template syntax in it is text. Special tokens of chat templates (`<|im_end|>`, `[INST]`, `</s>`) are broken by a blank
behind their first character, because some servers read them as such even in a message; NUL becomes U+FFFD. What a model
answers is data: it is never rendered and never evaluated.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

_SPECIAL: Final = re.compile(
    r"<(?=[|｜])"  # <|im_start|>, <|endoftext|>, <|eot_id|>, <｜begin▁of▁sentence｜>
    r"|<(?=/?(?:s|bos|eos|pad|unk|mask|sep|cls|think|tool_call|tool_response|system|user|assistant)>)"
    r"|<(?=(?:start|end)_of_(?:turn|image|text)>)"
    r"|<(?=/?<?/?SYS>)"
    r"|\[(?=/?(?:INST|SYS|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|PREFIX|SUFFIX|MIDDLE|CLS|SEP|MASK)\])",
    re.IGNORECASE,
)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*")


def mark_of(text: str) -> str:
    """16 hex digits that the text does not contain; the same for the same text."""
    number = 0
    while True:
        mark = blake2b(f"{number}\0{text}".encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        if mark not in text.lower():
            return mark
        number += 1


def neutral(text: str) -> str:
    """The text with special tokens broken and without NUL, for a prompt; what a reader sees of it hardly changes."""
    return _SPECIAL.sub(lambda found: f"{found[0]} ", text).replace("\0", "\ufffd")


def tagged(name: str, mark: str, text: str) -> str:
    """The text between tags that carry the mark, each on a line of its own."""
    return f"<{name}-{mark}>\n{text.strip()}\n</{name}-{mark}>"


def between(name: str, mark: str, reply: str) -> str | None:
    """What stands between the only pair of such tags in a reply, or None."""
    start, end = f"<{name}-{mark}>", f"</{name}-{mark}>"
    if reply.count(start) != 1 or reply.count(end) != 1:
        return None
    inside = reply.partition(start)[2]
    return inside.partition(end)[0] if end in inside else None


def without_marks(mark: str, reply: str) -> str:
    """A reply without lines that repeat the tags of its document."""
    return re.sub(rf"(?m)^[ \t]*</?[a-z]+-{mark}>[ \t]*\n?", "", reply)


def plain_language(value: str | None) -> str:
    """A language code as prompts may show it; anything else, which an input could have brought, is left out."""
    return value if value is not None and _LANGUAGE.fullmatch(value) else "unknown"
