"""Limits: pages made to cost minutes or gigabytes are refused by a count, and large honest pages are not."""

from __future__ import annotations

import pytest

from stages.html.page import Options, PageError, extract_page

_HTML = [("Content-Type", "text/html")]


def _refusal(source: str, options: Options | None = None) -> PageError:
    with pytest.raises(PageError) as caught:
        extract_page(source, _HTML, options or Options())
    return caught.value


@pytest.mark.parametrize("tag", ["div", "span", "ul><li", "blockquote", "table><tr><td"])
def test_a_page_deeper_than_the_limit_is_refused(tag: str) -> None:
    error = _refusal("<body><p>text</p>" + f"<{tag}>" * 60_000 + "text")

    assert error.rule in ("too_deep", "too_many_nodes")


def test_depth_is_measured_on_the_tree_and_not_on_the_tags() -> None:
    shallow = "<main><p>text<br>" + "<div><p>more text</div>" * 3000

    assert extract_page(shallow, _HTML, Options()).text.startswith("text\n")
    assert _refusal("<main>" + "<div>" * 101 + "text", Options(max_depth=100)).limit == 100


def test_the_depth_allowed_shrinks_with_the_size_of_the_page() -> None:
    error = _refusal("<body>" + "<div>" * 1500 + "word " * 200_000)

    assert error.rule == "too_deep"
    assert error.limit is not None
    assert error.limit < 1500


def test_more_elements_than_the_limit_are_refused() -> None:
    error = _refusal("<main>" + "<p>x" * 3000, Options(max_nodes=2500))

    assert (error.rule, error.limit) == ("too_many_nodes", 2500)


def test_formatting_that_the_parser_would_copy_is_refused_before_it_is_parsed() -> None:
    fonts = "".join(f"<font color={number}>" for number in range(20_000))

    assert _refusal(f"<p>{fonts}</p>" + "<p>x" * 20_000).rule == "too_many_nodes"


def test_formatting_that_is_closed_again_is_no_harm() -> None:
    source = "<main>" + "".join(f"<p>word <b id={number}>bold</b></p>" for number in range(1500))

    assert extract_page(source, _HTML, Options()).text.count("bold") == 1500


def test_a_tag_with_more_attributes_than_anybody_writes_is_refused() -> None:
    attributes = " ".join(f"a{number}=b" for number in range(50_000))

    assert _refusal(f"<body><p {attributes}>text").rule == "too_many_attributes"


@pytest.mark.parametrize(
    "source",
    [
        '<main><p title="' + "word " * 100_000 + '">text</p>',
        "<script>a<b;" + "word 'x' " * 50_000 + "</script><main><p>text</p>",
    ],
)
def test_a_long_attribute_or_script_is_no_harm(source: str) -> None:
    assert extract_page(source, _HTML, Options()).text == "text"


@pytest.mark.parametrize(
    "scrap", ["<meta a='", "<time ", "<title ", "<table ", "<!--", "<script ", '"datePublished":', "<html "]
)
def test_a_scrap_repeated_without_end_is_read_in_linear_time(scrap: str) -> None:
    source = f"<main><p>text {scrap * 9_000}"

    try:
        extract_page(source, _HTML, Options())
    except PageError as error:
        assert error.rule in ("too_many_attributes", "empty")  # noqa: PT017
