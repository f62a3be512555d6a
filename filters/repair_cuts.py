"""What a repair of texts changed, as spans of the texts that came in: for the ledger, and for columns.

Mojibake is repaired before invisible characters are removed (a soft hyphen may be half of an `í`), so what is removed
is found in texts that have changed already; here its places are told in the input again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.verdicts import Cuts

if TYPE_CHECKING:
    from stages.kernels.repair_scan import RepairScan

SILENT: Final = ("line_endings", "normalization")
"""Rules that take no text away: they are in no ledger row."""

Cut = tuple[int, int, int, str]
"""Row, start and end in bytes of the input text, rule."""


def placed(row: int, lines: Sequence[tuple[str, str, str]], removed: Sequence[Cut]) -> list[Cut]:
    """The cuts of one text: lines that were changed, and what was removed from the others, in bytes of the input."""
    cuts: list[Cut] = []
    before = after = taken = 0
    for line, new, rule in lines:
        size, length = len(line.encode()), len(new.encode())
        if rule and size:
            cuts.append((row, before, before + size, rule))
        while taken < len(removed) and removed[taken][1] <= after + length:
            _, start, end, why = removed[taken]
            taken += 1
            if not rule:
                cuts.append((row, start - after + before, end - after + before, why))
        before += size + 1
        after += length + 1
    return cuts


def told(scan: RepairScan, chosen: npt.NDArray[np.bool_], quiet: list[tuple[int, str]] | None = None) -> list[Cut]:
    """The scan's chosen spans as cuts, without those that take no text away, which go to `quiet`."""
    from stages.kernels.repair_scan import RULES

    columns = (scan.row, scan.start, scan.end, scan.rule)
    cuts: list[Cut] = []
    for row, start, end, rule in zip(*(column[chosen].tolist() for column in columns)):
        if RULES[rule] not in SILENT:
            cuts.append((row, start, end, RULES[rule]))
        elif quiet is not None:
            quiet.append((row, RULES[rule]))
    return cuts


def rewritten(
    text: pa.StringArray, scan: RepairScan, chosen: npt.NDArray[np.bool_], whole: Mapping[int, str]
) -> pa.StringArray | None:
    """The texts without the chosen spans, and those in `whole` replaced; None when nothing changes."""
    from stages.kernels.splice import spliced
    from stages.kernels.texts import texts_of

    texts = texts_of(text)
    sizes = texts.ends - texts.starts
    places = np.array([*whole], np.int64)
    row = np.concatenate((scan.row[chosen], places)).astype(np.int32)
    if not len(row):
        return None
    start = np.concatenate((scan.start[chosen], np.zeros(len(places), np.int64)))
    end = np.concatenate((scan.end[chosen], sizes[places]))
    pieces = [b"\n" if alone else b"" for alone in scan.alone[chosen].tolist()]
    pieces += [new.encode() for new in whole.values()]
    order = np.lexsort((start, row))
    made = spliced(texts, row[order], start[order], end[order], [pieces[at] for at in order.tolist()])
    return pc.if_else(text.is_valid(), made, None) if text.null_count else made


def rules_by_row(
    scan: RepairScan, plain: npt.NDArray[np.bool_], cuts: Sequence[Cut], quiet: Sequence[tuple[int, str]]
) -> dict[int, list[str]]:
    """By row the rules that would change it, in order of their names."""
    silent: list[tuple[int, str]] = list(quiet)
    found = [(row, rule) for row, _, _, rule in [*cuts, *told(scan, plain, silent)]] + silent
    rules: dict[int, list[str]] = {}
    for row, rule in sorted(set(found)):
        rules.setdefault(row, []).append(rule)
    return rules


def as_cuts(cuts: Sequence[Cut]) -> Cuts:
    """The cuts in order of row and place."""
    cuts = sorted(cuts)
    return Cuts(
        np.array([cut[0] for cut in cuts], np.int32),
        np.array([cut[1] for cut in cuts], np.int64),
        np.array([cut[2] for cut in cuts], np.int64),
        pa.array([cut[3] for cut in cuts], pa.string()),
    )
