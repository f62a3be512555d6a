"""Reads limits files, and tells every fault in one with its line.

`textmill fit thresholds` writes such files and people edit them, so nothing in them is trusted:

    textmill_limits: 1
    fitted: {…}                        how it came about; for people, not read by filters
    languages:
      fra_Latn:                        the label in the column `language`
        language_score: 0.824          the floor of that language's scores
        words: multilingual            who cuts its text into words
        stop_words: ["de", "la", …]
        gopher_quality: {max_mean_word_length: 11, min_alphabetic_words: 0.812}
    scripts:
      Latn: {…}                        the same, for labels of this script that have no section of their own
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import TypeAdapter, ValidationError

from stages.errors import StageError
from stages.language_limits import LanguageLimits, Limit, LimitsFile, adaptive_filters, limit_fields
from stages.stage import Stage, short_name
from stages.words.splitters import SPLITTERS

HEADER: Final = "textmill_limits"
VERSION: Final = "1"
_SECTIONS: Final = (HEADER, "fitted", "languages", "scripts")
_OF_A_LANGUAGE: Final = ("language_score", "words", "stop_words", "documents")
_OFF: Final = ("null", "~", "")
_MOST_BYTES: Final = 64 * 2**20
"""Two thousand languages with thirty limits and twenty stop words each take three."""


def read_limits(path: Path, asking: type[Stage] | None = None) -> LimitsFile:
    """The limits of a file. Raises StageError with its faults where `limit_faults` has any, OSError without a file."""
    found, faults = _read(path, asking)
    if faults:
        raise StageError("\n".join(faults))
    return found


def limit_faults(path: Path, asking: type[Stage] | None = None) -> list[str]:
    """Everything wrong with a limits file, each with the file, the line, the cause and the mend; empty for a good one.

    `asking`: the filter that reads it, which may be one of the user's. Sections of other filters of the user's (their
    names begin with a capital) are left to those; all that textmill has itself are checked.
    """
    return _read(path, asking)[1]


class _Faults:
    """The faults so far, all of one file, and the filters that it may have sections for."""

    def __init__(self, path: Path, filters: Mapping[str, Mapping[str, TypeAdapter[Any]]]) -> None:
        self.path = path
        self.filters = filters
        self.told: list[str] = []

    def add(self, line: int, what: str, mend: str) -> None:
        self.told.append(f"{self.path}:{line}: {what}; {mend}")


def _read(path: Path, asking: type[Stage] | None) -> tuple[LimitsFile, list[str]]:
    own = {} if asking is None else {short_name(asking.use or asking.__module__): _checks(asking)}
    faults = _Faults(path, {**_adaptive(), **own})
    root = _composed(path, faults)
    if root is None:
        return LimitsFile({}, {}), faults.told
    top = _mapping(root, "the file", faults)
    unknown = [key for key in top if key not in _SECTIONS]
    for key in unknown:
        faults.add(top[key][0], f"{key!r} is no section of a limits file", _near(key, _SECTIONS))
    if HEADER not in top or getattr(top[HEADER][1], "value", None) != VERSION:
        faults.add(
            1,
            f"a limits file says `{HEADER}: {VERSION}`",
            "name a file that `textmill fit thresholds` wrote, or add it",
        )
        return LimitsFile({}, {}), faults.told
    parts: list[dict[str, LanguageLimits]] = []
    for section in ("languages", "scripts"):
        entries = _mapping(top[section][1], section, faults) if section in top else {}
        parts.append({name: _language(name, line, node, faults) for name, (line, node) in entries.items()})
    if not faults.told and not any(parts):
        faults.add(1, "the file has limits for no language", "fit it on documents, or write `languages: {fra: {…}}`")
    return LimitsFile(*parts), faults.told


def _composed(path: Path, faults: _Faults) -> yaml.Node | None:
    """The tree of the file, untyped, as PyYAML sees it; None with faults."""
    data = path.read_bytes()
    if len(data) > _MOST_BYTES:
        faults.add(1, f"{len(data)} bytes are too many for a limits file", "is this the right file?")
        return None
    try:
        root = yaml.compose(data.decode("utf-8-sig"), yaml.BaseLoader)
    except UnicodeDecodeError as error:
        faults.add(data[: error.start].count(b"\n") + 1, f"byte {error.start} is not UTF-8", "save the file as UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        faults.add(mark.line + 1 if mark else 1, f"this is no YAML: {error.problem or error.context}", "mend the line")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        faults.add(1, f"this is no YAML: {str(error).splitlines()[0]}", "mend the file")
    else:
        if root is None:
            faults.add(1, "the file is empty", "fit it anew with `textmill fit thresholds`")
        return root
    return None


def _mapping(node: yaml.Node, label: str, faults: _Faults) -> dict[str, tuple[int, yaml.Node]]:
    """The entries of a mapping with the lines of their keys; a key that stands twice is a fault."""
    if not isinstance(node, yaml.MappingNode):
        faults.add(_line(node), f"{label} should be a mapping (`key: value`)", "write it as one")
        return {}
    entries: dict[str, tuple[int, yaml.Node]] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if not name:
            faults.add(_line(key), f"{label} has a key that is no word", "write `key: value`")
        elif name in entries:
            faults.add(_line(key), f"{label} has {name!r} here and on line {entries[name][0]}", "keep one of them")
        else:
            entries[name] = _line(key), value
    return entries


def _language(name: str, line: int, node: yaml.Node, faults: _Faults) -> LanguageLimits:
    limits: dict[str, Mapping[str, Limit]] = {}
    told: dict[str, Any] = {}
    for key, (at, value) in _mapping(node, name, faults).items():
        if key == "language_score":
            told[key] = _share(name, value, faults)
        elif key == "words":
            told[key] = _splitter(name, value, faults)
        elif key == "stop_words":
            told[key] = _stop_words(name, value, faults)
        elif key in faults.filters:
            limits[key] = _of_filter(f"{name}: {key}", key, value, faults)
        elif key not in _OF_A_LANGUAGE and not key[0].isupper():
            what = f"{name}: there is no filter {key!r} that takes limits"
            faults.add(at, what, _near(key, (*faults.filters, *_OF_A_LANGUAGE)))
    return LanguageLimits(line, limits, **told)


def _of_filter(label: str, use: str, node: yaml.Node, faults: _Faults) -> Mapping[str, Limit]:
    fields = faults.filters[use]
    found: dict[str, Limit] = {}
    for name, (line, value) in _mapping(node, label, faults).items():
        if name not in fields:
            faults.add(line, f"{label} has no limit {name!r}", _near(name, fields))
        elif not isinstance(value, yaml.ScalarNode):
            faults.add(line, f"{label}.{name} should be a number", "write one, or null to switch its rule off")
        else:
            try:
                found[name] = _finite(fields[name].validate_python(_number(value)))
            except (ValidationError, ValueError) as error:
                faults.add(line, f"{label}.{name}: {value.value!r}: {_reason(error)}", "write what it takes, or null")
    return found


def _share(name: str, node: yaml.Node, faults: _Faults) -> float | None:
    number = _number(node) if isinstance(node, yaml.ScalarNode) else None
    if isinstance(number, int | float) and 0 <= number <= 1:
        return float(number)
    faults.add(_line(node), f"{name}: language_score should be a share between 0 and 1", "write one such as 0.65")
    return None


def _splitter(name: str, node: yaml.Node, faults: _Faults) -> str | None:
    told = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    if told in SPLITTERS:
        return told
    faults.add(_line(node), f"{name}: words: {told!r} is no splitter of words", _near(told, SPLITTERS))
    return None


def _stop_words(name: str, node: yaml.Node, faults: _Faults) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        faults.add(_line(node), f"{name}: stop_words should be a list", "write `stop_words: [de, la]`")
        return ()
    words: list[str] = []
    for item in node.value:
        if not isinstance(item, yaml.ScalarNode) or item.value.split() != [item.value]:
            faults.add(_line(item), f"{name}: a stop word is empty, no text or has white space in it", "remove it")
        else:
            words.append(item.value)
    return tuple(words)


def _number(node: yaml.ScalarNode) -> Limit:
    """The number that a scalar stands for; its text where it stands for none, as in `10%`."""
    text = node.value
    if text in _OFF and node.style is None:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return str(text)


def _finite(limit: Limit) -> Limit:
    if isinstance(limit, float) and not math.isfinite(limit):
        raise ValueError("a limit must be finite")
    return limit


def _reason(error: ValueError) -> str:
    told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return told.removeprefix("Value error, ")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), 1, 0.6)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"


def limit_check(kind: type[Stage], name: str) -> Callable[[object], bool]:
    """Tells whether a field of a filter takes a value as its limit."""
    check = _checks(kind)[name]

    def takes(value: object) -> bool:
        try:
            return check.validate_python(value) is not None
        except ValidationError:
            return False

    return takes


@cache
def _adaptive() -> Mapping[str, Mapping[str, TypeAdapter[Any]]]:
    return {name: _checks(kind) for name, kind in adaptive_filters().items()}


def _checks(kind: type[Stage]) -> dict[str, TypeAdapter[Any]]:
    """What checks each limit of a filter."""
    checks: dict[str, TypeAdapter[Any]] = {}
    for name, info in limit_fields(kind).items():
        typed: Any = Annotated[info.annotation, info]
        checks[name] = TypeAdapter(typed)
    return checks
