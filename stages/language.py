"""Which language a document is in, and how sure that is.

The idea: one fastText classifier reads the whole text as a bag of character n-grams, so a document costs one pass
whatever its language. The default model is lid.176 (Joulin et al. 2016, https://arxiv.org/abs/1607.01759; 176
languages, 0.9 MB), found as a file of an installed wheel, so nothing is downloaded while a run goes. What the model
cannot know, that a text is no language at all, is told by the text's shape (`stages/kernels/text_shape.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from stages.document import with_column
from stages.errors import StageError
from stages.fields import ContentPath, Share
from stages.languages.identifiers import Identifier, Name, languages_of, open_identifier
from stages.languages.labels import UNDETERMINED, scripts_written, split_label
from stages.stage import Map
from stages.verdicts import Mapped, Rule, Verdicts, first_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stages.languages.telling import Told

SEGMENTS: Final = pa.list_(
    pa.struct([("start", pa.int64()), ("end", pa.int64()), ("language", pa.string()), ("score", pa.float32())])
)


class Language(Map):
    """Adds `language` and `language_score`; drops documents in other languages when `keep` is given.

    `language` (string) is ISO 639-3 and the script, such as `eng_Latn` and `cmn_Hani`, whatever the identifier calls
    it; macrolanguages have the code of their standard language, as in FineWeb2 (docs/languages.md). It is `und` where
    no language can be told: where the text has no word or fewer letters than `min_letters`, where too little of it
    stands in plain words (logs, code, tables, base64) or its letters stand together as in no language, where the best
    guess is not written in the text's script, where the identifiers disagree, and where the score is below `min_score`.
    `language_score` (float32, 0 to 1) is the probability of the best guess, also where it is not believed; 0 where
    there is none. With `segments`, `language_segments` (list of struct `start`, `end`, `language`, `score`) tells which
    stretches of bytes of the text are in which language. Columns of these names in the input are replaced.

    With `keep`, a document whose `language` is not in it is dropped by the rule `language`: value = its score, limit =
    `min_score`, and the message names the language or the doubt. FineWeb keeps English at 0.65
    (https://arxiv.org/abs/2406.17557).
    """

    version = 2

    model: ContentPath | None = None
    """A fastText classifier (`.bin` or `.ftz`) whose labels are languages, such as GlotLID or OpenLID; lid.176 when
    left out. Mind the licence of the model that you name."""
    identifiers: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    """Who is asked: `lid176`, `model` (the file in `model`), `resiliparse`, `cld2` (`pip install
    "textmill[identify]"`); `[model]` or else `[lid176]` when left out. Score and label are those of the first one that
    is believed: probabilities of fastText, for `resiliparse` 1 - rank / 1200, for `cld2` the language's share of the
    text."""
    agree: Annotated[int, Field(ge=1)] = 1
    """A language is believed when so many identifiers name it, in whatever script; otherwise the text is `und`. With 1
    the first identifier alone is believed."""
    min_score: Share = 0.0
    """Documents whose best label scores less are in no language (`und`)."""
    min_letters: Annotated[int, Field(ge=0)] = 10
    """Documents with fewer letters are in no language; a letter of Chinese, Japanese or Korean counts as three."""
    min_plain: Share = 0.6
    """Of the characters that are not white space, so many must stand in plain words, or the text is in no language; 0
    switches this test off, and that for odd pairs of letters too."""
    keep: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Languages to keep: `eng_Latn`, or `eng` or `en` for every script; `und` is what has none. All when left out."""
    max_chars: Annotated[int, Field(ge=1)] | None = None
    """Read this many characters from the start of the text at most; the whole text when left out."""
    segments: bool = False
    """Whether to add `language_segments`; needs a fastText identifier, and takes about as long again."""

    @model_validator(mode="after")
    def _identifiers_make_sense(self) -> Self:
        names = self._names()
        if len(set(names)) < len(names):
            raise ValueError(f"identifiers has a name twice: {', '.join(names)}")
        if ("model" in names) != (self.model is not None):
            raise ValueError("identifiers names `model` where the field `model` is a file, and only there")
        if self.agree > len(names):
            raise ValueError(
                f"agree is {self.agree}, but there are {len(names)} identifiers: nothing would be believed"
            )
        if self.segments and not {"model", "lid176"} & set(names):
            raise ValueError("segments needs a fastText identifier: add lid176 or model to identifiers")
        return self

    def adds(self) -> Mapping[str, pa.DataType]:
        added = {"language": pa.string(), "language_score": pa.float32()}
        return {**added, "language_segments": SEGMENTS} if self.segments else added

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the model's file, the libraries and the languages to keep; reads labels alone."""
        try:
            known = [pair for name in self._names() for pair in languages_of(name, self.model)]
        except (StageError, OSError) as error:
            return [str(error).removeprefix("stages.language: ").replace("\n    mend: ", "; ")]
        return self._unknown(known)

    def open(self) -> list[Identifier]:
        """The identifiers. Raises StageError for a file that is no model, and for languages to keep that they lack."""
        opened = [open_identifier(name, self.model) for name in self._names()]
        faults = self._unknown([pair for one in opened for pair in zip(one.languages, one.scripts)])
        if faults:
            raise StageError(f"stages.language: {faults[0]}")
        return opened

    def map(self, batch: pa.RecordBatch, tools: Sequence[Identifier]) -> pa.RecordBatch | Mapped:
        from stages.languages.telling import Limits, told_of

        text = batch["text"]
        if self.max_chars is not None:
            text = pc.utf8_slice_codeunits(text, 0, self.max_chars)
        told = told_of(text, tools, Limits(self.agree, self.min_score, self.min_letters, self.min_plain))
        rows = with_column(batch, "language", told.label)
        rows = with_column(rows, "language_score", pa.array(told.score, pa.float32()))
        if self.segments:
            from stages.languages.segments import segments_of

            model = next(one for one in tools if one.model is not None)
            rows = with_column(rows, "language_segments", segments_of(text, model, self.min_plain, SEGMENTS))
        if self.keep is None:
            return rows
        other = ~self._wanted(told).to_numpy(zero_copy_only=False)
        kept = np.flatnonzero(~other).astype(np.int32)
        drops = first_failure(len(other), [Rule("language", other, told.score.astype(np.float64), self.min_score)])
        verdicts = Verdicts(
            drops.rule, drops.value, drops.limit, pc.if_else(pa.array(other), self._message(told), None)
        )
        return Mapped(rows.take(pa.array(kept)), kept, verdicts)

    def _names(self) -> tuple[Name, ...]:
        return self.identifiers or (("lid176",) if self.model is None else ("model",))

    def _wanted(self, told: Told) -> pa.BooleanArray:
        """Which texts are in a language to keep."""
        label = told.label
        pairs = [split_label(entry) for entry in self.keep or ()]
        labels = [f"{language}_{script}" for language, script in pairs if script]
        languages = [language for language, script in pairs if not script]
        plain = pc.and_(pc.not_equal(label, UNDETERMINED), pc.is_in(told.language, pa.array(languages, pa.string())))
        found = pc.or_(pc.is_in(label, pa.array(labels, pa.string())), plain)
        return pc.or_(found, pc.equal(label, UNDETERMINED)) if UNDETERMINED in languages else found

    def _message(self, told: Told) -> pa.StringArray:
        from stages.languages.telling import DOUBTS

        doubt = pa.array(DOUBTS).take(pa.array(told.doubt))
        guessed = pc.if_else(pc.equal(told.guess, UNDETERMINED), "", pc.binary_join_element_wise(", ", told.guess, ""))
        other = pc.binary_join_element_wise("language ", told.guess, f" is not one of {', '.join(self.keep or ())}", "")
        return pc.if_else(pc.equal(doubt, ""), other, pc.binary_join_element_wise(doubt, guessed, ""))

    def _unknown(self, known: Sequence[tuple[str, str | None]]) -> list[str]:
        """One fault for each entry of `keep` that no identifier gives."""
        faults = []
        languages = sorted({language for language, _ in known})
        for entry in self.keep or ():
            language, script = split_label(entry)
            scripts = [scripts_written(code, other) for code, other in known if code == language]
            if language == UNDETERMINED or any(script is None or some is None or script in some for some in scripts):
                continue
            near = get_close_matches(language, languages, 3, 0.5) or languages[:5]
            written = sorted({one for some in scripts for one in some or ()})
            mend = f"it is written in {', '.join(written)}" if written else f"there are {', '.join(near)}"
            faults.append(f"no identifier gives the label {entry!r}, so nothing would be kept for it; {mend}")
        return faults
