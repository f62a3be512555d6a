"""A limits file as text: the same fit gives the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from jobs.fit.corpora import Reading
from jobs.fit.thresholds import Fitted, Section
from jobs.version import textmill_version
from stages.limits_file import HEADER, VERSION

_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


def limits_text(fitted: Fitted) -> str:
    """The YAML of the file."""
    return "\n".join([*_head(fitted), *_sections("languages", fitted.languages), *_scripts(fitted)]) + "\n"


def _head(fitted: Fitted) -> Iterator[str]:
    settings = fitted.settings
    yield "# Limits by language, fitted by `textmill fit thresholds`. Nothing was drawn at random: the same files and"
    yield "# settings give the same bytes. To change a limit, edit it; null switches its rule off for the language."
    yield f"{HEADER}: {VERSION}"
    yield "fitted:"
    yield f"  textmill: {_text(textmill_version())}"
    yield f"  english: {_text(settings.english)}"
    yield f"  min_documents: {settings.min_documents}"
    yield f"  stop_word_share: {settings.stop_word_share!r}"
    yield "  methods:                       # by field, with the limit of English that it starts from"
    for target in fitted.targets:
        yield f"    {target.name}: {_flow({'method': target.method, 'english': target.english})}"
    yield from _reading("reference", fitted.reference)
    yield from _reading("web", fitted.web)
    if fitted.too_few:
        yield "  too_few:                       # languages without limits of their own; those of their script hold,"
        yield "                                 # where it has any, else the fields of the filter"
        for label, documents in fitted.too_few.items():
            script = label.partition("_")[2]
            judged = f"script {script}" if script in fitted.scripts else "none"
            yield f"    {_text(label)}: {_flow({'documents': documents, 'limits': judged})}"
    kept = {label: section.english_kept for label, section in fitted.languages.items() if section.english_kept}
    if kept:
        yield "  kept_english:                  # fields whose method finds no limit, so that the filter's own holds"
        for label, names in kept.items():
            yield f"    {_text(label)}: {_flow(names)}"


def _reading(name: str, reading: Reading) -> Iterator[str]:
    if not reading.files:
        return
    counts = {"documents": reading.documents, "without_language_or_text": reading.without, "damaged": reading.damaged}
    yield f"  {name}: "[:-1]
    yield f"    counts: {_flow(counts)}"
    yield "    files:"
    for file in reading.files:
        yield f"      - {_flow(file)}"


def _scripts(fitted: Fitted) -> Iterable[str]:
    return _sections("scripts", fitted.scripts) if fitted.scripts else ()


def _sections(name: str, sections: Mapping[str, Section]) -> Iterator[str]:
    yield f"{name}:"
    for label, section in sections.items():
        yield f"  {_text(label)}:"
        yield f"    documents: {_flow(section.documents)}"
        if section.language_score is not None:
            yield f"    language_score: {section.language_score!r}"
        if section.words is not None:
            yield f"    words: {section.words}"
        if section.stop_words is not None:
            yield f"    stop_words: {json.dumps(section.stop_words, ensure_ascii=False)}"
        for kind, limits in section.limits.items():
            yield f"    {kind}:"
            for field, limit in limits.items():
                yield f"      {field}: {limit!r}"


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None:
        return "null"
    return _text(value) if isinstance(value, str) else repr(value)


def _text(text: str) -> str:
    """A text as it is where no YAML takes it for anything else, in quotes otherwise."""
    plain = _WORD.fullmatch(text) and text.lower() not in ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
    return text if plain else json.dumps(text, ensure_ascii=False)
