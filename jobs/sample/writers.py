"""Write the village's documents, one function per kind of page; each takes a `Random` and depends on nothing else.

No two sentences of a page come from the same pattern, and every pattern has several places to fill, so that pages
share hardly any five words in a row unless they are meant to.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from jobs.sample.formulas import FORMULAS
from jobs.sample.grammar import Words, expand, lower_first, paragraphs, several
from jobs.sample.page import Block, Document
from jobs.sample.words import LANGUAGES, read_words

Writer = Callable[[Random], Document]

_MONTHS = ("January", "March", "April", "June", "August", "September", "November")
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def subjects(words: Words, family: str) -> list[str]:
    """The subjects of a family of lists: `article.bees.title` gives `bees` for the family `article`."""
    parts = [name.split(".") for name in words]
    return sorted({part[1] for part in parts if part[0] == family and len(part) == 3 and part[1] != "option"})


def article(language: str, random: Random) -> Document:
    """A piece of the chronicle: mostly one subject, with something of others or of village life; one in ten is long."""
    words = read_words(LANGUAGES[language])
    first, second, third = random.sample(subjects(words, "article"), 3)
    sentences = several(words[f"article.{first}.sentence"], random.randint(7, 11), words, random)
    if "life" in words:
        sentences += several(words["life"], random.randint(3, 9), words, random)
    else:
        sentences += several(words[f"article.{second}.sentence"], random.randint(3, 5), words, random)
    if random.random() < 0.3:
        sentences += several(words[f"article.{third}.sentence"], random.randint(4, 6), words, random)
    if random.random() < 0.1:
        for other in subjects(words, "article"):
            if other not in (first, second, third):
                sentences += several(words[f"article.{other}.sentence"], 8, words, random)
    title = expand(random.choice(words[f"article.{first}.title"]), words, random)
    return Document(title, _paragraphs(sentences, random), language)


def forum_thread(random: Random) -> Document:
    """A question and two to five answers, each signed and dated."""
    words, _ = _overlay("forum", random)
    answers = random.randint(2, 5)
    replies = several(words["forum.answer"], answers * 3, words, random)
    posts = [_post(several(words["forum.question"], random.randint(5, 8), words, random), words, random)]
    posts += [_post(replies[number * 3 : number * 3 + 3], words, random) for number in range(answers)]
    title = expand(random.choice(words["forum.title"]), words, random)
    return Document(title, tuple(posts))


def with_personal_data(document: Document, random: Random) -> Document:
    """The same thread with one more post that gives away made-up personal data: an address at example.org (RFC 2606),
    a 555 number, a card number of the payment industry's public test range, or an address of RFC 5737."""
    words = read_words("english")
    person = expand("<first>.<last>", words, random).lower()
    data = {
        "email": f"{person}@example.org",
        "phone": f"+1 555 01{random.randint(0, 99):02d}",
        "card": random.choice(("4111 1111 1111 1111", "5555 5555 5555 4444", "3782 822463 10005")),
        "address": f"192.0.2.{random.randint(1, 254)}",
    }
    name = random.choice(sorted(data))
    pattern = next(line for line in words["forum.contact"] if f"@{name}@" in line)
    sentence = pattern.replace(f"@{name}@", data[name])
    post = _post([sentence, *several(words["life"], 2, words, random)], words, random)
    return Document(document.title, (*document.blocks, post), document.language, (data[name],))


def shop_item(random: Random) -> Document:
    """A thing to buy: description, properties and what buyers said."""
    words, _ = _overlay("shop", random)
    sentences = several(words["shop.sentence"], random.randint(9, 13), words, random)
    reviews = [
        _post([text], words, random) for text in several(words["shop.review"], random.randint(2, 4), words, random)
    ]
    price = f"Price: {random.randint(9, 240)} crowns, {random.choice(('in stock', 'made to order', 'two weeks'))}"
    title = expand(random.choice(words["shop.title"]), words, random)
    heading = Block("heading", ("What buyers say",))
    return Document(title, (*_paragraphs(sentences, random), Block("paragraph", (price,)), heading, *reviews))


