"""Two sets of answers side by side: how many are equal, and what kinds of differences there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]

EXAMPLES: Final = 3
TOLERANCE: Final = 1e-9
TEXTS: Final = ("text", "lines")

REASONS: Final = {
    "gopher_quality": {
        "gopher_short_doc": "too_few_words",
        "gopher_long_doc": "too_many_words",
        "gopher_below_avg_threshold": "short_words",
        "gopher_above_avg_threshold": "long_words",
        "gopher_too_many_hashes": "too_many_hashes",
        "gopher_too_many_ellipsis": "too_many_ellipses",
        "gopher_too_many_bullets": "bullet_lines",
        "gopher_too_many_end_ellipsis": "ellipsis_lines",
        "gopher_below_alpha_threshold": "few_alphabetic_words",
        "gopher_enough_stop_words": "few_stop_words",
    },
    "gopher_repetition": {
        "dup_para_frac": "duplicate_paragraphs",
        "dup_para_char_frac": "duplicate_paragraph_characters",
        "dup_line_frac": "duplicate_lines",
        "dup_line_char_frac": "duplicate_line_characters",
        **{f"duplicated_{length}_n_grams": f"duplicate_{length}_gram" for length in range(5, 11)},
    },
    "fineweb": {
        "line_punct_ratio": "few_punctuated_lines",
        "short_line_ratio": "short_lines",
        "char_dup_ratio": "duplicate_line_characters",
        "list_ratio": "newlines",
    },
}
"""datatrove's reasons as textmill's rules, where the two are called differently."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A class of documents that differ in the same way, with the first of them as examples."""

    what: str
    documents: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One filter's documents, and how many have equal decisions, reasons, values and texts."""

    name: str
    documents: int
    decisions: int
    reasons: int
    values: int
    texts: int | None
    differences: list[Difference] = field(default_factory=list)

    def row(self) -> str:
        """The line of the table."""
        counts = [self.decisions, self.reasons, self.values, *([] if self.texts is None else [self.texts])]
        told = [f"{count} ({_percent(count, self.documents)})" for count in counts]
        return f"| {self.name} | {self.documents} | {' | '.join([*told, *['-'] * (4 - len(told))])} |"

    def lowest(self, *, whole: bool) -> float:
        """The smallest share of equal documents: of everything, or of decisions alone."""
        counts = [self.decisions]
        if whole:
            counts += [self.reasons, self.values, *([] if self.texts is None else [self.texts])]
        return min(counts) / max(1, self.documents)


def compared(theirs: pa.Table, ours: pa.Table) -> list[Report]:
    """A report for each filter of `ours`. Raises ValueError when the documents or the values are not the same ones."""
    if theirs["id"] != ours["id"]:
        raise ValueError("the two sides have not judged the same documents")
    names = list(dict.fromkeys(name.split(".")[0] for name in ours.column_names if "." in name))
    return [_report(name, theirs, ours) for name in names]


def _report(name: str, theirs: pa.Table, ours: pa.Table) -> Report:
    reason = [_reasons(name, theirs), ours[f"{name}.reason"].combine_chunks()]
    dropped = [_mask(pc.is_valid(one)) for one in reason]
    told = [np.asarray(pc.fill_null(one, "kept").to_pylist(), object) for one in reason]
    decisions, reasons = dropped[0] == dropped[1], told[0] == told[1]
    rules = [column for column in ours.column_names if column.startswith(f"{name}.") and not _is_string(column)]
    values = {column: _same_values(theirs[column], ours[column]) for column in rules}
    same_values = np.logical_and.reduce([np.ones(len(reasons), np.bool_), *values.values()])
    texts = [column for column in ours.column_names if column in {f"{name}.{part}" for part in TEXTS}]
    equal = [_mask(pc.equal(*(pc.fill_null(side[column], "\0") for side in (theirs, ours)))) for column in texts]
    same_texts = np.logical_and.reduce(equal) if equal else None
    report = Report(
        *(name, len(reasons), int(decisions.sum()), int(reasons.sum()), int(same_values.sum())),
        None if same_texts is None else int(same_texts.sum()),
    )
    ids = ours["id"].to_pylist()
    report.differences.extend(_by_reason(ids, told, name, theirs, ours))
    for column, same in values.items():
        if not same.all():
            found = np.flatnonzero(~same)
            shown = [f"{ids[at]}: {_values(column, at, theirs, ours)}" for at in found[:EXAMPLES].tolist()]
            report.differences.append(Difference(f"values of {column.split('.')[1]}", len(found), tuple(shown)))
    for column, same in zip(texts, equal):
        if not same.all():
            found = np.flatnonzero(~same)
            shown = [f"{ids[at]}: {_first_difference(column, at, theirs, ours)}" for at in found[:EXAMPLES].tolist()]
            report.differences.append(Difference(f"texts ({column.split('.')[1]})", len(found), tuple(shown)))
    return report


def _by_reason(
    ids: list[str], told: list[npt.NDArray[np.object_]], name: str, theirs: pa.Table, ours: pa.Table
) -> Iterator[Difference]:
    """Documents whose reasons differ, by both reasons; the most frequent first."""
    classes: dict[tuple[str, str], list[int]] = {}
    for at in np.flatnonzero(told[0] != told[1]).tolist():
        classes.setdefault((told[0][at], told[1][at]), []).append(at)
    for (their, our), found in sorted(classes.items(), key=lambda one: (-len(one[1]), one[0])):
        shown = []
        for at in found[:EXAMPLES]:
            measured = [f"{name}.{rule}" for rule in (their, our) if f"{name}.{rule}" in ours.column_names]
            numbers = "; ".join(f"{column.split('.')[1]} {_values(column, at, theirs, ours)}" for column in measured)
            shown.append(f"{ids[at]}: {numbers}")
        yield Difference(f"datatrove {their}, textmill {our}", len(found), tuple(shown))


def _reasons(name: str, theirs: pa.Table) -> pa.Array:
    names = REASONS.get(name, {})
    return pa.array([names.get(one, one) for one in theirs[f"{name}.reason"].to_pylist()], pa.string())


def _is_string(column: str) -> bool:
    return column.split(".")[1] in ("reason", *TEXTS)


def _mask(column: pa.Array | pa.ChunkedArray) -> Mask:
    return np.asarray(column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy())


def _same_values(theirs: pa.ChunkedArray, ours: pa.ChunkedArray) -> Mask:
    """Where both are null, or both numbers that differ by no more than the tolerance."""
    their, our = (np.asarray(side.to_numpy(), np.float64) for side in (theirs, ours))
    return np.isclose(their, our, rtol=0, atol=TOLERANCE, equal_nan=True)


def _values(column: str, at: int, theirs: pa.Table, ours: pa.Table) -> str:
    return f"{theirs[column][at].as_py()} / {ours[column][at].as_py()}"


def _first_difference(column: str, at: int, theirs: pa.Table, ours: pa.Table) -> str:
    """Both texts from a little before they part."""
    their, our = theirs[column][at].as_py(), ours[column][at].as_py()
    if their is None or our is None:
        return f"{'no text' if their is None else 'a text'} / {'no text' if our is None else 'a text'}"
    same = next((place for place, pair in enumerate(zip(their, our)) if pair[0] != pair[1]), min(len(their), len(our)))
    start = max(0, same - 20)
    return f"at {same}: {their[start : same + 30]!r} / {our[start : same + 30]!r}"


def _percent(part: int, whole: int) -> str:
    """Never rounded up to 100 %."""
    share = 100 * part / max(1, whole)
    return "100 %" if part == whole else f"{int(share * 1000) / 1000:.3f} %"
