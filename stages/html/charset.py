"""From bytes to text: which of the encodings that header, BOM and meta tag claim is true, or which one was found out.

The one idea: claims are asked in the order of trust (header, BOM, meta, detection) and each must pass a check on the
bytes. A claim that cannot decode them, or decodes them to what only a wrong encoding gives (UTF-8 read as Latin,
Cyrillic read as Latin, control characters), hands over to the next. Nothing ever raises: the last resort is UTF-8 with
replacement characters. Labels mean what browsers make of them: https://encoding.spec.whatwg.org/#names-and-labels.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterator

_HEAD = 8192
"""Bytes searched for a meta tag; browsers look at 1,024, but pages that open with scripts are common in crawls."""
_DETECTION_SAMPLE = 65536
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_META = re.compile(rb"<meta\s[^>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_XML = re.compile(rb"\A\s*<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]+)[\"']")
_HEADER_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?\s*([^\"';,\s]+)", re.IGNORECASE)
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CONTROLS = re.compile("[\x01-\x08\x0e-\x1a\x7f-\x84\x86-\x9f]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]{4,}")
_WIDER = {
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-11": "cp874",
    "iso2022_jp": "iso2022_jp_ext",
}
"""Browsers read these labels as the wider encoding; Python's codec of the same name is the narrow one."""
_MORE_LABELS = {"latin-1": "cp1252", "utf_8": "utf-8", "x-mac-cyrillic": "mac_cyrillic", "x-user-defined": "cp1252"}
_NAMES = {"cp932": "shift_jis", "cp949": "euc-kr", "big5hkscs": "big5", "cp874": "windows-874"}


def charset_of(content_type: str | None) -> str | None:
    """The charset that a Content-Type header names, as it stands there."""
    found = _HEADER_CHARSET.search(content_type or "")
    return found.group(1) if found else None


def decode_text(body: bytes, http_charset: str | None) -> tuple[str, str, str]:
    """The text, the name of its encoding, and where the name came from: `header`, `bom`, `meta` or `detected`.

    `http_charset` is the label of the Content-Type header, known or not. The text carries no BOM and no lone
    surrogates; NULs of the body stay in it. Never raises.
    """
    refused: list[tuple[str, str]] = []
    for codec, source in _claims(body, http_charset):
        if all(codec != other for other, _ in refused):
            text = _checked(body, codec)
            if text is not None:
                return text.removeprefix("\ufeff"), _name(codec), source
            refused.append((codec, source))
    # No claim is clean: the first that is wrong in at most one of a hundred bytes beyond ASCII, else UTF-8 as it comes.
    for codec, source in refused:
        text = body.decode(codec, "replace")
        if not codec.startswith("utf-16") and text.count("\ufffd") * 100 <= _high_bytes(body):
            return text.removeprefix("\ufeff"), _name(codec), source
    return body.decode("utf-8", "replace").removeprefix("\ufeff"), "utf-8", "detected"


def _claims(body: bytes, http_charset: str | None) -> Iterator[tuple[str, str]]:
    header = _codec(http_charset)
    if header == "utf-16-le" and _looks_big_endian(body):
        header = "utf-16-be"
    if header is not None:
        yield header, "header"
    for bom, codec in _BOMS:
        if body.startswith(bom):
            yield codec, "bom"
    meta = _meta_codec(body)
    if meta is not None:
        yield meta, "meta"
    if not _looks_like_utf16(body):
        yield "utf-8", "detected"
    yield _detected_codec(body), "detected"


def _codec(label: str | None) -> str | None:
    """The Python codec for a label of the web, or nothing for an unknown label."""
    from resiliparse.parse.encoding import map_encoding_to_html5

    if not label or not label.isascii():
        return None
    label = label.strip().lower()
    mapped = _MORE_LABELS.get(label) or map_encoding_to_html5(label, fallback_utf8=False)
    return _WIDER.get(mapped, mapped) if mapped else None


