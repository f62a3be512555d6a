"""Lists of words by language, given in the pipeline or as files with one entry a line, and which list judges whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, Field, ValidationInfo

from stages.fields import ContentPath

EVERY: Final = ""
"""The key of the list that is given in the pipeline and judges documents of all languages."""


def _files_of(value: Any, info: ValidationInfo) -> Any:
    """A folder stands for its files: `en` or `en.txt` is the list for the language `en`."""
    if not isinstance(value, str | Path):
        return value
    folder = Path((info.context or {}).get("base") or ".").absolute() / value
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: name a folder of lists, or write {{en: lists/en.txt}}")
    files = {file.name.partition(".")[0]: file for file in sorted(folder.iterdir()) if _is_list(file)}
    if not files:
        raise ValueError(f"{folder} has no list: a list is a file such as en or en.txt")
    return files


def _is_list(file: Path) -> bool:
    """Whether a folder's file is a list; a README, a licence or a hidden file is none."""
    return (
        file.is_file()
        and not file.name.startswith((".", "_"))
        and file.stem.upper() not in ("README", "LICENSE", "LICENCE", "USERS")
    )


Lists = Annotated[Mapping[str, ContentPath], BeforeValidator(_files_of), Field(default_factory=dict)]
"""Files by language, or a folder of them."""


def read_words(file: Path) -> tuple[str, ...]:
    """The entries of a list, without white space around them and without blank lines.

    Raises ValueError for a file that is empty or not UTF-8, OSError for one that cannot be read.
    """
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 (byte {error.start}): convert it") from error
    words = tuple(line.strip() for line in lines if line.strip())
    if not words:
        raise ValueError(f"{file} is empty: write one word a line, or take it out")
    return words


def list_faults(lists: Mapping[str, Path]) -> Iterator[str]:
    """What is wrong with the files."""
    for language, file in lists.items():
        try:
            read_words(file)
        except (ValueError, OSError) as error:
            yield f"lists: {language}: {error}"


def rows_by_list(
    batch: pa.RecordBatch, keys: frozenset[str], default: str | None
) -> tuple[dict[str, npt.NDArray[np.int64]], npt.NDArray[np.bool_]]:
    """The rows that each list judges, and which rows none does.

    A document's list is that of its `language`, or of what stands before the first `_` or `-` of it: `en` judges
    `en-GB`. A document without a language has the language `default`.
    """
    if keys == {EVERY}:
        return {EVERY: np.arange(batch.num_rows)}, np.zeros(batch.num_rows, np.bool_)
    column = batch["language"] if "language" in batch.schema.names else pa.nulls(batch.num_rows, pa.string())
    coded = pc.fill_null(column, default or "").dictionary_encode()
    index = coded.indices.to_numpy(zero_copy_only=False)
    rows: dict[str, list[npt.NDArray[np.int64]]] = {}
    alone = np.zeros(batch.num_rows, np.bool_)
    # A loop over the languages of a batch, which are few.
    for number, language in enumerate(coded.dictionary.to_pylist()):
        stem = language.replace("-", "_").partition("_")[0]
        key = next((name for name in (language, stem) if name and name in keys), EVERY if EVERY in keys else None)
        if key is None:
            alone |= index == number
        else:
            rows.setdefault(key, []).append(np.flatnonzero(index == number))
    return {key: np.sort(np.concatenate(parts)) for key, parts in sorted(rows.items())}, alone
