"""One scheme of labels for all identifiers: ISO 639-3 and ISO 15924, such as `eng_Latn`.

The idea: every model has names of its own (`en`, `eng_Latn`, `zho_Hans`, `zh-Hant`), so they are translated once per
label, not once per text. Where a code is that of a macrolanguage and its models mean the one standard language, that
language's own code is used, as GlotLID and FineWeb2 do (https://arxiv.org/abs/2310.16248, 2506.20920): `zh` is `cmn`,
`ar` is `arb`, `et` is `ekk`, `no` is `nob`; Persian alone keeps `fas`. `codes.txt` holds these and ISO 639-1;
`written.txt` the scripts in which each language is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

UNDETERMINED: Final = "und"
"""ISO 639's code for what has no language that can be told."""

LID_176: Final = {"als": "gsw", "bh": "bho"}
"""Labels of lid.176 that are names of Wikipedias and mean another thing as codes: `als` is Alemannic there."""
CLD2: Final = {
    **dict.fromkeys(("un", "xxx", "tlh", "zzp"), UNDETERMINED),
    "xx-Bugi": "bug_Bugi",
    "xx-Goth": "got_Goth",
}
"""Labels of CLD2 that are no codes: what it could not tell, and its jokes."""

_ONE_SCRIPT: Final = {"Hans": "Hani", "Hant": "Hani", "Kore": "Hang", "Hrkt": "Jpan"}
_MEMBERS: Final = {"Jpan": ("Hani", "Hira", "Kana"), "Hani": ("Hani", "Bopo")}
"""What texts in a script of this name are written with; any other script is written with itself."""
_LABEL: Final = re.compile(r"([a-z]{2,3})(?:[-_]([A-Z][a-z]{3}))?")


def language_code(code: str) -> str:
    """The scheme's code of a language: `en`, `eng` and `ger` become `eng`, `eng` and `deu`; others stay as they are."""
    return _codes().get(code, code)


def split_label(label: str, own: Mapping[str, str] | None = None) -> tuple[str, str | None]:
    """The language and the script of a model's label; the script is None where the label names none.

    `own`: what labels of this model mean that are no codes. A label of another form, such as `prose`, stays whole.
    """
    label = (own or {}).get(label, label)
    parts = _LABEL.fullmatch(label)
    if parts is None:
        return label, None
    return language_code(parts[1]), parts[2] and _ONE_SCRIPT.get(parts[2], parts[2])


def scripts_written(language: str, script: str | None) -> tuple[str, ...] | None:
    """The scripts that a label's texts may have: the label's own one or all of its language; None where any may be."""
    return (script,) if script is not None else _written().get(language)


def label_of(language: str, found: str, scripts: Sequence[str] | None) -> str | None:
    """The label of a text in a language whose letters are mostly of the script `found`; None where that cannot be.

    `scripts`: those that the language may have here, as `scripts_written` tells.
    """
    if language == UNDETERMINED or not found:
        return None
    if scripts is None:
        return f"{language}_{found}"
    for script in scripts:
        if found in written_with(script):
            return f"{language}_{script}"
    return None


def written_with(script: str) -> tuple[str, ...]:
    """The scripts of the letters of texts in a script: Japanese (`Jpan`) has those of three."""
    return _MEMBERS.get(script, (script,))


@cache
def _codes() -> dict[str, str]:
    pairs = (pair.partition("=") for pair in _lines("codes.txt").split())
    return {code: language for code, _, language in pairs}


@cache
def _written() -> dict[str, tuple[str, ...]]:
    return {language: tuple(scripts) for language, *scripts in map(str.split, _lines("written.txt").splitlines())}


def _lines(name: str) -> str:
    return files("stages.languages").joinpath(name).read_text("ascii")
