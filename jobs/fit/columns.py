"""Numbers of documents, on disk by language, so that exact statistics of any number of documents take one column.

Memory: a few megabytes of rows not written yet, and then 8 bytes per document of the largest language.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from jobs.fit.methods import Values

_HELD: Final = 1 << 19
"""Numbers held before they are written (4 MB)."""


class Columns:
    """Tables of float64, one per language, each with `width` columns, in files of a folder."""

    def __init__(self, folder: Path, width: int) -> None:
        self.folder = folder
        self.width = width
        self.rows: dict[str, int] = {}
        self._held: dict[str, list[Values]] = {}
        self._numbers = 0

    def add(self, language: str, rows: Values) -> None:
        """More rows of a language."""
        self.rows[language] = self.rows.get(language, 0) + len(rows)
        self._held.setdefault(language, []).append(rows)
        self._numbers += rows.size
        if self._numbers > _HELD:
            self._write()

    def column(self, language: str, number: int) -> Values:
        """The finite values of one column of a language, ascending."""
        self._write()
        if not self.rows.get(language):
            return np.zeros(0)
        table = np.memmap(self._file(language), np.float64, "r", shape=(self.rows[language], self.width))
        column = np.array(table[:, number])
        return np.sort(column[np.isfinite(column)])

    def _write(self) -> None:
        for language, parts in self._held.items():
            with self._file(language).open("ab") as file:
                file.write(np.concatenate(parts).tobytes())
        self._held, self._numbers = {}, 0

    def _file(self, language: str) -> Path:
        return self.folder / str(list(self.rows).index(language))
