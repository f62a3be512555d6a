"""Sentence patterns and word lists of the village web, as text files: a list is a `[name]` and one entry a line."""

from __future__ import annotations

from functools import cache
from pathlib import Path

LANGUAGES = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "ru": "russian"}
"""The languages of the village, ISO 639-1, and the names of their files."""


@cache
def read_words(language: str) -> dict[str, list[str]]:
    """All lists of one `language` (the first part of the file names, such as `english`), merged by name.

    Raises KeyError when no file belongs to the language, and ValueError for an entry before the first list or a list
    that is there twice.
    """
    files = sorted(Path(__file__).parent.glob(f"{language}*.txt"))
    if not files:
        raise KeyError(f"no word lists for {language!r} beside {__file__}")
    lists: dict[str, list[str]] = {}
    for file in files:
        entries: list[str] | None = None
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith("[") and line.endswith("]"):
                if line[1:-1] in lists:
                    raise ValueError(f"{file.name}:{number}: the list {line} is there twice; merge the two")
                entries = lists.setdefault(line[1:-1], [])
            elif entries is None:
                raise ValueError(f"{file.name}:{number}: an entry before the first [name]; open a list first")
            else:
                entries.append(line)
    return lists
