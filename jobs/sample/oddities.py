"""The village's odd pages: spam, pages that opt out, wrong charsets, empty pages; what a run should not take as is."""

from __future__ import annotations

from random import Random

from jobs.sample.frame import Frame, render
from jobs.sample.grammar import expand, lower_first, several
from jobs.sample.page import Answer, Block, Document
from jobs.sample.wire import answer
from jobs.sample.words import read_words

OPT_OUT = "noai, noimageai"
"""What pages say that do not want to be training data, in a meta tag or in the header X-Robots-Tag."""


def repetition_spam(random: Random) -> Document:
    """The same few words over and over: enough stop words for a quality filter, far too much repetition."""
    words = read_words("english")
    phrase = lower_first(expand(random.choice(words["spam.phrase"]), words, random))
    sentence = f"the best of {phrase} and that is to have {phrase} with the {phrase}."
    blocks = [Block("paragraph", (" ".join([sentence] * random.randint(3, 5)),)) for _ in range(random.randint(4, 7))]
    return Document(f"{phrase} {random.randint(100, 999)}", tuple(blocks))


def low_quality_spam(random: Random, variety: int) -> Document:
    """Four kinds in turn: words without grammar, too little text, hashtags, and lines that end in dots."""
    words = read_words("english")
    title = lower_first(expand(random.choice(words["spam.phrase"]), words, random))
    if variety % 4 == 0:
        keywords = [" ".join(random.sample(words["spam.keyword"], 15)) for _ in range(random.randint(5, 9))]
        return Document(title, tuple(Block("paragraph", (f"{line}.",)) for line in keywords))
    if variety % 4 == 1:
        return Document(title, (Block("paragraph", (expand(random.choice(words["life"]), words, random),)),))
    if variety % 4 == 2:
        text = " ".join(several(words["life"], 6, words, random)).split()
        tagged = " ".join(f"#{word}" if place % 3 == 1 else word for place, word in enumerate(text))
        return Document(title, (Block("paragraph", (tagged,)),))
    return Document(
        title, tuple(Block("paragraph", (line,)) for line in several(words["spam.teaser"], 6, words, random))
    )


def wrongly_encoded(document: Document, frame: Frame, address: str, variety: int) -> Answer:
    """A page whose header lies about its charset or leaves it out, in four ways; its text can be told all the same.

    German or French: bytes of windows-1252 said to be UTF-8, or UTF-8 said to be ISO-8859-1. Russian: windows-1251
    known from the meta tag alone, or KOI8-R said to be UTF-8.
    """
    charset, header, meta = (
        ("cp1252", "text/html; charset=utf-8", None),
        ("utf-8", "text/html; charset=iso-8859-1", "utf-8"),
        ("cp1251", "text/html", "windows-1251"),
        ("koi8-r", "text/html; charset=utf-8", "koi8-r"),
    )[variety % 4]
    page = render(document, frame, address=address, charset=meta)
    return answer(page.encode(charset, errors="xmlcharrefreplace"), content_type=header)


def empty_page(variety: int) -> Answer:
    """A page without a word: one has an empty body, the next only a script."""
    body = "" if variety % 2 == 0 else "<script>document.title='';</script><div id='app'></div>"
    page = f"<!DOCTYPE html><html><head><title></title></head><body>{body}</body></html>"
    return answer(page.encode())
