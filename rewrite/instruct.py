"""Makes instructions and answers out of documents with a language model, grounded in what the documents say.

Two ways: questions and answers about the document (after Nemotron-CC's Diverse QA), and templates of instructions that
are filled from it, with answers mostly copied word for word (after FineInstructions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from weakref import finalize

import pyarrow as pa
from pydantic import Field, model_validator

from rewrite.asking import Asking, model_faults
from rewrite.budget import COLUMN
from rewrite.drafts import Draft, Parsed, Prepared, Request, Source, Writer, answered, drafts, without_short
from rewrite.family import Child, Family, Loss, gathered
from rewrite.fill import TEMPLATES, FillTemplate, read_filled, read_templates, suited, without_tags
from rewrite.llm import Prompt, open_llm
from rewrite.pairs import grounded_share, kept_count, read_pairs, shuffled
from rewrite.prepare import ORIGIN, cost_of, fit_faults, load_languages, open_writer, origin, prepare, sources_of
from rewrite.sizes import Ruler, open_ruler
from rewrite.style import changed_style, filled, read_style
from rewrite.template import TemplateFault
from stages.errors import StageError
from stages.fields import ContentPath, Share
from stages.stage import Map, Stage
from stages.verdicts import Mapped

_PACKS: Final = TEMPLATES.parent


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Tools:
    """An open model with the prompt it is asked in, and the templates to be filled."""

    writer: Writer
    prepared: Prepared
    templates: tuple[FillTemplate, ...]


@dataclass(frozen=True, slots=True)
class _Pair:
    instruction: str
    answer: str
    template: str | None
    draft: Draft


class Instruct(Asking, Map):
    """Makes pairs of instruction and answer out of each document, each pair a new document.

    `how: questions` asks for up to eight questions and answers for each window of the document, reads them line by line
    (`Question:`, `Answer:`), and with `pairs: drawn` keeps a random number of them: from 1 to one for 15 tokens of the
    document, in an order drawn too, both from seed and id. An answer whose words are not in the document is dropped by
    the rule `ungrounded`.

    `how: templates` chooses the `per_document` templates whose words the document has most of, and asks for each to be
    filled. The reply is JSON; `<excerpt>first words<...>last words</excerpt>` in the answer is expanded from the
    document, and exactly one span of it must match (rule `excerpt`: matches against 1); `min_excerpt` of the answer
    must come from excerpts (rule `own_words`). A document that does not answer a template is told as `incompatible`,
    and is not asked again.

    Pairs are kept in order while their tokens together stay below those of the document (rule `document_budget`). A new
    document's text is `User: …` and `Assistant: …`; it has `instruction`, `answer`, `template` (string) and the columns
    that `rewrite.rephrase` adds. Documents of which no pair is left are dropped by the first rule that took one, or
    `no_pairs`. The ledger has a row of the kind `rejected` for each further pair that is lost.
    """

    version: ClassVar[int] = 1

    how: Literal["questions", "templates"]
    """Questions and answers about the document, or templates that are filled from it."""
    templates: ContentPath | None = None
    """A YAML list of templates, each with `id`, `template` and `about`, as rewrite/instructions/templates.yaml has
    them; those when left out."""
    per_document: Annotated[int, Field(ge=1, le=100)] = 6
    """Templates to try for each document."""
    pairs: Literal["drawn", "all"] = "drawn"
    """Which questions of a document are kept: a number drawn by its length, or all."""
    min_grounded: Share | None = 0.5
    """Share of the answer's words (of 4 letters or more) that the document has, at least; for questions."""
    min_excerpt: Share | None = 0.8
    """Share of the answer that comes from excerpts, at least; for templates."""
    max_share_of_document: Annotated[float, Field(gt=0)] | None = 1.0
    """Tokens of all pairs of a document per token of it, at most."""
    keep: Literal["replace", "both"] = "replace"
    """`replace`: pairs alone go on. `both`: they go on beside the document."""
    seed: int | None = None
    """Another seed draws other pairs; the pipeline's when left out."""

    @model_validator(mode="after")
    def _templates_are_filled(self) -> Self:
        if self.templates is not None and self.how == "questions":
            raise ValueError("`templates` are for `how: templates`; questions take none")
        return self

    def uses(self) -> tuple[str, ...]:
        return ("language", COLUMN)

    def adds(self) -> Mapping[str, pa.DataType]:
        return {**ORIGIN, "instruction": pa.string(), "answer": pa.string(), "template": pa.string()}

    def removes(self) -> tuple[str, ...]:
        return ("blocks", COLUMN)

    def check(self, schema: pa.Schema) -> list[str]:
        faults = model_faults(self.llm)
        if faults:
            return faults
        try:
            prepared = self._prepared(open_ruler(self.tokenizer))
            read_templates(self.templates or TEMPLATES)
        except TemplateFault as error:
            return [f"{self.templates}: {error}"]
        except StageError as error:
            return [str(error)]
        return fit_faults(prepared, open_llm(self.llm, None).context())

    def preceded_by(self) -> Sequence[Stage]:
        if self.max_tokens_total is None and self.max_documents is None:
            return ()
        times = self.per_document if self.how == "templates" else 1
        ask = cost_of(self._prepared(open_ruler(self.tokenizer)), times)
        if self.how == "templates":
            ask = ask.model_copy(update={"max_input_tokens": None})  # each template is tried on one window alone
        return self.budget([ask], drops=self.keep == "replace")

    def placed(self, house: Any, seed: int) -> Self:
        placed = super().placed(house, seed)
        return placed if placed.seed is not None else placed.model_copy(update={"seed": seed})

    def open(self) -> Tools:
        """The model behind its reply store; it loads at the first reply that is not stored."""
        writer = open_writer(self.llm, self.replies, keep_truncated=self.if_truncated == "keep")
        templates = read_templates(self.templates or TEMPLATES) if self.how == "templates" else ()
        tools = Tools(writer, self._prepared(open_ruler(self.tokenizer)), templates)
        load_languages([tools.prepared])
        finalize(tools, writer.llm.close)
        return tools

    def map(self, batch: pa.RecordBatch, tools: Tools) -> Mapped:
        sources = sources_of(batch, COLUMN)
        asked = {source.row for source in sources}
        families = [Family(self.keep == "both" or row not in asked) for row in range(batch.num_rows)]
        made = drafts(tools.writer, tools.prepared, sources) if self.how == "questions" else self._fill(tools, sources)
        for source in sources:
            family = families[source.row]
            pairs = self._questions if self.how == "questions" else self._instructions
            for pair in self._within(pairs(source, made[source.row], family, tools), source, family, tools):
                columns = origin([pair.draft], tools.prepared, tools.writer.name) | {
                    "instruction": pair.instruction,
                    "answer": pair.answer,
                    "template": pair.template,
                }
                family.children.append(Child(_chat(pair), columns))
            if not (family.children or family.losses):
                family.losses.append(Loss("no_pairs", message="no pair of question and answer was read"))
        return gathered(batch, families, self.adds(), self.removes())

    def _questions(self, source: Source, parts: Sequence[Draft], family: Family, tools: Tools) -> list[_Pair]:
        """The pairs that replies hold, grounded, and drawn where wanted."""
        found: list[_Pair] = []
        for draft in parts:
            if draft.loss is not None:
                family.losses.append(draft.loss)
                continue
            for question, answer in read_pairs(draft.text):
                share = grounded_share(answer, source.text)
                if share is not None and self.min_grounded is not None and share < self.min_grounded:
                    family.losses.append(Loss("ungrounded", share, self.min_grounded, question, answer))
                else:
                    found.append(_Pair(question, answer, None, draft))
        if self.pairs == "all":
            return found
        [tokens] = tools.prepared.cutter.ruler.count([source.text])
        seed = self.seed or 0
        order = shuffled(len(found), seed, source.id)
        keep = kept_count(tokens, seed, source.id)
        family.losses += [Loss("not_drawn", float(at), float(keep), text=_chat(found[number]))
                          for at, number in enumerate(order) if at >= keep]  # fmt: skip
        return [found[number] for number in order[:keep]]

    def _fill(self, tools: Tools, sources: Sequence[Source]) -> dict[int, list[Draft]]:
        """A draft per template that suits a document."""
        found, long_enough = without_short(tools.prepared, sources)
        requests = []
        for source in long_enough:
            windows = tools.prepared.cutter.cut(source.text)
            chosen = suited(tools.templates, windows, self.per_document, self.seed or 0, source.id)
            found[source.row] = [] if chosen else [Draft("", Loss("no_pairs", message="no template suits it"))]
            for number, (template, window) in enumerate(chosen):
                shown = without_tags(windows[window])
                place, told = (window + 1, len(windows)), template.template
                user, mark = filled(tools.prepared.template, shown, source.language, *place, instruction=told)
                prompt = Prompt(tools.prepared.style.system.strip(), user, source.id, number)
                requests.append((template.id, Request(source, windows[window], mark, prompt)))
        made = answered(tools.writer, tools.prepared, [request for _, request in requests], self._read)
        for (name, request), draft in zip(requests, made):
            found[request.source.row].append(_named(draft, name))
        return found

    def _read(self, request: Request, reply: str) -> Parsed:
        """One reply to a template: the answer with its excerpts expanded, enough of it copied."""
        told = read_filled(reply, request.source.text)
        if told.loss is not None:
            return Parsed("", told.loss)
        if self.min_excerpt is not None and told.copied < self.min_excerpt:
            loss = Loss("own_words", told.copied, self.min_excerpt, told.instruction, told.answer)
            return Parsed("", loss)
        return Parsed(told.answer, None, {"instruction": told.instruction})

    def _instructions(self, source: Source, parts: Sequence[Draft], family: Family, tools: Tools) -> list[_Pair]:
        family.losses += [draft.loss for draft in parts if draft.loss is not None]
        return [
            _Pair(draft.more["instruction"], draft.text, draft.more["template"], draft)
            for draft in parts
            if draft.loss is None
        ]

    def _within(self, pairs: Sequence[_Pair], source: Source, family: Family, tools: Tools) -> list[_Pair]:
        """Pairs in order while their tokens together are within the document's."""
        if self.max_share_of_document is None:
            return list(pairs)
        ruler = tools.prepared.cutter.ruler
        limit = self.max_share_of_document * ruler.count([source.text])[0]
        kept, total = [], 0
        for pair, size in zip(pairs, ruler.count([_chat(pair) for pair in pairs])):
            if total + size > limit:
                family.losses.append(Loss("document_budget", float(total + size), limit, text=_chat(pair)))
            else:
                kept.append(pair)
                total += size
        return kept

    def _prepared(self, ruler: Ruler) -> Prepared:
        name = "questions" if self.how == "questions" else "fill"
        style = changed_style(read_style(_PACKS / f"{name}.yaml"), self.sampling, self.verify, self.max_input_tokens)
        slots = {} if self.how == "questions" else {"instruction": "Explain <fi>a thing</fi>."}
        return prepare(self.how, style, ruler, **slots)


def _named(draft: Draft, template: str) -> Draft:
    numbers = draft.finish, draft.prompt_tokens, draft.completion_tokens
    return Draft(draft.text, draft.loss, *numbers, {**draft.more, "template": template})


def _chat(pair: _Pair) -> str:
    """A pair as the text of a document."""
    return f"User: {pair.instruction}\n\nAssistant: {pair.answer}"
