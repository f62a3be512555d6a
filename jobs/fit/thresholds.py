"""Fits the limits of every language: measures all documents once, then asks the methods field by field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pyarrow as pa

from filters.gopher_quality import STOP_WORDS
from jobs.fit.columns import Columns
from jobs.fit.corpora import Corpus, Reading, by_language, refused
from jobs.fit.frequent_words import FrequentWords, without_leaked
from jobs.fit.methods import Values, score_floor
from jobs.fit.targets import Measuring, Target, choose_targets
from jobs.fit.word_splitters import has_spaces, splitter_of

Number = float | int


@dataclass(frozen=True, slots=True)
class Settings:
    """How to fit. `methods`: as `--method` takes them. `english`: the label of the language that the limits are known
    for. `min_documents`: languages with fewer have no limits of their own. `stop_word_share`: of all words."""

    methods: tuple[str, ...] = ()
    english: str = "eng_Latn"
    min_documents: int = 100
    stop_word_share: float = 0.008


@dataclass(slots=True)
class Section:
    """What is fitted for a language, or for the languages of a script that have no section."""

    documents: dict[str, int] = field(default_factory=dict)
    language_score: float | None = None
    words: str | None = None
    stop_words: list[str] | None = None
    limits: dict[str, dict[str, Number]] = field(default_factory=dict)
    english_kept: list[str] = field(default_factory=list)
    """The fields whose method found no limit, so that English's stays."""


@dataclass(slots=True)
class Fitted:
    """All that a limits file tells."""

    settings: Settings
    targets: Sequence[Target]
    reference: Reading
    web: Reading
    languages: dict[str, Section]
    scripts: dict[str, Section]
    too_few: Mapping[str, int]


@dataclass(slots=True)
class _Measured:
    """The numbers of the reference, the scores of the web, and the words of the reference, by language."""

    reference: Columns
    web: Columns
    words: dict[str, FrequentWords]


SCRIPT_MEMBERS: Final = 2
"""Languages that a script needs, for their median limits to stand for the others of the script."""


def fit_thresholds(reference: Corpus, web: Corpus | None, settings: Settings) -> Fitted:
    """Limits for every language of the reference that has documents enough.

    Raises PipelineError when documents cannot be read, when there is no language, and when English is needed and not
    there.
    """
    targets = choose_targets(settings.methods)
    read, read_web = Reading(), Reading()
    with TemporaryDirectory(prefix="textmill-fit-") as folder:
        measured = _measure(reference, web, settings, Measuring(targets), (read, read_web), Path(folder))
        rows = measured.reference.rows
        _check(rows, read, targets, settings)
        enough = [label for label in sorted(rows) if rows[label] >= settings.min_documents]
        languages = {label: _section(label, measured, targets, settings) for label in enough}
    too_few = {label: rows[label] for label in sorted(rows) if rows[label] < settings.min_documents}
    return Fitted(settings, targets, read, read_web, languages, _scripts(languages), too_few)


def _measure(
    reference: Corpus,
    web: Corpus | None,
    settings: Settings,
    measuring: Measuring,
    readings: tuple[Reading, Reading],
    folder: Path,
) -> _Measured:
    """Read everything once."""
    for name in ("reference", "web"):
        (folder / name).mkdir()
    measured = _Measured(Columns(folder / "reference", len(measuring.targets)), Columns(folder / "web", 1), {})
    for label, documents in by_language(reference, readings[0]):
        measured.reference.add(label, measuring.measure(documents, splitter_of(label)))
        if has_spaces(label):
            measured.words.setdefault(label, FrequentWords(settings.stop_word_share)).add(documents["text"])
    for label, documents in by_language(web, readings[1]) if web is not None else ():
        measured.web.add(label, _scores(documents["language_score"]))
    return measured


def _scores(column: pa.Array) -> Values:
    """One column of float64, NaN where there is no score."""
    scores = np.asarray(column.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False), np.float64)
    return scores.reshape(-1, 1)


def _check(rows: Mapping[str, int], read: Reading, targets: Sequence[Target], settings: Settings) -> None:
    """Refuse documents that nothing can be fitted to."""
    if not rows:
        cause = f"; {read.damaged:,} could not be read: {read.cause}" if read.damaged else ""
        raise refused(
            f"none of {read.documents:,} reference documents has a language and a text{cause}",
            "name the columns with --text-column and --language-column",
        )
    if max(rows.values()) < settings.min_documents:
        most = max(sorted(rows), key=lambda label: rows[label])
        raise refused(
            f"no language has {settings.min_documents} reference documents; {most} has most, {rows[most]}",
            f"give more documents, or say --min-documents {rows[most]}",
        )
    comparing = next((target for target in targets if target.method != "tail"), None)
    if comparing is not None and rows.get(settings.english, 0) < settings.min_documents:
        there = ", ".join(f"{label} {rows[label]}" for label in sorted(rows))
        raise refused(
            f"{comparing.method} starts from English, and the reference has {rows.get(settings.english, 0)} documents "
            f"of {settings.english} (it has {there[:200]})",
            "add English documents, name their label with --english, or use --method tail",
        )


def _section(label: str, measured: _Measured, targets: Sequence[Target], settings: Settings) -> Section:
    section = Section({"reference": measured.reference.rows[label]}, words=splitter_of(label))
    for number, target in enumerate(targets):
        found: Number | None = target.english
        if label != settings.english:
            english = measured.reference.column(settings.english, number)
            found = target.fit(english, measured.reference.column(label, number))
        if found is not None:
            section.limits.setdefault(target.filter, {})[target.field] = found
        elif label != settings.english:
            section.english_kept.append(target.name)
    scores = measured.web.column(label, 0)
    if label in measured.web.rows:
        section.documents["web"] = measured.web.rows[label]
    if len(scores) >= settings.min_documents:
        section.language_score = round(score_floor(scores), 3)
    section.stop_words = _stop_words(label, measured, settings)
    return section


def _stop_words(label: str, measured: _Measured, settings: Settings) -> list[str]:
    """English has Gopher's; languages without spaces have none, as their words cannot be told by white space."""
    if label == settings.english:
        return list(STOP_WORDS)
    own = measured.words.get(label)
    return [] if own is None else without_leaked(own, measured.words.get(settings.english))


def _scripts(languages: Mapping[str, Section]) -> dict[str, Section]:
    """For each script the median of its languages' limits: a proxy for those with too few documents."""
    members: dict[str, list[Section]] = {}
    for label, section in languages.items():
        script = label.partition("_")[2]
        if script:
            members.setdefault(script, []).append(section)
    return {
        script: _middle(sections) for script, sections in sorted(members.items()) if len(sections) >= SCRIPT_MEMBERS
    }


def _middle(sections: Sequence[Section]) -> Section:
    names = {(kind, field): None for one in sections for kind, limits in one.limits.items() for field in limits}
    middle = Section({"languages": len(sections)}, stop_words=[])
    for kind, name in names:
        values = [one.limits[kind][name] for one in sections if name in one.limits.get(kind, {})]
        value: Any = round(median(values), 4)
        middle.limits.setdefault(kind, {})[name] = value
    floors = [one.language_score for one in sections if one.language_score is not None]
    middle.language_score = round(median(floors), 3) if floors else None
    return middle
