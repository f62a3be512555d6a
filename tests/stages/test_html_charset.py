"""Charsets: claims in their order of trust, each checked on the bytes, and never an error."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.html.charset import charset_of, decode_text

_GERMAN = "<p>Über grüne Hügel führt die Straße, größer als früher, schön wär's – „Käse“ für Äpfel.</p>"
_RUSSIAN = "<p>Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.</p>"
_CHINESE = "<p>學而時習之，不亦說乎？有朋自遠方來，不亦樂乎？人不知而不慍，不亦君子乎？</p>"
_JAPANESE = "<p>吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。</p>"
_KOREAN = "<p>모든 행복한 가정은 서로 닮았지만 불행한 가정은 저마다의 이유로 불행하다고 한다.</p>"


@pytest.mark.parametrize(
    ("text", "codec", "label", "name"),
    [
        (_GERMAN, "utf-8", "UTF-8", "utf-8"),
        (_GERMAN, "cp1252", "latin-1", "windows-1252"),
        (_GERMAN, "cp1252", "ISO-8859-1", "windows-1252"),
        (_RUSSIAN, "cp1251", "windows-1251", "windows-1251"),
        (_RUSSIAN, "koi8-r", "koi8-r", "koi8-r"),
        (_CHINESE, "gb18030", "gb2312", "gb18030"),
        (_CHINESE, "big5hkscs", "big5", "big5"),
        (_JAPANESE, "cp932", "Shift_JIS", "shift_jis"),
        (_JAPANESE, "euc_jp", "euc-jp", "euc-jp"),
        (_KOREAN, "cp949", "euc-kr", "euc-kr"),
        (_GERMAN, "utf-16", "utf-16", "utf-16-le"),
        (_GERMAN, "utf-16-be", "utf-16", "utf-16-be"),
    ],
)
def test_a_true_header_is_believed_and_labels_mean_what_browsers_make_of_them(
    text: str, codec: str, label: str, name: str
) -> None:
    assert decode_text(text.encode(codec), label) == (text, name, "header")


@pytest.mark.parametrize("label", ["iso-8859-1", "windows-1251", "gb2312", "utf-16", "bogus-charset-99", "utf-7", "é"])
def test_utf8_under_a_false_header_is_found_in_the_meta_tag(label: str) -> None:
    text = f'<meta charset="utf-8">{_GERMAN}'

    assert decode_text(text.encode(), label) == (text, "utf-8", "meta")


def test_a_header_with_western_charset_does_not_turn_cyrillic_into_mojibake() -> None:
    text = f'<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">{_RUSSIAN}'

    assert decode_text(text.encode("cp1251"), "iso-8859-1") == (text, "windows-1251", "meta")


@pytest.mark.parametrize(
    ("bom", "codec"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
@pytest.mark.parametrize("label", [None, "iso-8859-1"])
def test_a_bom_tells_the_encoding_and_is_cut_off(bom: bytes, codec: str, label: str | None) -> None:
    assert decode_text(bom + _GERMAN.encode(codec), label) == (_GERMAN, codec, "bom")


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        (_GERMAN, "utf-8", "utf-8"),
        (_GERMAN * 4, "cp1252", "windows-1252"),
        (_RUSSIAN * 4, "cp1251", "windows-1251"),
        (_JAPANESE * 4, "cp932", "shift_jis"),
        (_KOREAN * 4, "cp949", "euc-kr"),
        (_GERMAN, "utf-16-le", "utf-16-le"),
        (_GERMAN, "utf-16-be", "utf-16-be"),
    ],
)
def test_an_encoding_that_nobody_names_is_detected(text: str, codec: str, name: str) -> None:
    assert decode_text(text.encode(codec), None) == (text, name, "detected")


def test_one_broken_byte_does_not_cost_utf8_its_page() -> None:
    body = (_GERMAN * 5).encode() + b"\xff" + _GERMAN.encode()

    text, name, _ = decode_text(body, "utf-8")

    assert (name, text.count("\ufffd"), text.count("Straße")) == ("utf-8", 1, 6)


def test_a_character_cut_off_at_the_end_is_no_fault() -> None:
    assert decode_text("<p>käse</p>é".encode()[:-1], "utf-8") == ("<p>käse</p>", "utf-8", "header")


def test_a_meta_tag_in_a_comment_is_none() -> None:
    body = f'<!-- <meta charset="koi8-r"> --><meta charset=windows-1252>{_GERMAN}'.encode("cp1252")

    assert decode_text(body, None)[1:] == ("windows-1252", "meta")


@pytest.mark.parametrize(
    ("header", "charset"),
    [
        ("text/html; charset=utf-8", "utf-8"),
        ('TEXT/HTML;Charset="ISO-8859-1"; x=y', "ISO-8859-1"),
        ("text/html", None),
        (None, None),
    ],
)
def test_the_charset_of_a_content_type_is_its_parameter(header: str | None, charset: str | None) -> None:
    assert charset_of(header) == charset


@given(st.binary(max_size=400), st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["utf-8", "utf-16", "gbk"])))
def test_random_bytes_give_text_that_utf8_can_hold(body: bytes, label: str | None) -> None:
    text, name, source = decode_text(body, label)

    text.encode()
    codecs.lookup({"windows-874": "cp874"}.get(name, name))
    assert source in ("header", "bom", "meta", "detected")
