"""What a page says about itself: title, date, language, and whether it asks to be left out of training.

The one idea: a look at a few well-known places, not a search; a page that says nothing stays without. The places are
found in the source: a pass of a regular expression takes 0.07 ms a page, walking a tree's nodes from Python 1.6 ms.
"""

from __future__ import annotations

import datetime
import html
import re
from collections.abc import Iterable, Sequence

_DATE_NAMES = (
    "article:published_time",
    "og:article:published_time",
    "og:published_time",
    "datepublished",
    "date",
    "dc.date",
    "dc.date.issued",
    "dcterms.date",
    "dcterms.created",
    "dcterms.issued",
    "pubdate",
    "publishdate",
    "publish-date",
    "publication_date",
    "parsely-pub-date",
    "sailthru.date",
    "cxenseparse:recs:publishtime",
    "citation_publication_date",
)
_ATTRIBUTES = r"((?:[^<>\"']|\"[^\"]{0,4000}\"|'[^']{0,4000}'){0,4000}+)"
"""Bounded, as every repetition here: a hundred thousand `<meta` without an end must not take a square of time."""
_META = re.compile(rf"<meta\s{_ATTRIBUTES}>", re.IGNORECASE)
_ROOT = re.compile(rf"<html\s{_ATTRIBUTES}>", re.IGNORECASE)
_TITLE = re.compile(r"<title(?:\s[^<>]{0,1000})?>([^<]{0,10000})", re.IGNORECASE)
_TIME = re.compile(r"<time\s[^<>]{0,1000}?datetime\s*=\s*[\"']?([^\"'>]{4,40})", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([a-zA-Z:_-]{1,100}+)\s{0,100}+=\s{0,100}+(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_LINKED_DATA_DATE = re.compile(r'"datePublished"\s{0,100}:\s{0,100}"([^"]{4,40})"')
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-/.]?)(\d\d)\2(\d\d)(?!\d)")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*")
_REFUSALS = ("noai", "noimageai", "noml", "disallowaitraining")
_ROBOTS = re.compile(r"[\s,;:]+")
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\\s]+")
_EARLIEST = datetime.date(1990, 1, 1)
_LATEST = "2100-01-01"

Metas = dict[str, list[str]]
"""Content of the `<meta>` tags by lower-cased name, property or itemprop, in the order of the page."""


def metas_of(source: str) -> Metas:
    """The meta tags of a page; those outside the head count too."""
    found: Metas = {}
    for tag in _META.findall(source):
        attributes = _attributes(tag)
        content = attributes.get("content")
        for attribute in ("name", "property", "itemprop"):
            name = attributes.get(attribute)
            if name and content:
                found.setdefault(name.strip().lower(), []).append(content)
    return found


def title_of(source: str, metas: Metas) -> str | None:
    """`<title>`, else `og:title`, in one line."""
    found = _TITLE.search(source)
    for candidate in (html.unescape(found.group(1)) if found else "", *metas.get("og:title", ())):
        title = _UNFIT.sub(" ", candidate).strip()
        if title:
            return title
    return None


def date_of(source: str, metas: Metas, crawled: str | None) -> str | None:
    """The day of publication as yyyy-mm-dd: article meta tags, linked data, other meta tags, the first `<time>`.

    Days before 1990 and after `crawled` (yyyy-mm-dd or longer) are errors of the page and passed over.
    """
    latest = (crawled or _LATEST)[:10]
    for value in _date_claims(source, metas):
        for year, _, month, day in _DATE.findall(value[:64]):
            try:
                date = datetime.date(int(year), int(month), int(day))
            except ValueError:
                continue
            if date >= _EARLIEST and date.isoformat() <= latest:
                return date.isoformat()
    return None


def language_of(source: str) -> str | None:
    """The `lang` of the root element, as the page writes it but with hyphens."""
    root = _ROOT.search(source)
    if root is None:
        return None
    attributes = _attributes(root.group(1))
    claim = (attributes.get("lang") or attributes.get("xml:lang") or "").strip()
    return claim.replace("_", "-") if _LANGUAGE.fullmatch(claim) else None


def opt_out_of(headers: Sequence[tuple[str, str]], metas: Metas) -> str | None:
    """Which refusals of use for training stand in headers or meta tags, comma-separated and sorted; none is `None`.

    `noai`, `noimageai`, `noml` in robots directives; `tdm-reservation` by https://www.w3.org/community/reports/tdmrep/.
    """
    found: list[str] = []
    lowered = [(name.strip().lower(), value) for name, value in headers]
    robots = [value for name, value in lowered if name == "x-robots-tag"]
    reserved = [value for name, value in lowered if name == "tdm-reservation"] + metas.get("tdm-reservation", [])
    for name in ("robots", "ai", "googlebot", "bingbot", "x-robots-tag"):
        robots += metas.get(name, ())
    words = {word for value in robots for word in _ROBOTS.split(value.lower())}
    found += [word for word in _REFUSALS if word in words]
    if any(value.strip() == "1" for value in reserved):
        found.append("tdm-reservation")
    return ",".join(sorted(found)) or None


def _attributes(tag: str) -> dict[str, str]:
    return {name.lower(): html.unescape(a or b or c) for name, a, b, c in reversed(_ATTRIBUTE.findall(tag))}


def _date_claims(source: str, metas: Metas) -> Iterable[str]:
    yield from metas.get("article:published_time", ())
    if '"datePublished"' in source:
        yield from (html.unescape(value) for value in _LINKED_DATA_DATE.findall(source)[:3])
    for name in _DATE_NAMES[1:]:
        yield from metas.get(name, ())
    time = _TIME.search(source)
    if time is not None:
        yield time.group(1)