def _meta_codec(body: bytes) -> str | None:
    head = _COMMENT.sub(b"", body[:_HEAD])
    found = _META.search(head) or _XML.match(head)
    if found is None:
        return None
    codec = _codec(found.group(1).decode("ascii"))
    # A tag that could be read byte by byte is not in UTF-16: https://html.spec.whatwg.org/#prescan-a-byte-stream
    return "utf-8" if codec is not None and codec.startswith("utf-16") else codec


def _detected_codec(body: bytes) -> str:
    from resiliparse.parse.encoding import detect_encoding

    if _looks_like_utf16(body):
        return "utf-16-be" if _looks_big_endian(body) else "utf-16-le"
    # Not mapped for HTML by the detector: that turns its own names beyond the standard's list (cp949) into UTF-8.
    label = detect_encoding(body, max_len=_DETECTION_SAMPLE, html5_compatible=False, from_html_meta=False)
    codec = _codec(label)
    if codec is None and label:
        with contextlib.suppress(LookupError):
            codec = codecs.lookup(label).name
    return codec or "utf-8"


def _looks_like_utf16(body: bytes) -> bool:
    """Whether a quarter of the head is NUL, as Latin markup in two-byte units has it."""
    sample = body[:4096]
    return sample.count(0) * 4 >= len(sample) > 3


def _looks_big_endian(body: bytes) -> bool:
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.startswith(codecs.BOM_UTF16_BE)
    return body[:4096:2].count(0) > body[1:4096:2].count(0)


def _checked(body: bytes, codec: str) -> str | None:
    """The text under `codec`, or nothing where the bytes speak against it."""
    if codec == "utf-8":
        return _checked_utf8(body)
    if codec.startswith("utf-16"):
        return _checked_utf16(body, codec)
    if body.startswith(codecs.BOM_UTF8) or body.count(0, 0, 4096) * 10 > min(len(body), 4096):
        return None
    try:
        text = codecs.getincrementaldecoder(codec)("strict").decode(body)
    except UnicodeError:
        return None
    if body.isascii():
        return text
    if _mostly_utf8(body, codec) or _CONTROLS.search(text):
        return None
    return None if codec == "cp1252" and _runs_like_another_script(body) else text


def _checked_utf8(body: bytes) -> str | None:
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\x1b$" in body[:65536]:
        return None
    if _looks_like_utf16(body):
        return None
    try:
        # Not final: a download that breaks off inside a character is still clean.
        return codecs.getincrementaldecoder("utf-8")("strict").decode(body)
    except UnicodeError:
        pass
    return body.decode("utf-8", "replace") if _mostly_utf8(body, "utf-8") else None


def _checked_utf16(body: bytes, codec: str) -> str | None:
    if not body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and body.count(0, 0, 4096) * 50 < len(
        body[:4096]
    ):
        return None
    try:
        return codecs.getincrementaldecoder(codec)("strict").decode(body)
    except UnicodeError:
        return None


def _mostly_utf8(body: bytes, codec: str) -> bool:
    """Whether the bytes beyond ASCII form UTF-8 sequences, with a stray one now and then.

    One sequence is enough against a single-byte encoding, where it would be a letter followed by a symbol. Two-byte
    encodings give valid sequences by chance, so against them it takes eight.
    """
    text = body.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = len(text) - wrong - (len(body) - _high_bytes(body))
    multibyte = codec in ("gb18030", "cp932", "cp949", "big5hkscs", "euc_jp")
    return right >= (8 if multibyte else 1) and wrong * 20 <= right


def _high_bytes(body: bytes) -> int:
    return len(body.translate(None, _ASCII))


def _runs_like_another_script(body: bytes) -> bool:
    """Whether most bytes beyond ASCII stand in runs of four and more, as in no language written in Latin letters."""
    sample = body[:_DETECTION_SAMPLE]
    high = _high_bytes(sample)
    return high >= 32 and sum(map(len, _HIGH_RUN.findall(sample))) * 2 > high


def _name(codec: str) -> str:
    if codec.startswith("cp125"):
        return f"windows-{codec[2:]}"
    return _NAMES.get(codec, codec.replace("_", "-"))


_ASCII = bytes(range(128))
