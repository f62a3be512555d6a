"""Build the village web: its sites, their pages, and the truth about each.

One idea: every page is written by a `Random` of its own, named by seed, kind and number, so a page stays the same
whatever is added around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from jobs.sample import writers
from jobs.sample.copies import near_copy
from jobs.sample.frame import Frame, Link, listing, render
from jobs.sample.oddities import OPT_OUT, empty_page, low_quality_spam, repetition_spam, wrongly_encoded
from jobs.sample.page import Answer, Document, Expect, Planted, Site
from jobs.sample.wire import answer, failure, picture, redirect, varied
from jobs.sample.words import LANGUAGES, read_words

FEWEST_PAGES = 100

_SITES = ("chronicle", "forum", "shop", "kitchen", "workshop", "school", "offers", "de", "fr", "es", "ru")
_LISTED = 40
"""Links on one page of a listing."""
_KINDS: tuple[tuple[str, str, str, int], ...] = (
    ("forum", "forum", "en", 80),
    ("shop", "shop", "en", 65),
    ("recipe", "kitchen", "en", 60),
    ("docs", "workshop", "en", 50),
    ("table", "school", "en", 16),
    ("formula", "school", "en", 16),
    ("notice", "school", "en", 14),
    ("article", "de", "de", 22),
    ("article", "fr", "fr", 22),
    ("article", "es", "es", 22),
    ("article", "ru", "ru", 22),
)
"""Kind, site, language, and how many of 600 pages; articles in English are what is left."""
_WRITERS: dict[str, writers.Writer] = {
    "forum": writers.forum_thread,
    "shop": writers.shop_item,
    "recipe": writers.recipe,
    "docs": writers.tool_page,
    "table": writers.table_page,
    "formula": writers.formula_page,
    "notice": writers.notice,
}


def build_village(seed: int, pages: int) -> list[Site]:
    """The sites of a village of `pages` pages, at least `FEWEST_PAGES`; their listings are not counted."""
    if pages < FEWEST_PAGES:
        raise ValueError(f"a village of {pages} pages has no room for one of each kind; ask for {FEWEST_PAGES} or more")
    builder = _Builder(seed, pages)
    builder.odd_pages()
    builder.kept_pages()
    builder.copied_pages()
    return builder.finished()


@dataclass(frozen=True, slots=True)
class _Written:
    """A page that may be copied."""

    site: Site
    path: str
    kind: str
    document: Document


class _Builder:
    """Sites in the making: what has been written, and the links that the listings will show."""

    def __init__(self, seed: int, pages: int) -> None:
        self.seed = seed
        self.pages = pages
        self.sites = {name: Site(f"{name}.village.example") for name in _SITES}
        self.frames = {name: Frame(f"The village {name}", (("/list/1.html", "All pages"),)) for name in _SITES}
        self.links: dict[str, list[Link]] = {name: [] for name in _SITES}
        self.pictures: list[str] = []
        self.written: list[_Written] = []
        self.count = 0

    def share(self, of_600: int, least: int = 1) -> int:
        """How many of this village's pages are meant by so many of 600."""
        return max(least, of_600 * self.pages // 600)

    def random(self, kind: str, number: int) -> Random:
        return Random(f"textmill village/{self.seed}/{kind}/{number}")

    def kept_pages(self) -> None:
        for kind, site, language, of_600 in _KINDS:
            for number in range(self.share(of_600, least=2)):
                random = self.random(f"{kind}-{language}", number)
                document = writers.article(language, random) if kind == "article" else _WRITERS[kind](random)
                if kind == "forum" and number % 4 == 0:
                    document = writers.with_personal_data(document, random)
                self.written.append(self.add(site, kind, number, document))
        for number in range(self.pages - self.count - sum(self.copies())):
            document = writers.article("en", self.random("article-en", number))
            self.written.append(self.add("chronicle", "article", number, document))

    def copies(self) -> tuple[int, int]:
        """How many exact copies and how many near-copies."""
        return self.share(16), self.share(50, least=4)

    def copied_pages(self) -> None:
        """Copy some pages that are kept: each is copied once or more, with edits or without, never both."""
        candidates = [page for page in self.written if page.kind not in ("notice", "table", "formula")]
        exact, near = self.copies()
        chosen = self.random("copies", 0).sample(candidates, exact + near)
        for number, original in enumerate(chosen[:exact]):
            self.copy(original, f"exact-{number:03d}", "exact_duplicate", number, original.document)
        number = 0
        for cluster, original in enumerate(chosen[exact:]):
            insertions = read_words(LANGUAGES[original.document.language])["insertion"]
            for _ in range(min(1 + cluster % 3, near - number)):
                document = near_copy(original.document, insertions, self.random("near", number))
                self.copy(original, f"near-{cluster:03d}", "near_duplicate", number, document)
                number += 1

    def copy(self, original: _Written, cluster: str, expect: Expect, number: int, document: Document) -> None:
        site, name = original.site, original.site.host.partition(".")[0]
        planted = next(page for page in site.planted if page.url == site.url(original.path))
        member = Planted(
            planted.url,
            planted.kind,
            planted.language,
            expect,
            cluster,
            personal=planted.personal,
            phrase=planted.phrase,
        )
        site.planted[site.planted.index(planted)] = member
        path = f"/{'mirror' if expect == 'exact_duplicate' else 'reprint'}/{number}.html"
        same = site.answers[original.path] if expect == "exact_duplicate" else self.page(name, path, document, number)
        truth = Planted(
            site.url(path), planted.kind, planted.language, expect, cluster, planted.url, personal=planted.personal
        )
        self.plant(name, path, same, truth, f"{document.title} ({number})")

    def odd_pages(self) -> None:
        for number in range(self.share(12, least=3)):
            self.add("offers", "spam", number, repetition_spam(self.random("repetition", number)), "repetition")
        for number in range(self.share(16, least=4)):
            document = low_quality_spam(self.random("low", number), number)
            self.add("offers", "low", number, document, "low_quality")
        for number in range(self.share(4, least=2)):
            self.opted_out(number)
        for number in range(self.share(4, least=4)):
            self.wrong_charset(number)
        for number in range(self.share(3)):
            target = f"/article/{number}.html"
            self.bare("chronicle", f"/old/{number}.html", redirect(target), "redirect", "error")
            self.bare("chronicle", f"/missing/{number}.html", failure(404, "No such page."), "not_found", "error")
            path = f"/pictures/{number}.png"
            self.bare("chronicle", path, picture(number * 40), "image", "not_document", listed=False)
            self.pictures.append(path)
        for number in range(self.share(2)):
            self.bare("chronicle", f"/empty/{number}.html", empty_page(number), "empty", "empty")
            broken = writers.article("en", self.random("broken", number))
            self.add("chronicle", "broken", number, broken, "damaged")

    def opted_out(self, number: int) -> None:
        document = writers.article("en", self.random("opt-out", number))
        path, by_tag = f"/private/{number}.html", number % 2 == 0
        url = self.sites["chronicle"].url(path)
        tag = f'<meta name="robots" content="{OPT_OUT}">' if by_tag else ""
        page = render(document, self.frames["chronicle"], address=url, head=tag)
        response = varied(page, number, headers=() if by_tag else (("X-Robots-Tag", OPT_OUT),))
        self.plant("chronicle", path, response, Planted(url, "opt_out", "en", "opt_out"), document.title)

    def wrong_charset(self, number: int) -> None:
        language = ("de", "fr", "ru", "ru")[number % 4]
        document = writers.article(language, self.random("charset", number))
        path, site = f"/charset/{number}.html", self.sites[language]
        response = wrongly_encoded(document, self.frames[language], site.url(path), number)
        phrase = next(word for word in document.text().split() if not word.isascii() and word.isalpha())
        truth = Planted(site.url(path), "wrong_charset", language, "kept", phrase=phrase)
        self.plant(language, path, response, truth, document.title)

    def add(self, site: str, kind: str, number: int, document: Document, expect: Expect = "kept") -> _Written:
        """A page of its own under `/kind/number.html`."""
        path = f"/{kind}/{number}.html"
        name = {"spam": "spam", "low": "spam"}.get(kind, kind)
        url = self.sites[site].url(path)
        truth = Planted(url, name, document.language, expect, personal=document.personal)
        self.plant(site, path, self.page(site, path, document, number), truth, document.title)
        return _Written(self.sites[site], path, kind, document)

    def page(self, site: str, path: str, document: Document, number: int) -> Answer:
        related = self.links[site][-4:]
        page = render(document, self.frames[site], address=self.sites[site].url(path), related=related)
        return varied(page, number)

    def bare(self, site: str, path: str, answer: Answer, kind: str, expect: Expect, *, listed: bool = True) -> None:
        """A page that holds no document."""
        self.plant(site, path, answer, Planted(self.sites[site].url(path), kind, "en", expect), kind if listed else "")

    def plant(self, site: str, path: str, answer: Answer, truth: Planted, label: str) -> None:
        self.sites[site].answers[path] = answer
        self.sites[site].planted.append(truth)
        if label:
            self.links[site].append((path, label))
        self.count += 1

    def finished(self) -> list[Site]:
        """The sites with their listings, from `/` on, and a robots.txt each."""
        for name, site in self.sites.items():
            links, frame = self.links[name], self.frames[name]
            starts = range(0, len(links), _LISTED)
            lists = [(f"/list/{number}.html", f"Part {number}") for number, _ in enumerate(starts, start=1)]
            pictures = self.pictures if name == "chronicle" else []
            pages = {"/": listing(f"All of the village {name}", lists, frame, pictures)}
            for (path, label), start in zip(lists, starts):
                pages[path] = listing(label, links[start : start + _LISTED], frame)
            for path, page in pages.items():
                site.answers[path] = answer(page.encode())
                site.planted.append(Planted(site.url(path), "listing", "en", "unspecified"))
            site.answers["/robots.txt"] = answer(b"User-agent: *\nAllow: /\n", content_type="text/plain")
            site.planted.append(Planted(site.url("/robots.txt"), "robots", "en", "not_document"))
        return list(self.sites.values())