def recipe(random: Random) -> Document:
    """A dish: where it comes from, what goes in, what to do, what to serve with it."""
    words, _ = _overlay("recipe", random)
    blocks = list(_paragraphs(several(words["recipe.introduction"], random.randint(4, 6), words, random), random))
    blocks.append(Block("heading", ("Ingredients",)))
    blocks.append(Block("list", tuple(several(words["recipe.ingredient"], random.randint(6, 9), words, random))))
    blocks.append(Block("heading", ("Method",)))
    blocks.extend(_paragraphs(several(words["recipe.step"], random.randint(8, 12), words, random), random))
    blocks.extend(_paragraphs(several(words["recipe.closing"], random.randint(2, 4), words, random), random))
    return Document(expand(random.choice(words["recipe.title"]), words, random), tuple(blocks))


def tool_page(random: Random) -> Document:
    """The manual of one command: text, options, and code."""
    words, tool = _overlay("docs", random)
    verb = random.choice(words["docs.verb"])
    sentences = several(words["docs.sentence"], random.randint(12, 16), words, random)
    middle = len(sentences) // 2
    options = random.sample(sorted(name for name in words if name.startswith("docs.option.")), random.randint(3, 6))
    described = [f"{name.rpartition('.')[2]} {lower_first(expand(words[name][0], words, random))}." for name in options]
    blocks = [
        *_paragraphs(sentences[:middle], random),
        Block("heading", ("Options",)),
        Block("list", tuple(described)),
        Block("heading", ("Example",)),
        Block("code", _code(tool, verb, random)),
        Block("heading", ("Notes",)),
        *_paragraphs(sentences[middle:], random),
    ]
    return Document(f"{tool} {verb}", tuple(blocks))


def table_page(random: Random) -> Document:
    """A table with an explanation round it."""
    words = read_words("english")
    sentences = several(words["table.sentence"], random.randint(7, 10), words, random)
    rows = ["Day\tPlace\tWith\tValue"]
    for day in _DAYS:
        rows.append(
            f"{day}\t{expand('<place>', words, random)}\t{expand('<name>', words, random)}\t{random.randint(2, 98)}"
        )
    title = expand(random.choice(words["table.title"]), words, random)
    before, after = _paragraphs(sentences[:4], random), _paragraphs(sentences[4:], random)
    return Document(title, (*before, Block("table", tuple(rows)), *after))


def formula_page(random: Random) -> Document:
    """A lesson about a formula, in MathML and in TeX."""
    formula = random.choice(FORMULAS)
    words: Words = {**read_words("english"), "quantity": [formula.quantity], "symbol": [formula.symbol]}
    sentences = several(words["formula.sentence"], random.randint(7, 10), words, random)
    title = expand(random.choice(words["formula.title"]), words, random)
    before, after = _paragraphs(sentences[:3], random), _paragraphs(sentences[3:], random)
    return Document(title, (*before, Block("math", (formula.tex, formula.mathml)), *after))


def notice(random: Random) -> Document:
    """A hard negative: the weather station's daily notice, whose frame is always the same and whose news never is."""
    words: Words = {**read_words("english"), "day": [str(random.randint(1, 9999))]}
    readings = several(words["notice.reading"], 7, words, random)
    frame = [Block("paragraph", (" ".join(words["notice.frame"]),))]
    return Document(expand(words["notice.title"][0], words, random), (*frame, *_paragraphs(readings, random)))


def _overlay(family: str, random: Random) -> tuple[Words, str]:
    """The English words with one subject's own lists under their short names, and the subject."""
    words = read_words("english")
    subject = random.choice(subjects(words, family))
    own = {name.rpartition(".")[2]: words[name] for name in words if name.startswith(f"{family}.{subject}.")}
    return {**words, **own}, subject


def _paragraphs(sentences: list[str], random: Random) -> tuple[Block, ...]:
    return tuple(Block("paragraph", (text,)) for text in paragraphs(sentences, random))


def _post(sentences: list[str], words: Words, random: Random) -> Block:
    day = f"{random.randint(1, 28)} {random.choice(_MONTHS)} {random.randint(2009, 2025)}"
    return Block("post", (f"{expand('<name>', words, random)}, {day}", " ".join(sentences)))


def _code(tool: str, verb: str, random: Random) -> tuple[str, ...]:
    table = random.choice(("entries", "records", "rows", "items"))
    entry = random.choice(("entry", "line", "thing", "one"))
    limit = random.randint(3, 90)
    return (
        f"from village import {tool}",
        "",
        "",
        f"def {verb}_{table}(path: str, limit: int = {limit}) -> int:",
        f'    """Hand the first {limit} {table} of a file to {tool}."""',
        f"    {table} = {tool}.load(path)",
        f"    for {entry} in {table}[:limit]:",
        f"        {tool}.{verb}({entry})",
        f"    return len({table})",
    )
