"""Lists of domains, from the pipeline and from files of any size, and which of them a host is in.

Blocklists such as UT1's (https://dsi.ut-capitole.fr/blacklists/, five million domains in sixty categories) are too
large for a Python set in every worker. The idea: entries stay one Arrow column, brought into form by column
expressions, and a native hash table finds a batch of hosts in it; short lists are a dict, which needs no kernel.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, ValidationInfo

from stages.fields import ContentPath
from stages.kernels.texts import texts_of

_FEW: Final = 20_000
"""Entries up to which a dict is made: at most a few megabytes, and no kernel to load."""
_NO_DOMAIN: Final = r"^$|[\s/:@?#*]"
_IN_PACKAGE: Final = re.compile(r"(?:.*/)?([A-Za-z_]\w*):([^:]+)")
_ENDINGS: Final = ("", ".txt", ".list", ".gz", ".txt.gz", ".list.gz")


def _from_package(value: object) -> object:
    """The path of a file in an installed package, of `package:path`. Raises ValueError where it is not installed."""
    found = _IN_PACKAGE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    package = importlib.util.find_spec(found[1])
    if package is None or not package.submodule_search_locations:
        raise ValueError(f"{value!r}: there is no package {found[1]!r} installed here")
    return Path(package.submodule_search_locations[0]) / found[2]


def _by_category(value: object, info: ValidationInfo) -> object:
    """The lists of a folder by category: `adult/domains`, `adult.txt`. Raises ValueError for a folder without any."""
    if not isinstance(value, str | Path):
        return value
    folder = Path((info.context or {}).get("base") or ".").absolute() / value
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; name one with a list for each category, or write them as a mapping")
    found = {}
    for entry in sorted(folder.iterdir()):
        lists = [entry / f"domains{ending}" for ending in _ENDINGS] if entry.is_dir() else []
        if entry.is_file() and not entry.name.startswith(".") and entry.name.endswith(_ENDINGS[1:]):
            lists = [entry]
        found.update({entry.name.partition(".")[0]: file for file in lists if file.is_file()})
    if not found:
        raise ValueError(f"{folder} has no lists: neither folders with a file `domains` nor files such as adult.txt")
    return found


ListFile = Annotated[ContentPath, BeforeValidator(_from_package)]
"""A file with one entry per line, plain or `.gz`; `package:path` is one inside an installed package."""
Categories = Annotated[dict[str, ListFile], BeforeValidator(_by_category)]
"""Lists by category: a mapping, or a folder with a list for each, laid out as UT1 is."""


@dataclass(frozen=True, slots=True)
class DomainList:
    """Domains in lower-case Punycode, each with the number of its category; the first of equal ones counts."""

    entries: pa.Array
    category: npt.NDArray[np.int16]
    names: tuple[str, ...]
    few: dict[str, int] | None
    many: Any = None

    def find(self, hosts: Sequence[str]) -> list[int]:
        """For each host the number of the longest entry that it is or stands below, or -1."""
        if self.few is not None:
            return [_longest(host, self.few) for host in hosts] if self.few else [-1] * len(hosts)
        from stages.kernels.string_set import find_domain

        numbers: list[int] = find_domain(self.many, texts_of(pa.array(hosts, pa.string()))).tolist()
        return numbers

    def told(self, number: int) -> str:
        """An entry for people: `adult: example.com`."""
        name, entry = self.names[self.category[number]], self.entries[number].as_py()
        return f"{name}: {entry}" if name else entry


def domain_list(domains: Sequence[str], files: Mapping[str, Path]) -> DomainList:
    """The list of domains that stand in the pipeline and those of files, by category (`""` for none).

    Raises ValueError for a line that is no domain and for a file without entries, OSError.
    """
    columns = [_domains(pa.array(domains, pa.string()), "the list")]
    columns += [_domains(entries_of(file), str(file)) for file in files.values()]
    entries = pa.concat_arrays(columns)
    category = np.repeat(np.arange(len(columns), dtype=np.int16), [len(column) for column in columns])
    names = ("", *files)
    if len(entries) <= _FEW:
        texts = entries.to_pylist()
        return DomainList(entries, category, names, dict(zip(reversed(texts), range(len(texts) - 1, -1, -1))))
    from stages.kernels.string_set import string_set

    return DomainList(entries, category, names, None, string_set(entries))


def entries_of(file: Path) -> pa.Array:
    """The lines of a list without comments (`#`) and blank lines.

    Raises ValueError for a file that is not UTF-8 or has no entries, OSError.
    """
    with pa.input_stream(file, compression="detect") as stream:
        data = stream.read().removeprefix(b"\xef\xbb\xbf")
    try:
        text = pa.array([data], pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid as error:
        raise ValueError(f"{file} is no list: it is not UTF-8") from error
    lines = pc.split_pattern(text, "\n").flatten().cast(pa.string())
    lines = pc.utf8_trim_whitespace(pc.replace_substring_regex(lines, "#.*", ""))
    lines = lines.filter(pc.not_equal(lines, ""))
    if not len(lines):
        raise ValueError(f"{file} has no entries")
    return lines


def memory_of(files: Iterable[Path]) -> int:
    """Bytes that lists in files take while they are loaded: seven for one of theirs, once they are unpacked."""
    return sum(file.stat().st_size * (28 if file.suffix == ".gz" else 7) for file in files if file.is_file())


def punycode(host: str) -> str:
    """The host in ASCII, as it stands in DNS; as it is where IDNA knows no such name."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:  # no registrable name; it is still compared as it stands
        return host


def _domains(entries: pa.Array, where: str) -> pa.Array:
    """Entries as hosts are compared; `*.example.com` and `.example.com` mean `example.com`."""
    trimmed = pc.utf8_lower(pc.utf8_trim_whitespace(entries))
    domains = pc.utf8_trim(pc.replace_substring_regex(trimmed, r"^\*", ""), ".")
    wrong = pc.index(pc.match_substring_regex(domains, _NO_DOMAIN), True).as_py()
    if wrong >= 0:
        raise ValueError(
            f"{entries[wrong].as_py()!r} in {where} is not a domain; write it like example.com, without scheme, path "
            "or port"
        )
    foreign = pc.invert(pc.string_is_ascii(domains))
    if not pc.any(foreign).as_py():
        return domains
    names = [punycode(domain) for domain in domains.filter(foreign).to_pylist()]
    return pc.replace_with_mask(domains, foreign, pa.array(names, pa.string()))


def _longest(host: str, domains: Mapping[str, int]) -> int:
    while host:
        number = domains.get(host)
        if number is not None:
            return number
        host = host.partition(".")[2]
    return -1
