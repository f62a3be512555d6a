"""Pages: text, title, date, language and refusals of real-looking HTML, and a rule for everything that is no page."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.html.page import Options, Page, PageError, extract_page, kind_of

_HTML = [("Content-Type", "text/html; charset=utf-8")]
_MORE = " It has enough words to be the main part of the page, and then some more of them." * 3


def _page(head: str = "", body: str = "", headers: list[tuple[str, str]] = _HTML, **options: object) -> Page:
    source = (
        f'<!doctype html><html lang="en_GB"><head><title>The  Mill\n&amp; its Keeper</title>{head}</head><body>'
        f'<nav><a href="/">Home</a> <a href="/shop">Shop</a></nav><main><article>{body}<p>The mill stands.{_MORE}</p>'
        '</article></main><div class="comments"><p>First!</p></div><footer>All rights reserved</footer></body></html>'
    )
    return extract_page(source, headers, Options(**options), crawled="2024-03-04T12:00:00Z")  # type: ignore[arg-type]


def _kinds(page: Page) -> list[tuple[str, str]]:
    text = page.text.encode()
    return [(kind, text[start:end].decode()) for kind, start, end in page.blocks]


def _check_blocks(page: Page) -> None:
    text = page.text.encode()
    place = 0
    for _, start, end in page.blocks:
        assert place <= start < end <= len(text)
        assert not text[place:start].strip()
        text[start:end].decode()
        place = end
    assert not text[place:].strip()


def test_the_main_content_is_kept_and_the_furniture_is_not() -> None:
    page = _page(body="<h1>On Mills</h1>")

    assert page.text.startswith("On Mills\n\nThe mill stands.")
    assert not any(word in page.text for word in ("Home", "Shop", "First!", "rights"))
    assert "Shop" in _page(main_content=False).text


def test_title_and_language_are_what_the_page_says_of_itself() -> None:
    page = _page()

    assert (page.title, page.language) == ("The Mill & its Keeper", "en-GB")


def test_the_open_graph_title_stands_in_for_a_missing_one() -> None:
    source = f'<meta property="og:title" content="Mills &#38; Millers"><title> </title><p>The mill.{_MORE}</p>'

    assert extract_page(source, _HTML, Options()).title == "Mills & Millers"


@pytest.mark.parametrize(
    ("head", "date"),
    [
        ('<meta property="article:published_time" content="2023-11-09T10:00:00+01:00">', "2023-11-09"),
        ("<meta content=20210506 name=DC.date>", "2021-05-06"),
        ('<script type="application/ld+json">{"@type":"Article","datePublished": "2022-01-02"}</script>', "2022-01-02"),
        ('<meta name="date" content="2022-02-31"><meta name="date" content="2022/02/28">', "2022-02-28"),
        ('<meta name="date" content="2024-03-05">', None),
        ('<meta name="date" content="0001-01-01">', None),
        ("", None),
    ],
)
def test_the_date_is_found_in_its_usual_places_and_never_after_the_crawl(head: str, date: str | None) -> None:
    assert _page(head=head).date == date


def test_the_first_time_element_dates_a_page_without_meta_tags() -> None:
    assert _page(body='<time pubdate datetime="2019-08-07">last week</time>').date == "2019-08-07"


@pytest.mark.parametrize(
    ("head", "header", "opt_out"),
    [
        ('<meta name="robots" content="index, NoAI, noimageai">', ("X", "y"), "noai,noimageai"),
        ('<meta name="tdm-reservation" content="1">', ("X", "y"), "tdm-reservation"),
        ("", ("x-robots-tag", "otherbot: noai"), "noai"),
        ("", ("TDM-Reservation", "1"), "tdm-reservation"),
        ('<meta name="robots" content="noindex, nofollow">', ("tdm-reservation", "0"), None),
    ],
)
def test_a_refusal_of_training_is_read_from_meta_tags_and_headers(
    head: str, header: tuple[str, str], opt_out: str | None
) -> None:
    assert _page(head=head, headers=[*_HTML, header]).opt_out == opt_out


def test_each_kind_of_block_is_named_with_its_exact_bytes() -> None:
    body = """<h2>Über Käse</h2><ul><li>one<li><p>two</p><ol><li>deep</li></ol></ul>
        <table><tr><th>A<th>B<tr><td>1<td>2</table><pre>def f(x):
    return x &lt; 3

