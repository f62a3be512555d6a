"""Phrases by which a model's talk about its task gives itself away: openers, closers, refusals.

Rules of ours, collected from what instruction models say round the text that was asked for. They are looked for at the
start (and closers at the end) alone, so that a document about such phrases is not harmed by quoting them.
"""

from __future__ import annotations

import re
from typing import Final

_HEAD: Final = 300
_OWN: Final = r"(?:paraphras\w*|re-?writ\w*|rephras\w*|reworded|(?:improved|revised|simplified|simpler)\s+\w+|version)"
_NOUN: Final = rf"(?:{_OWN}|text|passage|summary|table|tutorial|list|faq|answers?|questions?|q\s?&\s?a|pairs?|problem)"
_HERE: Final = r"(?:here(?:'|’)?s|here\s+(?:is|are)|below\s+(?:is|are)|the\s+following\s+(?:is|are))\b"
_OPENER: Final = re.compile(
    r"\A\s*(?:[*_#>]{1,3}\s*)?(?:"
    r"(?:sure|certainly|of\s+course|absolutely|okay|ok|no\s+problem)(?:\s+thing)?(?:[!.:]\s*|,\s+(?=here|i\b|below))"
    rf"|{_HERE}[^\n:]{{0,120}}?\b{_OWN}\b[^\n:]{{0,120}}:[*_]{{0,3}}\s*"
    rf"|{_HERE}[^\n:]{{0,120}}?\b{_NOUN}\b[^\n:]{{0,120}}:[*_]{{0,3}}[ \t]*\n\s*"
    rf"|(?:the\s+|my\s+|your\s+)?(?:paraphrased|rewritten|rephrased)\s+{_NOUN}\s*:[*_]{{0,3}}\s*"
    r")",
    re.IGNORECASE,
)
_CLOSER: Final = re.compile(
    r"(?:\n\s*(?:[-*_]{3,}\s*)?)(?:i\s+hope\s+(?:this|that|it)\b|(?:please\s+)?let\s+me\s+know\b|feel\s+free\s+to\s+(?:ask|reach)\b"
    r"|(?:is|would)\s+there\s+anything\s+else\b|if\s+you\s+(?:need|have|want|would\s+like)\b[^\n]{0,80}\blet\s+me\s+know\b"
    r"|note:\s+(?:i|this\s+(?:is\s+a\s+)?(?:paraphras|rewrit|version|summary))\b)[^\n]*\s*\Z",
    re.IGNORECASE,
)
_REFUSAL: Final = re.compile(
    r"\bas\s+an?\s+(?:ai|artificial\s+intelligence|large\s+language|language)\b"
    r"|\bi\s*(?:'|’)?a?m\s+(?:only\s+|just\s+)?an?\s+(?:ai|language\s+model|large\s+language\s+model)\b"
    r"|\A\W*i(?:\s+a|'|’)m\s+(?:really\s+|very\s+|so\s+)?sorry\b[^\n.]{0,80}\b(?:can(?:'|’)?t|cannot|can\s+not|unable|not\s+able|don(?:'|’)t)\b"
    r"|\A\W*(?:sorry|apologies|i\s+apologi[sz]e)\b[^\n.]{0,80}\b(?:can(?:'|’)?t|cannot|can\s+not|unable|not\s+able|don(?:'|’)t)\b"
    r"|\A\W*i\s+(?:can(?:'|’)?t|cannot|can\s+not|won(?:'|’)t|am\s+unable\s+to|am\s+not\s+able\s+to)\s+"
    r"(?:help|assist|provide|complete|fulfil|rewrite|paraphrase|rephrase|answer|comply|do|create|generate|write)\b"
    r"|\A\W*(?:please\s+(?:provide|share|send|paste)|could\s+you\s+(?:please\s+)?(?:provide|share))\b[^\n.]{0,60}"
    r"\b(?:text|document|passage|article|content)\b"
    r"|\A\W*(?:als\s+(?:ki|sprachmodell)|en\s+tant\s+qu(?:e|')\s*(?:ia|mod[èe]le|intelligence)|como\s+(?:una?\s+)?"
    r"(?:ia|modelo\s+de\s+lenguaje)|как\s+(?:языковая\s+модель|ии))"
    r"|\A\W*(?:作为(?:一个|一名)?(?:人工智能|ai|语言模型)|抱歉，|很抱歉|申し訳(?:ありません|ございません))",
    re.IGNORECASE,
)


def is_refusal(reply: str) -> bool:
    """Whether the reply's start refuses, apologizes, asks for the text, or speaks of being a model."""
    return _REFUSAL.search(reply.strip()[:_HEAD]) is not None


def without_openers(reply: str) -> str:
    """The reply without the openers at its start, the closer at its end, and white space round it."""
    text = reply.strip()
    for _ in range(2):
        found = _OPENER.match(text[:_HEAD])
        if found is None:
            break
        text = text[found.end() :].lstrip()
    tail = max(0, len(text) - _HEAD)
    closer = _CLOSER.search(text, tail)
    return text[: closer.start()].rstrip() if closer else text
