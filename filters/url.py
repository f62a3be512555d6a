"""URL rules: drop pages by where they come from, before a byte of their HTML is parsed.

The URL alone is read, so this filter may stand before extraction, where it saves the most. Lists are given in the
pipeline or as files with one entry per line (`#` starts a comment), such as the domain lists of the UT1 blocklists
(https://dsi.ut-capitole.fr/blacklists/).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

import pyarrow as pa
from pydantic import field_validator

from stages.fields import ContentPath
from stages.stage import Filter
from stages.verdicts import Verdicts, verdicts_of

Verdict = tuple[str, None, None, str] | None

_HOST: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/\\?#@]*@)*(\[[^\]/?#]*\]|[^/\\?#:@]*)")
"""The host of an absolute or scheme-less URL (RFC 3986, appendix B), lenient where crawls are."""
_ADDRESS: Final = re.compile(r"\[.*\]|(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]+)){0,3}")
"""Hosts that are addresses; to browsers `http://3221225991/` and `http://0xC0.0.2.7/` are as well."""
_NO_WORD: Final = re.compile(r"[\W_]+")


class Url(Filter):
    """Drops documents by their URL: blocked domains, hosts that are bare IP addresses, blocked words.

    Rules in order; the ledger's message names what matched:

    - `blocked_domain`: the host is a blocked domain or stands below one (`a.b.example.com` for `example.com`);
    - `ip_host`: the host is an IPv4 or IPv6 address and `ip_hosts` is `drop`;
    - `blocked_word`: a blocked word stands in the URL between characters that are neither letters nor digits (`/sex/`
      and `hot-sex.html` for `sex`, not `essex`); case does not matter, and %-escapes are read as what they stand for.

    A host that is an allowed domain, or stands below one, is kept whatever the rules say. Documents without a URL are
    kept.
    """

    blocked_domains: tuple[str, ...] = ()
    """Domains to drop with everything below them; international names in Unicode or Punycode."""
    blocked_domains_file: ContentPath | None = None
    """A file with more of them, one per line."""
    blocked_words: tuple[str, ...] = ()
    """Words that no URL may have; letters and digits only."""
    blocked_words_file: ContentPath | None = None
    """A file with more of them, one per line."""
    allowed_domains: tuple[str, ...] = ()
    """Domains to keep with everything below them."""
    allowed_domains_file: ContentPath | None = None
    """A file with more of them, one per line."""
    ip_hosts: Literal["keep", "drop"] = "keep"
    """What happens to pages whose host is an address such as 192.0.2.7, with no name."""

    @field_validator("blocked_domains", "allowed_domains")
    @classmethod
    def _are_domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        for domain in domains:
            _domain(domain)
        return domains

    @field_validator("blocked_words")
    @classmethod
    def _are_words(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            _word(word)
        return words

    def needs(self) -> tuple[str, ...]:
        return ("url",)

    def open(self) -> UrlLists:
        """The lists as sets. Raises ValueError for a line that cannot match, OSError for a file that cannot be read."""
        return UrlLists(
            blocked=frozenset(map(_domain, (*self.blocked_domains, *_lines(self.blocked_domains_file)))),
            allowed=frozenset(map(_domain, (*self.allowed_domains, *_lines(self.allowed_domains_file)))),
            words=frozenset(map(_word, (*self.blocked_words, *_lines(self.blocked_words_file)))),
        )

    def judge(self, batch: pa.RecordBatch, tools: UrlLists) -> Verdicts:
        # A loop over documents: a URL is a fiftieth of its page, and Arrow would hash a list of millions anew for
        # every batch. With all rules it does 250,000 URLs in a CPU second (benchmarks/filter_speed.py).
        return verdicts_of([_judge_url(url, self.ip_hosts, tools) for url in batch["url"].to_pylist()])


@dataclass(frozen=True, slots=True)
class UrlLists:
    """What a worker looks up: domains in lower-case Punycode, words in lower case."""

    blocked: frozenset[str]
    allowed: frozenset[str]
    words: frozenset[str]


def _judge_url(url: str | None, ip_hosts: str, lists: UrlLists) -> Verdict:
    if not url:
        return None
    host = host_of(url)
    if _listed(host, lists.allowed):
        return None
    if domain := _listed(host, lists.blocked):
        return "blocked_domain", None, None, domain
    if ip_hosts == "drop" and _ADDRESS.fullmatch(host):
        return "ip_host", None, None, host
    if lists.words and not lists.words.isdisjoint(words := _NO_WORD.split(unquote(url).lower())):
        return "blocked_word", None, None, next(word for word in words if word in lists.words)
    return None


def host_of(url: str) -> str:
    """The host in lower-case Punycode without port, user and final dot; empty where the URL has none."""
    found = _HOST.match(url.strip())
    return punycode(found[1].lower().rstrip(".")) if found else ""


def _listed(host: str, domains: frozenset[str]) -> str:
    """The longest listed domain that the host is or stands below; empty if there is none."""
    while host and domains:
        if host in domains:
            return host
        host = host.partition(".")[2]
    return ""


def punycode(host: str) -> str:
    """The host in ASCII, as it stands in DNS; as it is where IDNA knows no such name."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:  # no registrable name; it is still compared as it stands
        return host


def _domain(entry: str) -> str:
    """A list's entry as hosts are compared; `*.example.com` and `.example.com` mean `example.com`."""
    domain = punycode(entry.strip().lower().removeprefix("*").strip("."))
    if not domain or re.search(r"[\s/:@?#*]", domain):
        raise ValueError(f"{entry!r} is not a domain; write it like example.com, without scheme, path or port")
    return domain


def _word(entry: str) -> str:
    word = entry.strip().lower()
    if not word or _NO_WORD.search(word):
        raise ValueError(f"{entry!r} is not one word of letters and digits, so it could never be found")
    return word


def _lines(path: Path | None) -> Iterable[str]:
    """The entries of a list file, without comments and blank lines."""
    if path is None:
        return ()
    entries = (line.partition("#")[0].strip() for line in path.read_text("utf-8-sig").splitlines())
    return [entry for entry in entries if entry]
