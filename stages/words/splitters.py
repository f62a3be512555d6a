"""The splitters that a user may name in `words:`, and what they make of a batch.

`english` is spaCy's tokenizer for English, the one that published filters were made with; `multilingual` the same rules
without what is English about them, as spaCy has it for languages that it does not know; `whitespace` is `str.split()`;
`unicode` takes runs of letters, digits and marks, and one character at a time where a script has no spaces; `chinese`
(jieba), `japanese` (SudachiPy, mode A), `thai` (PyThaiNLP, newmm) and `lao` (LaoNLP) know words from dictionaries;
`khmer` and `burmese` are `unicode`. `auto` looks at the column `language` of each document (`languages.txt`): by its
language, else by its script, else `multilingual`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.kernels.texts import Texts
from stages.words.dictionaries import PACKAGES, Cut, missing_package, open_cut
from stages.words.spans import Ints, SpansPerText, native_words, spans_of_all, spans_of_tokens

Splitter = Literal[
    "english",
    "multilingual",
    "whitespace",
    "unicode",
    "chinese",
    "japanese",
    "thai",
    "khmer",
    "burmese",
    "lao",
    "auto",
]
SPLITTERS: Final[tuple[Splitter, ...]] = get_args(Splitter)


@dataclass(frozen=True, slots=True)
class OpenSplitter:
    """A splitter as a worker holds it: its name, and the dictionary tokenizers that it may need, by name."""

    name: Splitter
    cuts: Mapping[str, Cut]


@dataclass(frozen=True, slots=True)
class WordsOfBatch:
    """How kernels come by the words of each text of a batch.

    `codes`: uint8 per text, what `words_split.split_words` takes, or `words_split.GIVEN` · `given`: the words of texts
    with that code, for `words_split.copy_words`; the others have no spans in it.
    """

    codes: npt.NDArray[np.uint8]
    given: SpansPerText


def splitter_faults(splitter: Splitter, schema: pa.Schema) -> list[str]:
    """What is wrong with a splitter at plan time: a package or the column `language` is missing."""
    wanted = PACKAGES if splitter == "auto" else (splitter,)
    faults = [fault for name in wanted if (fault := missing_package(name))]
    if splitter == "auto" and "language" not in schema.names:
        faults.append("words: auto needs the column language; put stages.language before, or name a splitter")
    return faults


def open_splitter(splitter: Splitter) -> OpenSplitter:
    """Load what a splitter needs. Raises ImportError, with the mend, where a package is missing."""
    wanted = PACKAGES if splitter == "auto" else (splitter,)
    return OpenSplitter(splitter, {name: open_cut(name) for name in wanted if name in PACKAGES})


def words_of_batch(texts: Texts, splitter: OpenSplitter, languages: pa.Array | None = None) -> WordsOfBatch:
    """Choose a splitter for each text, and find the words of those whose splitter is not native.

    `languages`: the column `language`, which `auto` needs; a null counts as unknown.
    """
    if splitter.name != "auto" and splitter.name not in PACKAGES:
        none = np.zeros(0, np.int32)
        return WordsOfBatch(
            np.full(len(texts), _code_of(splitter.name), np.uint8), SpansPerText(np.zeros(1, np.int64), none, none)
        )
    names = _names_of(splitter.name, languages, len(texts))
    found = [
        spans_of_tokens([_text_of(texts, row)], splitter.cuts[name]) if name in PACKAGES else None
        for row, name in enumerate(names)
    ]
    none = np.zeros(0, np.int32)
    given = SpansPerText(
        np.cumsum([0, *(len(spans.begins) if spans else 0 for spans in found)], dtype=np.int64),
        np.concatenate([none, *(spans.begins for spans in found if spans)]),
        np.concatenate([none, *(spans.ends for spans in found if spans)]),
    )
    return WordsOfBatch(np.array([_code_of(name) for name in names], np.uint8), given)


def word_spans(texts: Texts, splitter: Splitter, languages: pa.Array | None = None) -> SpansPerText:
    """The words of each text, for stages that want them in Python; `languages` as in `words_of_batch`."""
    from stages.kernels.words_split import GIVEN

    batch = words_of_batch(texts, open_splitter(splitter), languages)

    def split(row: int, start: int, end: int, begins: Ints, ends: Ints) -> int:
        code = int(batch.codes[row])
        if code != GIVEN:
            return native_words(texts.data, code, start, end, begins, ends)
        spans = batch.given
        count = int(spans.offsets[row + 1] - spans.offsets[row])
        begins[:count] = spans.begins[spans.offsets[row] : spans.offsets[row + 1]]
        ends[:count] = spans.ends[spans.offsets[row] : spans.offsets[row + 1]]
        return count

    return spans_of_all(texts, split)


@cache
def splitter_of(language: str) -> str:
    """The splitter that `auto` takes for a label such as `eng_Latn`, `en` or `zh-Hant`."""
    code, _, script = language.replace("-", "_").partition("_")
    table = _table()
    return table.get(code.lower()) or table.get(script.partition("_")[0].title()) or "multilingual"


@cache
def _table() -> dict[str, str]:
    lines = files("stages.words").joinpath("languages.txt").read_text("ascii").splitlines()
    told = [line.partition(": ") for line in lines]
    return {label: splitter for splitter, _, labels in told for label in labels.split()}


def _names_of(splitter: Splitter, languages: pa.Array | None, rows: int) -> list[str]:
    """The splitter of each text."""
    if splitter != "auto":
        return [splitter] * rows
    if languages is None:
        raise ValueError("words: auto needs the column language")
    return [splitter_of(label or "") for label in languages.to_pylist()]


def _code_of(name: str) -> int:
    from stages.kernels import words_split

    native = {
        "english": words_split.ENGLISH,
        "multilingual": words_split.MULTILINGUAL,
        "whitespace": words_split.WHITESPACE,
        "unicode": words_split.UNICODE,
        "khmer": words_split.UNICODE,
        "burmese": words_split.UNICODE,
    }
    return native.get(name, words_split.GIVEN)


def _text_of(texts: Texts, row: int) -> str:
    return texts.data[texts.starts[row] : texts.ends[row]].tobytes().decode()
