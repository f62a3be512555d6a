"""URL rules: drop pages by where they come from, before a byte of their HTML is parsed.

The URL alone is read, so this filter may stand before extraction, where it saves the most. Lists are given in the
pipeline or as files with one entry per line (`#` starts a comment), such as the domain lists of the UT1 blocklists
(https://dsi.ut-capitole.fr/blacklists/).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from filters.domain_lists import Categories, DomainList, ListFile, domain_list, entries_of, memory_of, punycode
from stages.stage import Filter, Resources
from stages.verdicts import Verdicts, verdicts_of

Verdict = tuple[str, float | None, float | None, str] | None

_HOST: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/\\?#@]*@)*(\[[^\]/?#]*\]|[^/\\?#:@]*)")
"""The host of an absolute or scheme-less URL (RFC 3986, appendix B), lenient where crawls are."""
_ADDRESS: Final = re.compile(r"\[.*\]|(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+)){0,3}")
"""Hosts that are addresses; to browsers `http://3221225991/` and `http://0xC0.0.2.7/` are as well."""
_NO_WORD: Final = re.compile(r"[\W_]+")


class Url(Filter):
    """Drops documents by their URL: blocked domains, hosts that are bare IP addresses, blocked words.

    Rules in order; the ledger's message names what matched, and the category of a list that has one:

    | rule | drops when |
    |---|---|
    | `blocked_domain` | the host is a blocked domain or stands below one (`a.b.example.com` for `example.com`) |
    | `other_top_level_domain` | the host ends in none of `top_level_domains` |
    | `ip_host` | the host is an IPv4 or IPv6 address and `ip_hosts` is `drop` |
    | `blocked_word` | a blocked word stands between characters that are neither letters nor digits |
    | `soft_words` | at least `min_soft_words` different soft words stand so |
    | `blocked_substring` | the URL's letters and digits, all else left out, hold a blocked substring |

    Words and substrings are found in any case, and %-escapes are read as what they stand for: `/sex/` and
    `hot-sex.html` have the word `sex`, `essex` does not. A host that is an allowed domain, or stands below one, is kept
    whatever the rules say. Documents without a URL are kept. datatrove's URLFilter has the same rules with its own
    lists, which are `datatrove:assets/banned_words.txt` and so on where it is installed; it looks whether the host is
    in the list, or its registered domain, and cuts words at whatever is no ASCII letter or digit.
    """

    blocked_domains: tuple[str, ...] = ()
    """Domains to drop with everything below them; international names in Unicode or Punycode."""
    blocked_domains_file: ListFile | None = None
    """A file with more of them, one per line, plain or `.gz`; `package:path` is one in an installed package."""
    blocked_lists: Categories = Field(default_factory=dict)
    """Files with more of them by category, `{adult: lists/adult.gz}`; or a folder that has `adult/domains` or
    `adult.txt` for each, as UT1 does. A million domains take a second and 60 MB in each worker."""
    blocked_words: tuple[str, ...] = ()
    """Words that no URL may have; letters and digits only."""
    blocked_words_file: ListFile | None = None
    """A file with more of them, one per line."""
    soft_words: tuple[str, ...] = ()
    """Words of which a URL may have some; letters and digits only."""
    soft_words_file: ListFile | None = None
    """A file with more of them, one per line."""
    min_soft_words: Annotated[int, Field(ge=1)] = 2
    """How many different soft words drop a URL; datatrove: 2."""
    blocked_substrings: tuple[str, ...] = ()
    """What no URL may have, even inside words; other signs than letters and digits are left out of it, too."""
    blocked_substrings_file: ListFile | None = None
    """A file with more of them, one per line."""
    allowed_domains: tuple[str, ...] = ()
    """Domains to keep with everything below them."""
    allowed_domains_file: ListFile | None = None
    """A file with more of them, one per line."""
    top_level_domains: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Endings of hosts to keep, such as `[ch, co.uk]`; those of any ending when left out."""
    ip_hosts: Literal["keep", "drop"] = "keep"
    """What happens to pages whose host is an address such as 192.0.2.7, with no name."""

    @field_validator("blocked_domains", "allowed_domains", "top_level_domains")
    @classmethod
    def _are_domains(cls, domains: tuple[str, ...] | None) -> tuple[str, ...] | None:
        domain_list(domains or (), {})
        return domains

    @field_validator("blocked_words", "soft_words")
    @classmethod
    def _are_words(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            _word(word)
        return words

    @field_validator("blocked_substrings")
    @classmethod
    def _are_substrings(cls, substrings: tuple[str, ...]) -> tuple[str, ...]:
        for substring in substrings:
            _squeezed(substring)
        return substrings

    def needs(self) -> tuple[str, ...]:
        return ("url",)

    def check(self, schema: pa.Schema) -> list[str]:
        """What is wrong with the lists in files."""
        try:
            self.open()
        except (ValueError, OSError) as error:
            return [str(error)]
        return []

    def open(self) -> UrlLists:
        """The lists. Raises ValueError for a line that cannot match, OSError for a file that cannot be read."""
        file, allowed = self.blocked_domains_file, self.allowed_domains_file
        return UrlLists(
            blocked=domain_list(self.blocked_domains, {**({} if file is None else {"": file}), **self.blocked_lists}),
            allowed=domain_list(self.allowed_domains, {} if allowed is None else {"": allowed}),
            endings=domain_list(self.top_level_domains or (), {}),
            words=frozenset(map(_word, _entries(self.blocked_words, self.blocked_words_file))),
            soft_words=frozenset(map(_word, _entries(self.soft_words, self.soft_words_file))),
            substrings=tuple(
                sorted(set(map(_squeezed, _entries(self.blocked_substrings, self.blocked_substrings_file))))
            ),
        )

    def resources(self) -> Resources:
        files = (self.blocked_domains_file, self.allowed_domains_file, *self.blocked_lists.values())
        return Resources(memory=memory_of(file for file in files if file is not None))

    def judge(self, batch: pa.RecordBatch, tools: UrlLists) -> Verdicts:
        # A loop over documents: a URL is a fiftieth of its page, and its parts are Python's strings by then. With all
        # rules it does 250,000 URLs in a CPU second (benchmarks/filter_speed.py).
        urls = [url or "" for url in batch["url"].to_pylist()]
        hosts = [host_of(url) for url in urls]
        blocked, allowed = tools.blocked.find(hosts), tools.allowed.find(hosts)
        other = [False] * len(urls)
        if self.top_level_domains is not None:
            other = [number < 0 for number in tools.endings.find(hosts)]
        found: list[Verdict] = []
        for url, host, listed, kept, foreign in zip(urls, hosts, blocked, allowed, other):
            if not url or kept >= 0:
                found.append(None)
            elif listed >= 0:
                found.append(("blocked_domain", None, None, tools.blocked.told(listed)))
            elif foreign and host:
                found.append(("other_top_level_domain", None, None, host))
            elif self.ip_hosts == "drop" and _ADDRESS.fullmatch(host):
                found.append(("ip_host", None, None, host))
            else:
                found.append(self._by_words(url, tools))
        return verdicts_of(self._by_substrings(urls, allowed, found, tools.substrings))

    def _by_words(self, url: str, lists: UrlLists) -> Verdict:
        if not lists.words and not lists.soft_words:
            return None
        words = _NO_WORD.split(unquote(url).lower())
        if not lists.words.isdisjoint(words):
            return "blocked_word", None, None, next(word for word in words if word in lists.words)
        if lists.soft_words.isdisjoint(words):
            return None
        soft = [word for word in dict.fromkeys(words) if word in lists.soft_words]
        if len(soft) < self.min_soft_words:
            return None
        return "soft_words", float(len(soft)), float(self.min_soft_words), ", ".join(soft)

    def _by_substrings(
        self, urls: Sequence[str], allowed: Sequence[int], found: list[Verdict], substrings: tuple[str, ...]
    ) -> list[Verdict]:
        """The verdicts with those of blocked substrings, where no rule has spoken before."""
        if not substrings:
            return found
        squeezed = pa.array([_NO_WORD.sub("", unquote(url).lower()) for url in urls], pa.string())
        hits = pc.match_substring_regex(squeezed, "|".join(substrings)).to_pylist()
        for row, hit in enumerate(hits):
            if hit and found[row] is None and allowed[row] < 0:
                text = squeezed[row].as_py()
                found[row] = "blocked_substring", None, None, next(part for part in substrings if part in text)
        return found


@dataclass(frozen=True, slots=True)
class UrlLists:
    """What a worker looks up: domains in lower-case Punycode, words in lower case."""

    blocked: DomainList
    allowed: DomainList
    endings: DomainList
    words: frozenset[str]
    soft_words: frozenset[str]
    substrings: tuple[str, ...]


def host_of(url: str) -> str:
    """The host in lower-case Punycode without port, user and final dot; empty where the URL has none."""
    found = _HOST.match(url.strip())
    return punycode(found[1].lower().rstrip(".")) if found else ""


def _entries(told: Sequence[str], file: Path | None) -> Sequence[str]:
    return (*told, *(() if file is None else entries_of(file).to_pylist()))


def _word(entry: str) -> str:
    word = entry.strip().lower()
    if not word or _NO_WORD.search(word):
        raise ValueError(f"{entry!r} is not one word of letters and digits, so it could never be found")
    return word


def _squeezed(entry: str) -> str:
    """What substrings are looked for in, and they themselves: letters and digits in lower case, and nothing else."""
    squeezed = _NO_WORD.sub("", entry.lower())
    if not squeezed:
        raise ValueError(f"{entry!r} has neither letter nor digit, so it could never be found")
    return squeezed
