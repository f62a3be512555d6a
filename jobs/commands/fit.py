"""`textmill fit thresholds`: limits by language from clean documents and documents of the web."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jobs.fit.corpora import Corpus, refused
from jobs.fit.limits_text import limits_text
from jobs.fit.thresholds import Fitted, Settings, fit_thresholds
from jobs.offer import short_path
from jobs.refusal import store_errors
from jobs.table import text_table
from stages.fields import parse_share

_SHOWN: Final = 60


def fit_thresholds_command(
    to: Path,
    reference: Sequence[str],
    web: Sequence[str],
    columns: tuple[str | None, str, str | None],
    methods: Sequence[str],
    english: str,
    min_documents: int,
    stop_words: str,
) -> None:
    """Fit, write the file, show what was fitted. `columns`: of the text, of the language, and the fixed language."""
    text, column, language = columns
    try:
        share = parse_share(stop_words)
    except ValueError as error:
        raise refused(f"--stop-words: {error}", "write --stop-words 0.8%") from error
    if not 0 < share < 1:
        raise refused("--stop-words must be a share of all words between 0 and 1", "write --stop-words 0.8%")
    settings = Settings(tuple(methods), english, min_documents, share)
    corpora = [Corpus(tuple(paths), text, column, language) for paths in (reference, web)]
    fitted = fit_thresholds(corpora[0], corpora[1] if web else None, settings)
    with store_errors(str(to), "write the limits"):
        _write(to, limits_text(fitted))
    print(_told(fitted))
    few = f"; {len(fitted.too_few)} more have fewer than {min_documents} documents" if fitted.too_few else ""
    print(f"\n{short_path(to)}: limits for {len(fitted.languages)} languages{few}")
    print(f"next: give it to filters\n    - filters.gopher_quality: {{limits: {short_path(to)}}}")


def _write(to: Path, text: str) -> None:
    """Write the file whole or not at all: the beginning of one is a file of limits as well, for fewer languages."""
    if to.exists() and not to.is_file():  # a device or a pipe
        to.write_text(text, "utf-8")
        return
    draft = to.with_name(f".{to.name}.draft")
    try:
        draft.write_text(text, "utf-8")
        draft.replace(to)
    finally:
        draft.unlink(missing_ok=True)


def _told(fitted: Fitted) -> str:
    """A line per language: documents, floor, stop words, and the first limits."""
    shown = list(fitted.targets)[:3]
    rows = []
    for label, section in fitted.languages.items():
        floor = "-" if section.language_score is None else f"{section.language_score:g}"
        limits = [section.limits.get(target.filter, {}).get(target.field) for target in shown]
        words = " ".join(section.stop_words or ())
        words = words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
        numbers = ["-" if limit is None else f"{limit:g}" for limit in limits]
        rows.append([label, f"{section.documents['reference']:,}", floor, *numbers, words])
    head = ["language", "documents", "floor", *(target.field for target in shown), "stop words"]
    return text_table(head, rows, right=tuple(range(1, 3 + len(shown))))
