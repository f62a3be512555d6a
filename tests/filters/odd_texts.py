"""Texts on which filters go wrong: by hypothesis, and a list of those that every rule has to be held against."""

from __future__ import annotations

from hypothesis import strategies as st

PROSE = (
    "The mill of the village stands where the river bends, and people have been bringing it their grain since the "
    "bridge was built. Nobody knows how old the wheel is. It turns slowly, with the patience of a thing that was made "
    "to be of use, and the miller says that it will outlast the church. Have you ever seen it turn?"
)

WORDS = st.sampled_from(
    [
        *("the", "The", "and", "be", "to", "of", "that", "a", "mill", "wheel.", "turns!", "x1", "1984", "-", "•", "--"),
        *("#", "##tag", "...", "…", "....", ".", "so...", "?", '"quoted"', "it's", "é", "e\u0301", "\u0301", "漢字。"),
        *("שלום", "\u202eשלום", "مرحبا؟", "नमस्ते।", "🙂", "👩\u200d👩\u200d👧", "\0", "\ufeff", "\u200b", "\ufffd"),
        *("\U0010ffff", "ſ", "İ", "\u212a", "x" * 40, "«x»", "[1]", "[edit]", "{", "JavaScript", "lorem", "ipsum"),
    ]
)
BLANKS = st.sampled_from(
    [
        *(
            " ",
            " ",
            " ",
            " ",
            "\n",
            "\n",
            "\n\n",
            "\n\n\n",
            "  ",
            "\t",
            "\r\n",
            "\r",
            "\n\r",
            " \n",
            "\n ",
            "\r\n\r\n",
            "",
        ),
        *("\x0b", "\x0c", "\x1c", "\x1e", "\x1f", "\x85", "\xa0", "\u1680", "\u2009", "\u2028", "\u2029", "\u3000"),
    ]
)
PHRASES = st.lists(st.tuples(WORDS, BLANKS), max_size=25).map(lambda pairs: "".join(a + b for a, b in pairs))
LOOPS = st.builds(
    lambda start, loop, times, end: start + loop * times + end, PHRASES, PHRASES, st.integers(2, 6), PHRASES
)
IN_PROSE = st.builds(lambda at, phrase: PROSE[:at] + phrase + PROSE[at:], st.integers(0, len(PROSE)), PHRASES)

TEXTS = st.one_of(PHRASES, LOOPS, IN_PROSE, LOOPS.map(lambda text: f"{PROSE}\n{text}"), st.text(max_size=80))
"""Words and blanks of all kinds, alone, repeated, and within prose that passes every rule."""

LINES = st.sampled_from(
    [
        *(
            "The mill turns.",
            "It turns?",
            "so they say...",
            'he said "so"',
            "no end",
            "one two.",
            "a b c d'",
            "{ x.",
            ".",
        ),
        *(
            "JavaScript is off.",
            "javaſcript on.",
            "JAVASCRIPT",
            "lorem ipsum",
            "Lorem Ipsum dolor.",
            "lorem  ipsum.",
            "{",
        ),
        *("Terms of Use apply.", "Our Privacy Policy.", "It uses coo\u212aies.", "use cookies now!", "use c[1]ookies."),
        *("[1]", "[]", "[12]", "[edit]", "[citation needed]", "[ 1]", "[1", "[\u0663]", "[edit", "[[2]]", "[Edit]"),
        *("x" * 1000, "x" * 1001, "é" * 1000, "\u212a" * 3, "İ", "\0", "🙂.", "مرحبا؟", "\u202e."),
    ]
)
LINE_ENDS = st.sampled_from(
    [" ", " ", " ", "", "\n", "\n", "\r\n", "\r", "\n\n", "\u2028", "\x85", "\x1c", "\u3000", "\t"]
)
PAGES = st.one_of(
    TEXTS,
    st.lists(st.tuples(LINES, LINE_ENDS), max_size=14).map(lambda pairs: "".join(a + b for a, b in pairs)),
)
"""Lines that C4 keeps and cuts for every reason, with all line ends, and the texts above."""

EDGES = {
    "empty": "",
    "one blank": " ",
    "only newlines": "\n\n\n",
    "one word": "mill",
    "one letter": "a",
    "one line": PROSE,
    "one line that ends": f"{PROSE}\n",
    "only punctuation": "?! ... -- … , . ; : !!! ??? ( ) [ ] « »",
    "only ellipses": "...\n...\n… …",
    "only hashes": "# # #",
    "emoji": "🙂 🙂 👩\u200d👩\u200d👧 🇺🇦 🙂🙂🙂 " * 20,
    "right to left": "\u202bשלום עולם، مرحبا بالعالم؟\u202c \u202eabc def\u202c " * 10,
    "combining marks": "e\u0301a\u0308 \u0301\u0302 n\u0303 a" + "\u0300" * 500,
    "NUL bytes": "a\0b \0 \0\0 c\0\n\0\n\0 mill\0wheel",
    "all line ends": "one.\rtwo.\r\nthree.\n\rfour.\x85five.\u2028six.\u2029seven.\x0beight.\x0cnine.\x1cten.",
    "CR LF": PROSE.replace(". ", ".\r\n\r\n"),
    "CR at the end": "one.\r",
    "a very long word": f"{PROSE} {'x' * 5_000} {PROSE}",
    "no blank at all": PROSE.replace(" ", ""),
    "Chinese": "磨坊在河边。水车慢慢地转。没有人知道它有多老。\n" * 12,
    "a byte order mark": f"\ufeff{PROSE}",
    "highest code points": "\U0010ffff \U0010fffe \uffff \ufffe \ue000 \ud7ff",
    "the same line again": f"{PROSE}\n" * 30,
    "the same words again": "the mill and the wheel of the mill " * 200,
}
"""By what is odd about each."""

BIG = {
    "a line of a megabyte": PROSE * 2_600,
    "a word of a megabyte": "x" * 1_000_000,
    "newlines again and again": "\n" * 50_000,
    "one word again and again": "mill " * 20_000,
}
