"""Filters with limits by language: what FineWeb2 does to FineWeb's rules, for any filter that compares numbers.

The idea: a filter with other limits is the same filter with other fields. So a batch is cut by its column `language`,
each part is judged by a copy of the filter that has the language's limits in its fields, and the answers are put
together in the order of the documents; no filter has to know of it. One part is one call of the kernels: a batch whose
documents are all in one language costs nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import ValidationError

from stages.counting import Wanted
from stages.fields import ContentPath
from stages.language_limits import LanguageLimits, LimitsFile, limit_fields
from stages.limits_file import limit_faults, read_limits
from stages.stage import Filter, short_name
from stages.verdicts import Rule, Verdicts, first_failure

NO_LIMITS: Final = "no_limits"
"""The rule that drops documents of languages without limits, where `on_missing` is `drop`."""
Rows = npt.NDArray[np.int64]


class AdaptiveFilter(Filter):
    """A filter whose limits may come from a limits file, by the language of the document.

    `limits` names a file of `textmill fit thresholds` (its form: `stages/limits_file.py`); the column `language`
    must then be there. Limits that a language's section does not name, and languages without a section, are judged by
    the filter's own fields; the latter stand in the manifest, in the `notes` of the filter's flow, as do documents
    judged by the limits of their script. A filter that looks for stop words does not where the section has none.
    With `limits`, mode `tag` writes the columns of all rules; those that are off for a document's language are null.
    """

    limits: ContentPath | None = None
    """A file with limits by language; the fields above hold for all documents when left out."""
    on_missing: Literal["fallback", "keep", "drop"] = "fallback"
    """What to do with documents whose language has no limits: `fallback` judges them by the filter's own fields, `keep`
    keeps them unjudged, `drop` drops them by the rule `no_limits`."""

    def needs(self) -> tuple[str, ...]:
        return (*super().needs(), "language") if self.limits is not None else super().needs()

    def adds(self) -> Mapping[str, pa.DataType]:
        return super().adds() if self.limits is None else self._with_every_rule().adds()

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the limits file, with its lines."""
        if self.limits is None:
            return super().check(schema)
        return [*super().check(schema), *(limit_faults(self.limits, type(self)) or self._unfit())]

    def shared_counts(self) -> Wanted | None:
        """All counts but stop words, which are others in every language: whoever looks for them counts for himself.

        Limits are others in every language, too, so nothing is spared.
        """
        wanted = self.counts() if self.limits is None else self._with_every_rule().counts()
        if wanted is None or self.limits is None:
            return wanted
        return replace(wanted, stop_words=None, enough=frozenset(), stops=frozenset())

    def judge(self, batch: pa.RecordBatch, tools: Any) -> Verdicts:
        if self.limits is None:
            return super().judge(batch, tools)
        parts = self.parts(batch, tools)
        told = [part.judge(self.on_missing) for part in parts]
        columns = [[one.rule for one in told], [one.value for one in told], [one.limit for one in told]]
        return Verdicts(*(_together(column, parts) for column in columns))

    def tags(self, batch: pa.RecordBatch, tools: Any) -> list[pa.Array]:
        if self.limits is None:
            return super().tags(batch, tools)
        parts, adds = self.parts(batch, tools), self.adds()
        told = [part.tags(self.on_missing, list(adds)) for part in parts]
        return [
            _together([one.get(name, pa.nulls(len(part.rows), kind)) for one, part in zip(told, parts)], parts)
            for name, kind in adds.items()
        ]

    def notes(self, batch: pa.RecordBatch, tools: Any) -> Mapping[str, int]:
        """The documents of languages that were not judged by limits of their own, by language and what was done."""
        if self.limits is None:
            return {}
        notes: dict[str, int] = {}
        for entry in batch["language"].value_counts().to_pylist():
            note = self.filters_by_language.of(entry["values"]).note
            if note:
                notes[note] = notes.get(note, 0) + entry["counts"]
        return notes

    def parts(self, batch: pa.RecordBatch, tools: Any) -> list[Part]:
        """The batch by language, each part with the filter that judges it; of a batch without rows one such part."""
        languages = self.filters_by_language
        parts = []
        for label, rows in _rows_by_language(batch):
            chosen = languages.of(label)
            part = batch if len(rows) == batch.num_rows else batch.take(pa.array(rows))
            parts.append(Part(rows, part, chosen.filter, chosen.tools if chosen.own_limits else tools))
        return parts

    @cached_property
    def filters_by_language(self) -> _ByLanguage:
        """The filter by language, from the limits file as it is when first asked for. Raises StageError, OSError."""
        assert self.limits is not None
        return _ByLanguage(self, read_limits(self.limits, type(self)))

    def fields_for(self, section: LanguageLimits) -> dict[str, Any]:
        """The fields that a language's section changes; empty where it says nothing for this filter."""
        kind = type(self)
        fields: dict[str, Any] = dict(section.limits.get(short_name(kind.use or kind.__module__), {}))
        if "stop_words" in kind.model_fields and (fields or section.stop_words is not None):
            fields["stop_words"] = section.stop_words or ()
            if not section.stop_words:
                fields["min_stop_words"] = None
        if "words" in kind.model_fields and section.words is not None:
            fields["words"] = section.words
        return fields

    def with_fields(self, fields: Mapping[str, Any]) -> AdaptiveFilter:
        """This filter with these fields, which were validated before, and without limits by language."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_construct(**{**values, **fields, "limits": None})

    def _with_every_rule(self) -> AdaptiveFilter:
        """With every limit on, so that its columns are all there may be."""
        off = [name for name in limit_fields(type(self)) if getattr(self, name) is None]
        return self.with_fields(dict.fromkeys(off, 0))

    def _unfit(self) -> list[str]:
        """Languages whose limits, beside the filter's own, make no filter: a least above the most."""
        assert self.limits is not None
        file = read_limits(self.limits, type(self))
        found = []
        for label, section in (*file.languages.items(), *file.scripts.items()):
            fields = {**self.model_dump(exclude_unset=True), **self.fields_for(section), "limits": None}
            try:
                type(self).model_validate(fields)
            except ValidationError as error:
                reason = error.errors()[0]["msg"].removeprefix("Value error, ")
                found.append(f"{self.limits}:{section.line}: {label}: {reason}; mend the limits of this language")
        return found


