"""FineInstructions' template filling: which templates suit a document, and what a filled one is worth.

A template suits by its words: the share of the words of its `about` that the window has, among windows the best one;
templates marked `any` suit everything, after those that fit by their words. (An index of embeddings in place of shared
words is what the method has; it can take this function's place.) The reply is one JSON object. Its excerpts are
expanded from the document, each only if exactly one span of it matches, so what is copied is copied word for word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rewrite.family import Loss
from rewrite.template import TemplateFault
from rewrite.traits import words_of
from stages.hashing import unit_interval

TEMPLATES: Final = Path(__file__).with_name("instructions") / "templates.yaml"

_EXCERPT: Final = re.compile(r"<excerpt>(.*?)</excerpt>", re.DOTALL)
_TAGS: Final = re.compile(r"<(?=/?(?:excerpt|fi)>|\.\.\.>)")
_FENCE: Final = re.compile(r"\A```(?:json)?\s*(.*?)\s*```\Z", re.DOTALL)
_ANY: Final = "any"


class FillTemplate(BaseModel):
    """An instruction with slots, and what a document that answers it talks about."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    id: Annotated[str, Field(min_length=1)]
    """What new documents call it in their column `template`."""
    template: Annotated[str, Field(pattern=r"<fi>.+</fi>")]
    """The instruction; slots are `<fi>kind of thing</fi>`."""
    about: Annotated[str, Field(min_length=1)]
    """Words of a document that answers it, or `any`."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What a reply made of a template: the pair, or the loss. `copied`: share of the answer that excerpts gave."""

    instruction: str
    answer: str
    copied: float
    loss: Loss | None = None


def read_templates(file: Path) -> tuple[FillTemplate, ...]:
    """The templates of a YAML list. Raises TemplateFault that says what is wrong with it."""
    try:
        values: Any = yaml.safe_load(file.read_text("utf-8"))
        found = TypeAdapter(tuple[FillTemplate, ...]).validate_python(values)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TemplateFault(f"it is not YAML in UTF-8: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise TemplateFault(f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}") from error
    names = [one.id for one in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not found:
        raise TemplateFault(f"the id {twice[0]!r} stands there twice" if twice else "there are no templates in it")
    return found


def suited(
    templates: Sequence[FillTemplate], windows: Sequence[str], count: int, seed: int, document: str
) -> list[tuple[FillTemplate, int]]:
    """The `count` templates that suit a document best, each with its best window; ties fall by seed and id."""
    words = [set(words_of(window)) for window in windows]
    ranked = []
    for one in templates:
        wanted = set(words_of(one.about)) if one.about != _ANY else set()
        fits = [len(wanted & mine) / len(wanted) if wanted else 0.0 for mine in words]
        if wanted and not max(fits):
            continue
        chance = unit_interval(seed, "template", document, one.id)
        ranked.append((-max(fits), chance, one.id, one, fits.index(max(fits))))
    return [(one, window) for *_, one, window in sorted(ranked, key=lambda entry: entry[:3])[:count]]


def without_tags(text: str) -> str:
    """A document's text for the prompt, in which no tag of ours can be copied from."""
    return _TAGS.sub("< ", text)


def read_filled(reply: str, document: str) -> Filled:
    """The pair of a reply, with its excerpts taken from the document."""
    shape = _object(reply)
    if shape is None:
        return _lost(Loss("unparsable", message="not one JSON object of instruction and answer", text=reply))
    instruction, answer = shape
    if answer is None:
        return _lost(Loss("incompatible", message="the document does not answer the template", text=instruction))
    if "<fi>" in instruction or "</fi>" in instruction or not instruction.strip():
        return _lost(Loss("unfilled", message="a slot of the template is not filled", text=instruction))
    pieces: list[str] = []
    copied = at = 0
    for found in _EXCERPT.finditer(answer):
        spans = _spans(found[1], document)
        if len(spans) != 1:
            told = f"excerpt {found[1][:100]!r}"
            return _lost(Loss("excerpt", float(len(spans)), 1.0, told, answer))
        start, end = spans[0]
        pieces += [answer[at : found.start()], document[start:end]]
        copied += end - start
        at = found.end()
    text = "".join([*pieces, answer[at:]]).strip()
    if "<excerpt>" in answer[at:] or "</excerpt>" in answer[at:]:
        return _lost(Loss("excerpt", 0.0, 1.0, "an excerpt that does not end", answer))
    return Filled(instruction.strip(), text, min(1.0, copied / max(1, len(text))))


def _object(reply: str) -> tuple[str, str | None] | None:
    text = reply.strip()
    fenced = _FENCE.match(text)
    try:
        value = orjson.loads(fenced[1] if fenced else text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict) or set(value) != {"instruction", "answer"}:
        return None
    instruction, answer = value["instruction"], value["answer"]
    if not isinstance(instruction, str) or not (answer is None or isinstance(answer, str)):
        return None
    return instruction, answer


def _spans(excerpt: str, document: str) -> list[tuple[int, int]]:
    """The spans of the document that an excerpt may stand for, two at most: more than one is too many."""
    head, mark, tail = excerpt.partition("<...>")
    head, tail = head.strip(), tail.strip()
    if not head or (mark and not tail):
        return []
    if not mark:
        return [(start, start + len(head)) for start in _places(document, head, 0)]
    spans: list[tuple[int, int]] = []
    for start in _places(document, head, 0):
        ends = [end + len(tail) for end in _places(document, tail, start + len(head))]
        spans += [(start, end) for end in ends]
    return spans[:2]


def _places(document: str, part: str, start: int) -> list[int]:
    """The first two places of a part from `start` on."""
    first = document.find(part, start)
    if first < 0:
        return []
    second = document.find(part, first + 1)
    return [first] if second < 0 else [first, second]


def _lost(loss: Loss) -> Filled:
    return Filled("", "", 0.0, loss)
