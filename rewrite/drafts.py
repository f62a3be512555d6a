"""One style over a batch of texts: windows, prompts, replies, and a verdict on each reply.

Every window is a request of its own, so neither batches nor neighbours change what is asked. Replies are parsed as
data: tags with the prompt's mark, a required beginning, talk about the task taken off; then judged (`rewrite.verify`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    """What became of one window: the new text, or the loss; and what the reply cost."""

    text: str
    loss: Loss | None
    finish: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Writer:
    """A model that is ready to be asked."""

    llm: Llm
    model: LlmModel
    name: str
    context: int | None
    keep_truncated: bool


@dataclass(frozen=True, slots=True)
class _Request:
    source: Source
    window: str
    mark: str
    prompt: Prompt


def drafts(writer: Writer, prepared: Prepared, sources: Sequence[Source]) -> dict[int, list[Draft]]:
    """The drafts of each document by its row, one per window in their order; a document not asked about has one."""
    found: dict[int, list[Draft]] = {}
    requests: list[_Request] = []
    sizes = prepared.cutter.ruler.count([source.text for source in sources])
    for source, size in zip(sources, sizes):
        if size < prepared.style.min_input_tokens:
            loss = Loss("too_short_to_rewrite", float(size), float(prepared.style.min_input_tokens))
            found[source.row] = [Draft("", loss)]
        else:
            requests += _requests(prepared, source)
    fitting = []
    for request, long in zip(requests, _too_long(writer, prepared, requests)):
        if long is None:
            fitting.append(request)
        found.setdefault(request.source.row, []).append(Draft("", long))
    replies = ask(writer.llm, writer.model, [request.prompt for request in fitting], prepared.style.sampling)
    for request, draft in zip(fitting, _judged(writer, prepared, fitting, replies)):
        found[request.source.row][request.prompt.chunk] = draft
    return found


def lost(writer_limit: Sampling, reply: Reply, keep_truncated: bool) -> Loss | None:
    """The loss that the reply itself tells of, before its text is looked at."""
    if reply.finish == "error":
        return Loss("error:llm", message=reply.error)
    if reply.finish == "length" and not keep_truncated:
        numbers = float(reply.completion_tokens), float(writer_limit.max_tokens)
        return Loss("truncated", *numbers, _shown(reply.text), reply.text)
    return None


def _requests(prepared: Prepared, source: Source) -> list[_Request]:
    windows = prepared.cutter.cut(source.text)
    made = []
    for number, window in enumerate(windows):
        user, mark = filled(prepared.template, window, source.language, number + 1, len(windows))
        prompt = Prompt(prepared.style.system.strip(), user, source.id, number)
        made.append(_Request(source, window, mark, prompt))
    return made


def _too_long(writer: Writer, prepared: Prepared, requests: Sequence[_Request]) -> list[Loss | None]:
    """The rule `too_long_for_model` where prompt and longest answer exceed the context, by the stage's own count."""
    if writer.context is None:
        return [None] * len(requests)
    limit = writer.context - prepared.style.sampling.max_tokens
    count = prepared.cutter.ruler.count
    sizes = count([f"{request.prompt.system}\n{request.prompt.user}" for request in requests])
    return [Loss("too_long_for_model", float(size), float(limit)) if size > limit else None for size in sizes]


def _judged(writer: Writer, prepared: Prepared, requests: Sequence[_Request], replies: Sequence[Reply]) -> list[Draft]:
    """A draft per reply: what is wrong with the reply itself first, then its form, then what it says."""
    style = prepared.style
    texts: list[str] = []
    losses: list[Loss | None] = []
    for request, reply in zip(requests, replies):
        loss = lost(style.sampling, reply, writer.keep_truncated)
        text, misshapen = _parsed(style, request.mark, reply.text) if loss is None else ("", None)
        losses.append(loss or misshapen)
        texts.append(tidied(prepared.judge.limits, text))
    verdicts = judged(prepared.judge, [request.window.strip() for request in requests], texts)
    columns = (verdicts.rule, verdicts.value, verdicts.limit)
    made = []
    for reply, text, loss, told in zip(replies, texts, losses, zip(*(column.to_pylist() for column in columns))):
        rule, value, limit = told
        if loss is None and rule is not None:
            loss = Loss(rule, value, limit, _shown(reply.text), text)
        made.append(Draft(text, loss, reply.finish, reply.prompt_tokens, reply.completion_tokens))
    return made


def _parsed(style: Style, mark: str, reply: str) -> tuple[str, Loss | None]:
    """The new text in a reply, by the style's rules of form."""
    if style.between:
        inside = between(style.between, mark, reply)
        if inside is None:
            return "", Loss(
                "unparsable", message=f"not one pair of the tags `{style.between}`: {_shown(reply)}", text=reply
            )
        reply = inside
    reply = without_marks(mark, reply).strip()
    if not style.begins_with:
        return reply, None
    if not reply.lower().startswith(style.begins_with.lower()):
        wanted = f"it does not begin with {style.begins_with!r}: {_shown(reply)}"
        return "", Loss("unparsable", message=wanted, text=reply)
    return reply[len(style.begins_with) :].strip(), None


def _shown(text: str) -> str:
    """The beginning of a reply, for messages."""
    short = " ".join(text[: 2 * _SHOWN].split())
    return short if len(short) <= _SHOWN else f"{short[:_SHOWN]}…"
