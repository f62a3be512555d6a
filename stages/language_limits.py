"""What a limits file says: the limits of filters by language, found for a document's label.

FineWeb2 (https://arxiv.org/abs/2506.20920) gives every language limits of its own. Which fields of a filter are limits
is told by their names, so that every filter that compares numbers can have them by language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic.fields import FieldInfo

from stages.load import builtin_names, load_class
from stages.stage import Stage, short_name
from stages.words.splitters import Splitter

Limit = float | int | str | None


@dataclass(frozen=True, slots=True)
class LanguageLimits:
    """What the file says of one language: `limits` by filter and field; None means that it does not say.

    A limit of None is a rule switched off. `line`: where its section begins.
    """

    line: int
    limits: Mapping[str, Mapping[str, Limit]] = field(default_factory=dict)
    language_score: float | None = None
    words: Splitter | None = None
    stop_words: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class LimitsFile:
    """The languages and scripts of a limits file."""

    languages: Mapping[str, LanguageLimits]
    scripts: Mapping[str, LanguageLimits]

    def find(self, label: str) -> tuple[str, LanguageLimits] | None:
        """Whose limits hold for a language label, and those limits; None where the file has none.

        In order: the label itself; the language without its script (`fra` for `fra_Latn`); the only entry with a script
        for a label without one (`fra_Latn` for `fra`); the script.
        """
        if label in self.languages:
            return label, self.languages[label]
        language, _, script = label.partition("_")
        if script and language in self.languages:
            return language, self.languages[language]
        with_script = [name for name in self.languages if name.partition("_")[0] == label]
        if len(with_script) == 1:
            return with_script[0], self.languages[with_script[0]]
        return (f"script {script}", self.scripts[script]) if script in self.scripts else None


def limit_fields(stage: type[Stage]) -> dict[str, FieldInfo]:
    """The fields of a filter's class that are limits: those called `min_…` and `max_…`."""
    return {name: info for name, info in stage.model_fields.items() if name.startswith(("min_", "max_"))}


def adaptive_filters() -> dict[str, type[Stage]]:
    """textmill's own filters that take limits, by the last part of their names."""
    filters = {use: load_class(use) for use in builtin_names() if use.startswith("filters.")}
    return {
        short_name(use): kind for use, kind in filters.items() if "limits" in kind.model_fields and limit_fields(kind)
    }
