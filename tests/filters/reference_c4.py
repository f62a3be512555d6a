"""C4's rules once more, slow and obvious: what is left of a page, what is cut and why, and why a page goes.

Raffel et al. 2020, section 2.2, in datatrove's order. Sentences, of which there are many definitions, are not counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")


@dataclass(frozen=True, slots=True)
class Page:
    """What C4 makes of a page: the rule that drops it or its new text, and every piece cut out with the rule."""

    dropped_by: str | None
    text: str | None
    cuts: tuple[tuple[str, str], ...]


def c4(page: str) -> Page:
    kept, cuts = [], []
    for line in page.splitlines():
        stripped = line.strip()
        cleaned = CITATION.sub("", stripped)
        rule = line_rule(stripped, cleaned)
        if rule in ("lorem_ipsum", "curly_bracket"):
            return Page(rule, None, ())
        if rule is None:
            kept.append(cleaned)
            cuts += [("citation", mark) for mark in CITATION.findall(stripped)]
        elif stripped:
            cuts.append((rule, stripped))
    return Page(None, "\n".join(kept).strip(), tuple(cuts))


def line_rule(line: str, cleaned: str) -> str | None:
    """The first rule that a line breaks; of those that drop the page too."""
    said = cleaned.lower()
    if any(len(word) > 1000 for word in line.split()):
        return "too_long_word"
    if not cleaned.endswith((".", "?", "!", '"', "'")) or cleaned.endswith("..."):
        return "no_terminal_punctuation"
    if len(line.split()) < 3:
        return "too_few_words"
    if "lorem ipsum" in said:
        return "lorem_ipsum"
    if "javascript" in said:
        return "javascript"
    if "{" in cleaned:
        return "curly_bracket"
    if any(phrase in said for phrase in POLICY):
        return "policy"
    return None
