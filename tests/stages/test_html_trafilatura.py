"""The engine trafilatura: the same page with blocks, and nothing that depends on other pages or on today."""

from __future__ import annotations

import sys

import pytest

from stages.html.page import Options, PageError, extract_page

_HTML = [("Content-Type", "text/html")]
_MORE = " It grinds corn for the three villages by the river, day after day and year after year." * 4
_SOURCE = f"""<!doctype html><html lang="en"><head><title>Mills</title></head><body><nav>Home Shop</nav><article>
<h1>The Mill</h1><p>The mill <b>stands</b>.{_MORE}</p><ul><li>one</li><li>two<ol><li>deep</li></ol></li></ul>
<blockquote><p>They said so.</p></blockquote><table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>
<pre><code>def f(x):
    return x &lt; 3</code></pre><p>Käse.{_MORE}</p></article><footer>All rights reserved</footer></body></html>"""


@pytest.mark.parametrize("mode", ["balanced", "precision", "recall"])
def test_text_and_blocks_are_laid_out_like_the_first_engines(mode: str) -> None:
    page = extract_page(_SOURCE, _HTML, Options(engine="trafilatura", mode=mode))  # type: ignore[arg-type]

    text = page.text.encode()
    blocks = [(kind, text[start:end].decode()) for kind, start, end in page.blocks]
    assert blocks[0] == ("heading", "The Mill")
    assert ("list", "- one\n- two\n  1. deep") in blocks
    assert ("quote", "They said so.") in blocks
    assert ("table", "A\tB\n1\t2") in blocks
    assert ("code", "def f(x):\n    return x < 3") in blocks
    assert "The mill stands. It grinds" in page.text
    assert "reserved" not in page.text
    assert (page.title, page.language) == ("Mills", "en")


def test_a_page_does_not_depend_on_those_before_it() -> None:
    options = Options(engine="trafilatura")

    pages = [extract_page(_SOURCE, _HTML, options) for _ in range(4)]

    assert pages == [pages[0]] * 4


def test_no_date_after_the_crawl_is_believed() -> None:
    source = _SOURCE.replace("<ul>", '<p class="published">Published on 2021-05-06</p><ul>')
    options = Options(engine="trafilatura")

    assert extract_page(source, _HTML, options, crawled="2022-01-01").date in ("2021-05-06", None)
    assert extract_page(source, _HTML, options, crawled="2020-01-01").date is None


def test_a_page_without_text_is_empty() -> None:
    with pytest.raises(PageError) as caught:
        extract_page("<html><body></body></html>", _HTML, Options(engine="trafilatura"))

    assert caught.value.rule == "empty"


def test_a_missing_trafilatura_says_which_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trafilatura", None)

    with pytest.raises(ImportError, match=r"textmill\[trafilatura\]"):
        extract_page(_SOURCE, _HTML, Options(engine="trafilatura"))