# done</pre><blockquote><p>They said so.</p>And so on.</blockquote>
        <div><math><mi>x</mi><mo>=</mo><mn>3</mn></math></div><p>\\[ e = mc^2 \\]</p><div>loose <b>words</b></div>"""

    page = _page(body=body)

    assert _kinds(page)[:-1] == [
        ("heading", "Über Käse"),
        ("list", "- one\n- two\n  1. deep"),
        ("table", "A\tB\n1\t2"),
        ("code", "def f(x):\n    return x < 3\n\n# done"),
        ("quote", "They said so.\n\nAnd so on."),
        ("math", "x=3"),
        ("math", "\\[ e = mc^2 \\]"),
        ("other", "loose words"),
    ]
    _check_blocks(page)


def test_a_table_or_list_that_only_arranges_others_is_no_block() -> None:
    cards = "<ul><li><h3>The first card</h3><p>Its text is here, and it is long.</p></li></ul>"
    layout = "<table><tr><td><h2>On the left side</h2></td><td><p>Right.</p></td></tr></table>"

    kinds = [kind for kind, _ in _kinds(_page(body=cards + layout))]

    assert "list" not in kinds
    assert "table" not in kinds
    assert kinds.count("heading") == 2


def test_links_come_with_their_targets_only_on_request() -> None:
    body = '<p>See <a href="/corn?a=1&amp;b=2">the corn</a> here.</p>'

    assert "See the corn here." in _page(body=body).text
    assert "See the corn (/corn?a=1&b=2) here." in _page(body=body, links=True).text


def test_plain_text_stays_as_it_is_with_its_paragraphs_as_blocks() -> None:
    page = extract_page(
        "\n\none é\r\n  two\r\n\r\n\r\nthree\x00 \n\n\n\nfour\n", [("content-type", "text/plain")], Options()
    )

    assert page.text == "one é\n  two\n\n\nthree \n\n\n\nfour"
    assert [text for _, text in _kinds(page)] == ["one é\n  two", "three", "four"]
    _check_blocks(page)


@pytest.mark.parametrize(
    ("content_type", "head", "kind"),
    [
        ("text/html; charset=x", "anything", "html"),
        ("application/xhtml+xml", "", "html"),
        ("application/xml", "<?xml version='1.0'?><html xmlns='x'>", "html"),
        ("application/xml", "<rss>", "other"),
        ("text/plain", "<p>", "text"),
        ("application/json", "<p>", "other"),
        ("text/html", "%PDF-1.4", "other"),
        (None, "\n<!DOCTYPE html><p>", "html"),
        (None, b"<\x00h\x00t\x00m\x00l\x00>\x00", "html"),
        ("application/octet-stream", "just words", "text"),
        (None, "\x7fELF\x01\x02", "other"),
        (None, "", "other"),
    ],
)
def test_the_kind_of_a_body_comes_from_its_type_or_its_first_bytes(
    content_type: str | None, head: str | bytes, kind: str
) -> None:
    assert kind_of(content_type, head) == kind


def test_what_is_no_page_is_refused_by_rule() -> None:
    with pytest.raises(PageError, match="application/pdf") as not_html:
        extract_page("%PDF", [("Content-Type", "application/pdf")], Options())
    with pytest.raises(PageError) as empty:
        extract_page("<html><body><script>x</script></body></html>", _HTML, Options())

    assert (not_html.value.rule, empty.value.rule) == ("not_html", "empty")


_TAGS = ("p", "ul", "li", "table", "td", "pre", "h1", "blockquote", "math", "main", "title", "svg", "template", "body")
_SCRAPS = st.sampled_from(
    [
        *(f"<{slash}{tag}>" for tag in _TAGS for slash in ("", "/")),
        *("<br>", "<!--", "-->", "$$", "<p title='", "'>", "<a href='x'>", "&#1;", "&#xD800;", "&lt;"),
        *("\x02", "\x00", "\x0c", "\ud800", "é", "😀", "\n", "\t", " ", "word "),
    ]
)


@given(st.lists(st.one_of(_SCRAPS, st.text(max_size=5)), max_size=40), st.booleans(), st.booleans())
def test_any_scraps_of_markup_give_a_sound_page_or_a_page_error(scraps: list[str], main: bool, links: bool) -> None:
    with contextlib.suppress(PageError):
        page = extract_page("".join(scraps), _HTML, Options(main_content=main, links=links))
        page.text.encode()
        assert page.text
        assert not any(character in page.text for character in "\x00\x01\x02\x03\x04\x05\x06")
        assert page.title is None or page.title.encode()
        _check_blocks(page)


@given(st.text(max_size=300), st.sampled_from(["text/plain", "", "text/html"]))
def test_any_text_gives_a_sound_page_or_a_page_error(source: str, content_type: str) -> None:
    with contextlib.suppress(PageError):
        page = extract_page(source, [("Content-Type", content_type)], Options())
        assert "\x00" not in page.text
        _check_blocks(page)