@dataclass(frozen=True, slots=True)
class Part:
    """Documents of one language with the filter that judges them; a filter of None keeps them unjudged.

    `rows`: where they stand in the batch, ascending.
    """

    rows: Rows
    batch: pa.RecordBatch
    filter: AdaptiveFilter | None
    tools: Any

    def rules(self) -> Sequence[Rule]:
        """The rules of the language, where its documents are judged by any."""
        return () if self.filter is None else self.filter.rules(self.batch, self.tools)

    def judge(self, on_missing: str) -> Verdicts:
        if self.filter is not None:
            return self.filter.judge(self.batch, self.tools)
        gone = np.full(len(self.rows), on_missing == "drop")
        return first_failure(len(self.rows), [Rule(NO_LIMITS, gone)])

    def tags(self, on_missing: str, names: Sequence[str]) -> dict[str, pa.Array]:
        """The columns of mode `tag` that the language has, by name; the first of `names` is that of the rule."""
        if self.filter is None:
            return {names[0]: self.judge(on_missing).rule}
        return dict(zip(self.filter.adds(), self.filter.tags(self.batch, self.tools)))


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The filter for one language: with limits of its own or not, and what the manifest says of it."""

    filter: AdaptiveFilter | None
    own_limits: bool
    tools: Any
    note: str


class _ByLanguage:
    """The filters for the languages met so far, opened when first met."""

    def __init__(self, plain: AdaptiveFilter, file: LimitsFile) -> None:
        self.plain = plain
        self.file = file
        self._known: dict[str | None, _Chosen] = {}

    def of(self, label: str | None) -> _Chosen:
        """The filter for a label of the column `language`."""
        if label not in self._known:
            self._known[label] = self._choose(label)
        return self._known[label]

    def _choose(self, label: str | None) -> _Chosen:
        found = self.file.find(label) if label is not None else None
        fields = self.plain.fields_for(found[1]) if found else {}
        name = "documents without a language" if label is None else label
        if not fields or found is None:
            how = {"fallback": "judged by the filter's own fields", "keep": "kept unjudged", "drop": "dropped"}
            falls_back = self.plain.on_missing == "fallback"
            note = f"{name}: no limits, {how[self.plain.on_missing]}"
            return _Chosen(self.plain.with_fields({}) if falls_back else None, False, None, note)
        told = [] if found[0] == label else [f"limits of {found[0]}"]
        if "stop_words" in fields and not fields["stop_words"]:
            told.append("no stop words, so not looked for")
        language = self.plain.with_fields(fields)
        return _Chosen(language, True, language.open(), f"{name}: {', '.join(told)}" if told else "")


def _rows_by_language(batch: pa.RecordBatch) -> list[tuple[str | None, Rows]]:
    """The labels of a batch in the order of their first document, each with its rows, ascending."""
    labels = batch["language"].dictionary_encode(null_encoding="encode")
    names, codes = labels.dictionary.to_pylist(), labels.indices.to_numpy(zero_copy_only=False)
    if len(names) < 2:
        return [(names[0] if names else None, np.arange(batch.num_rows))]
    order = np.argsort(codes, kind="stable")
    return list(zip(names, np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)))


def _together(columns: Sequence[pa.Array], parts: Sequence[Part]) -> pa.Array:
    """One column from those of the parts, in the order of the batch."""
    back = np.argsort(np.concatenate([part.rows for part in parts]), kind="stable")
    return pa.concat_arrays(columns).take(pa.array(back))
