"""Text repair: mojibake, control characters, invisible marks, line endings and Unicode's normal forms.

One native pass finds the few texts that may need it, so clean text costs next to nothing. Only those are handed to ftfy
(https://ftfy.readthedocs.io; Speer 2019) and to Python's `unicodedata`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import model_validator

from filters.repair_cuts import Cut, as_cuts, placed, rewritten, rules_by_row, told
from stages.document import with_column
from stages.stage import Map
from stages.verdicts import Mapped

if TYPE_CHECKING:
    from stages.kernels.repair_scan import RepairTables

_ENTITY: Final = "&#?[0-9A-Za-z]{1,24};"
_INSTALL: Final = "pip install 'textmill[repair]', or set mojibake and html_entities to false"


@dataclass(frozen=True, slots=True)
class RepairTools:
    """What a worker needs: the scanner's tables, and ftfy's two functions where it is asked for."""

    tables: RepairTables
    fix: Any
    unescape: Any


class TextRepair(Map):
    """Repairs what went wrong on a text's way: each kind of fault separately on or off, in this order.

    | rule | field | what happens |
    |---|---|---|
    | `mojibake` | `mojibake` | text that was read in a wrong encoding is read again, line by line, by ftfy |
    | `html_entities` | `html_entities` | `&amp;` becomes `&`, in documents without any `<` |
    | `control_characters` | `control_characters` | C0 but tab, LF, FF, CR; DEL; terminal escapes; U+206A-206F, FFF9-C |
    | `byte_order_marks` | `byte_order_marks` | U+FEFF is removed, wherever it stands |
    | `zero_width` | `zero_width` | U+200B, 2060-2064, 180E are removed; joiners stay, for scripts and emoji need them |
    | `bidi_marks` | `bidi_marks` | U+061C, 200E-200F, 202A-202E, 2066-2069 are removed |
    | `soft_hyphens` | `soft_hyphens` | U+00AD is removed |
    | `line_endings` | `line_endings` | CR LF and CR become LF; what stands between CR and LF parts them |
    | `normalization` | `normalization` | the text is put into the normal form |

    Mode `repair` changes the text. Every run of characters removed, and every line changed for mojibake or entities,
    is in the ledger as a cut with its rule and what stood there; line endings and normal forms take no text away and
    are not. Mode `tag` leaves the text and adds `text_repaired` (bool: whether repair would change it) and
    `text_repair_rules` (list of the rules it would take). What ftfy thinks of quotes, ligatures and widths is left out,
    as in datatrove's `FTFYFormatter`. Needs ftfy for mojibake and entities: pip install "textmill[repair]".
    """

    mode: Literal["repair", "tag"] = "repair"
    """Repair the text, or only tell in columns what would be repaired."""
    mojibake: bool = True
    """Repair mojibake, such as `Ã©` for `é`, with ftfy."""
    html_entities: bool = False
    """Replace entities such as `&eacute;` in documents without a `<`; code and pages about HTML would suffer."""
    control_characters: bool = True
    """Remove control characters and terminal escapes."""
    byte_order_marks: bool = True
    """Remove byte order marks."""
    zero_width: bool = True
    """Remove zero-width spaces and other invisible separators."""
    bidi_marks: bool = False
    """Remove marks that set the direction of writing; Arabic and Hebrew texts may mean them."""
    soft_hyphens: bool = True
    """Remove soft hyphens."""
    line_endings: bool = True
    """Make every line end in LF."""
    normalization: Literal["NFC", "NFKC", "NFD"] | None = "NFC"
    """Unicode's normal form (UAX #15); null leaves characters as they are encoded."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not any(getattr(self, name) for name in type(self).model_fields if name != "mode"):
            raise ValueError("everything is off: switch one repair on at least")
        return self

    def adds(self) -> Mapping[str, pa.DataType]:
        if self.mode == "repair":
            return {"text": pa.string()}
        return {"text_repaired": pa.bool_(), "text_repair_rules": pa.list_(pa.string())}

    def check(self, schema: pa.Schema) -> list[str]:
        if not self.mojibake and not self.html_entities:
            return []
        try:
            import_module("ftfy")
        except ImportError as error:
            return [f"ftfy cannot be loaded ({error}): {_INSTALL}"]
        return []

    def open(self) -> RepairTools:
        """The scanner's tables, and ftfy. Raises ImportError where ftfy is needed and missing."""
        from stages.kernels.repair_scan import RULES, repair_tables

        rules = [rule for rule in RULES if getattr(self, rule)]
        tables = repair_tables(rules, mojibake=self.mojibake, form=self.normalization)
        if not self.mojibake and not self.html_entities:
            return RepairTools(tables, None, None)
        try:
            import ftfy
        except ImportError as error:
            raise ImportError(f"filters.text_repair needs ftfy\n    mend: {_INSTALL}") from error
        config = ftfy.TextFixerConfig(
            unescape_html=False,
            remove_terminal_escapes=False,
            fix_latin_ligatures=False,
            fix_character_width=False,
            uncurl_quotes=False,
            fix_line_breaks=False,
            fix_surrogates=False,
            remove_control_chars=False,
            normalization=None,
            explain=False,
        )
        return RepairTools(tables, lambda line: ftfy.fix_text(line, config), ftfy.fixes.unescape_html)

    def map(self, batch: pa.RecordBatch, tools: RepairTools) -> pa.RecordBatch | Mapped:
        from stages.kernels.repair_scan import UNNORMALISED, repair_scan
        from stages.kernels.texts import texts_of

        scan = repair_scan(texts_of(batch["text"]), tools.tables)
        suspect = scan.flags > 0
        if self.html_entities:
            suspect |= pc.fill_null(pc.match_substring_regex(batch["text"], _ENTITY), False).to_numpy(
                zero_copy_only=False
            )
        # Most texts whose normal form is in doubt are in it (vowel signs of India may join what is before them).
        doubtful = scan.flags == UNNORMALISED
        doubtful[scan.row] = False
        for row in np.flatnonzero(doubtful & suspect).tolist():
            suspect[row] = not unicodedata.is_normalized(self.normalization or "NFC", batch["text"][row].as_py())
        deep = np.flatnonzero(suspect)
        texts = batch["text"].take(pa.array(deep)).to_pylist()
        repaired, cuts, more = self._repaired(deep.tolist(), texts, tools)
        plain = ~suspect[scan.row]
        if self.mode == "tag":
            return _tagged(batch, rules_by_row(scan, plain, cuts, more))
        text = rewritten(batch["text"], scan, plain, {row: new for row, new in repaired.items() if new is not None})
        if text is None:
            return batch
        whole = np.arange(batch.num_rows, dtype=np.int32)
        return Mapped(with_column(batch, "text", text), whole, cuts=as_cuts([*cuts, *told(scan, plain)]))

    def _repaired(
        self, rows: Sequence[int], texts: Sequence[str], tools: RepairTools
    ) -> tuple[dict[int, str | None], list[Cut], list[tuple[int, str]]]:
        """By row the new text (None = as it was), the cuts, and the rules that took no text away.

        A loop over the documents that the scan suspects; in clean crawls one in a hundred.
        """
        from stages.kernels.repair_scan import repair_scan
        from stages.kernels.texts import texts_of

        fixed = [self._fixed_lines(text, tools) for text in texts]
        joined = pa.array(["\n".join(new for _, new, _ in lines) for lines in fixed], pa.string())
        scan = repair_scan(texts_of(joined), tools.tables)
        cleaned = rewritten(joined, scan, np.ones(len(scan.row), np.bool_), {})
        after = (joined if cleaned is None else cleaned).to_pylist()
        cuts: list[Cut] = []
        quiet: list[tuple[int, str]] = []
        result: dict[int, str | None] = {}
        removed: dict[int, list[Cut]] = {}
        for cut in told(scan, np.ones(len(scan.row), np.bool_), quiet):
            removed.setdefault(cut[0], []).append(cut)
        quiet = [(rows[at], rule) for at, rule in quiet]
        for at, (row, text, lines) in enumerate(zip(rows, texts, fixed)):
            new = after[at]
            if self.normalization is not None and not unicodedata.is_normalized(self.normalization, new):
                new = unicodedata.normalize(self.normalization, new)
                quiet.append((row, "normalization"))
            cuts += placed(row, lines, removed.get(at, []))
            result[row] = None if new == text else new
        return result, cuts, quiet

    def _fixed_lines(self, text: str, tools: RepairTools) -> list[tuple[str, str, str]]:
        """Each line as it was, as it is, and the rule that changed it (empty for none)."""
        from stages.kernels.repair_scan import MOJIBAKE, repair_scan
        from stages.kernels.texts import texts_of

        before = text.split("\n")
        entities = self.html_entities and "<" not in text
        after = [tools.unescape(line) if entities and "&" in line else line for line in before]
        rules = ["html_entities" if new != line else "" for line, new in zip(before, after)]
        # ftfy reads a line with its end.
        flags = repair_scan(texts_of(pa.array([f"{line}\n" for line in after], pa.string())), tools.tables).flags
        for at in np.flatnonzero(flags & MOJIBAKE).tolist():
            better = tools.fix(f"{after[at]}\n")[:-1]
            if better != after[at]:
                after[at], rules[at] = better, rules[at] or "mojibake"
        return list(zip(before, after, rules))


def _tagged(batch: pa.RecordBatch, rules: Mapping[int, list[str]]) -> pa.RecordBatch:
    batch = with_column(batch, "text_repaired", pa.array([row in rules for row in range(batch.num_rows)], pa.bool_()))
    told = [rules.get(row, []) for row in range(batch.num_rows)]
    return with_column(batch, "text_repair_rules", pa.array(told, pa.list_(pa.string())))
