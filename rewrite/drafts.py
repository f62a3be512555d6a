"""One style over a batch of texts: windows, prompts, replies, and a verdict on each reply.

Every window is a request of its own, so neither batches nor neighbours change what is asked. Replies are parsed as
data: tags with the prompt's mark, a required beginning, talk about the task taken off; then judged (`rewrite.verify`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from rewrite.asking import ask
from rewrite.family import Loss
from rewrite.llm import Llm, Prompt, Reply, Sampling
from rewrite.models import LlmModel
from rewrite.sizes import Cutter
from rewrite.slots import between, without_marks
from rewrite.style import Style, filled
from rewrite.template import Template
from rewrite.verify import Judge, judged, tidied

_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Prepared:
    """A style, ready: its template, its judge, and what it costs beside the text."""

    name: str
    style: Style
    template: Template
    judge: Judge
    cutter: Cutter
    prompt_hash: str
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Source:
    """A document to work on."""

    row: int
    id: str
    text: str
    language: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    """What became of one window: the new text, or the loss; what the reply cost, and more that was read from it."""

    text: str
    loss: Loss | None
    finish: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Writer:
    """A model that is ready to be asked."""

    llm: Llm
    model: LlmModel
    name: str
    context: int | None
    keep_truncated: bool


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt about one window of a document, with the mark of the tags round it."""

    source: Source
    window: str
    mark: str
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was read from a reply: the text to be judged, or the loss, and more."""

    text: str
    loss: Loss | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


Parse = Callable[[Request, str], Parsed]
"""From a reply to its form."""


def drafts(writer: Writer, prepared: Prepared, sources: Sequence[Source]) -> dict[int, list[Draft]]:
    """The drafts of each document by its row, one per window in their order; a document not asked about has one."""
    found, long_enough = without_short(prepared, sources)
    requests = [request for source in long_enough for request in _requests(prepared, source)]
    for request, draft in zip(requests, answered(writer, prepared, requests, partial(_parsed, prepared.style))):
        found.setdefault(request.source.row, []).append(draft)
    return found


def without_short(prepared: Prepared, sources: Sequence[Source]) -> tuple[dict[int, list[Draft]], list[Source]]:
    """The losses of documents too short to ask about, and the other documents."""
    least = prepared.style.min_input_tokens
    sizes = prepared.cutter.ruler.count([source.text for source in sources])
    short = {
        source.row: [Draft("", Loss("too_short_to_rewrite", float(size), float(least)))]
        for source, size in zip(sources, sizes)
        if size < least
    }
    return short, [source for source in sources if source.row not in short]


def answered(writer: Writer, prepared: Prepared, requests: Sequence[Request], parse: Parse) -> list[Draft]:
    """One draft per request: what is wrong with the reply itself first, then its form, then what it says."""
    made = [Draft("", loss) for loss in _too_long(writer, prepared, requests)]
    fits = [at for at, draft in enumerate(made) if draft.loss is None]
    sampling = prepared.style.sampling
    replies = ask(writer.llm, writer.model, [requests[at].prompt for at in fits], sampling)
    for at, reply in zip(fits, replies):
        loss = _lost(sampling, reply, writer.keep_truncated)
        parsed = parse(requests[at], reply.text) if loss is None else Parsed("", loss)
        text = tidied(prepared.judge.limits, parsed.text)
        numbers = reply.finish, reply.prompt_tokens, reply.completion_tokens
        made[at] = Draft(text, parsed.loss, *numbers, parsed.more)
    verdicts = judged(prepared.judge, [requests[at].window.strip() for at in fits], [made[at].text for at in fits])
    columns = (verdicts.rule, verdicts.value, verdicts.limit)
    for at, reply, *told in zip(fits, replies, *(column.to_pylist() for column in columns)):
        rule, value, limit = told
        if made[at].loss is None and rule is not None:
            made[at] = replace(made[at], loss=Loss(rule, value, limit, _shown(reply.text), made[at].text))
    return made


def _lost(sampling: Sampling, reply: Reply, keep_truncated: bool) -> Loss | None:
    """The loss that the reply itself tells of, before its text is looked at."""
    if reply.finish == "error":
        return Loss("error:llm", message=reply.error)
    if reply.finish == "length" and not keep_truncated:
        numbers = float(reply.completion_tokens), float(sampling.max_tokens)
        return Loss("truncated", *numbers, _shown(reply.text), reply.text)
    return None


def _requests(prepared: Prepared, source: Source) -> list[Request]:
    windows = prepared.cutter.cut(source.text)
    made = []
    for number, window in enumerate(windows):
        user, mark = filled(prepared.template, window, source.language, number + 1, len(windows))
        prompt = Prompt(prepared.style.system.strip(), user, source.id, number)
        made.append(Request(source, window, mark, prompt))
    return made


def _too_long(writer: Writer, prepared: Prepared, requests: Sequence[Request]) -> list[Loss | None]:
    """The rule `too_long_for_model` where prompt and longest answer exceed the context, by the stage's own count."""
    if writer.context is None:
        return [None] * len(requests)
    limit = writer.context - prepared.style.sampling.max_tokens
    count = prepared.cutter.ruler.count
    sizes = count([f"{request.prompt.system}\n{request.prompt.user}" for request in requests])
    return [Loss("too_long_for_model", float(size), float(limit)) if size > limit else None for size in sizes]


def _parsed(style: Style, request: Request, reply: str) -> Parsed:
    """The new text in a reply, by the style's rules of form."""
    if style.between:
        inside = between(style.between, request.mark, reply)
        if inside is None:
            told = f"not one pair of the tags `{style.between}`: {_shown(reply)}"
            return Parsed("", Loss("unparsable", message=told, text=reply))
        reply = inside
    reply = without_marks(request.mark, reply).strip()
    if not reply.lower().startswith(style.begins_with.lower()):
        told = f"it does not begin with {style.begins_with!r}: {_shown(reply)}"
        return Parsed("", Loss("unparsable", message=told, text=reply))
    return Parsed(reply[len(style.begins_with) :].strip())


def _shown(text: str) -> str:
    """The beginning of a reply, for messages."""
    short = " ".join(text[: 2 * _SHOWN].split())
    return short if len(short) <= _SHOWN else f"{short[:_SHOWN]}…"
