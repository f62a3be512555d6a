"""Rewrites documents with a language model: paraphrases, other forms of the same matter, better versions.

One prompt per window of the document, one new document per style. What the model answers is judged before it goes on;
the styles are data files (`rewrite/styles`), and so may be the user's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self
from weakref import finalize

import pyarrow as pa
from pydantic import AfterValidator, BeforeValidator, model_validator

from rewrite.asking import Asking, model_faults
from rewrite.budget import COLUMN
from rewrite.drafts import Draft, Prepared, Source, Writer, drafts
from rewrite.family import Child, Family, gathered
from rewrite.llm import open_llm
from rewrite.prepare import ORIGIN, cost_of, fit_faults, load_languages, open_writer, origin, prepare, sources_of
from rewrite.sizes import Ruler, open_ruler
from rewrite.style import changed_style, check_style_name, read_style, shipped_style
from rewrite.template import TemplateFault
from stages.errors import StageError
from stages.fields import ContentPath
from stages.stage import Map, Stage
from stages.verdicts import Mapped


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("the list of styles is empty; name one, or give a template")
    return tuple(map(check_style_name, names))


StyleNames = Annotated[
    tuple[str, ...], AfterValidator(_known), BeforeValidator(_as_list, json_schema_input_type=str | list[str])
]


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Tools:
    """An open model with the styles it is asked in."""

    writer: Writer
    styles: tuple[Prepared, ...]


class Rephrase(Asking, Map):
    """Rewrites each document with a language model, in one or more styles: a new document for each style.

    Shipped styles: `easy`, `medium`, `hard`, `qa` (paraphrases, after WRAP), `table`, `faq`, `tutorial`, `math` (other
    forms, after FinePhrase), `guided` (a better version of the whole, after REWIRE). A document longer than
    `max_input_tokens` is cut into windows of whole paragraphs; their answers are put together in order.

    A new document has `parent_id`, `style`, `model`, `prompt_hash` (of the wording), `finish` (string), `prompt_tokens`
    and `completion_tokens` (int64); everything else it inherits but `blocks`, which are places in the old text.

    Rules, beside those of `verify`: `too_short_to_rewrite`, `too_long_for_model` (tokens against the room in the
    context), `truncated`, `unparsable`, `empty_reply`, and `error:llm` where a request failed. Where the document goes
    on, or another style of it does, the ledger row is of the kind `rejected`.
    """

    version: ClassVar[int] = 1

    style: StyleNames | None = None
    """One style or a list of them."""
    template: ContentPath | None = None
    """A style file of your own in place of `style`: a template with `{{ document }}`, or YAML as in rewrite/styles."""
    keep: Literal["replace", "both", "append"] = "replace"
    """`replace`: new documents alone go on. `both`: they go on beside the old one. `append`: the new text goes on below
    the old one, as one document; where it is lost, the old one goes on as it is."""
    if_part_fails: Literal["drop", "join_rest"] = "drop"
    """What becomes of a document of several windows some of which failed: none of it goes on, or the rest."""

    @model_validator(mode="after")
    def _one_kind_of_style(self) -> Self:
        if (self.style is None) == (self.template is None):
            raise ValueError("give either `style` (the name of a shipped one) or `template` (a file of your own)")
        if self.keep == "append" and len(self.style or ()) > 1:
            raise ValueError("keep: append takes one style; with several the old text would go on several times")
        return self

    def uses(self) -> tuple[str, ...]:
        return ("language", COLUMN)

    def adds(self) -> Mapping[str, pa.DataType]:
        return ORIGIN

    def removes(self) -> tuple[str, ...]:
        return ("blocks", COLUMN)

    def check(self, schema: pa.Schema) -> list[str]:
        faults = model_faults(self.llm)
        if faults:
            return faults
        try:
            prepared = self._prepared(open_ruler(self.tokenizer))
        except (TemplateFault, StageError) as error:
            return [f"{self.template or 'style'}: {error}"]
        context = open_llm(self.llm, None).context()
        return [fault for one in prepared for fault in fit_faults(one, context)]

    def preceded_by(self) -> Sequence[Stage]:
        if self.max_tokens_total is None and self.max_documents is None:
            return ()
        asks = [cost_of(one) for one in self._prepared(open_ruler(self.tokenizer))]
        return self.budget(asks, drops=self.keep == "replace")

    def open(self) -> Tools:
        """The model behind its reply store; it loads at the first reply that is not stored."""
        writer = open_writer(self.llm, self.replies, keep_truncated=self.if_truncated == "keep")
        tools = Tools(writer, self._prepared(open_ruler(self.tokenizer)))
        load_languages(tools.styles)
        finalize(tools, writer.llm.close)
        return tools

    def map(self, batch: pa.RecordBatch, tools: Tools) -> Mapped:
        sources = sources_of(batch, COLUMN)
        asked = {source.row for source in sources}
        families = [Family(self.keep == "both" or row not in asked) for row in range(batch.num_rows)]
        # Style by style, so that requests with one fixed part come to the model together.
        for prepared in tools.styles:
            made = drafts(tools.writer, prepared, sources)
            for source in sources:
                self._take(families[source.row], source, made[source.row], prepared, tools.writer.name)
        for family in families:
            family.stays = family.stays or (self.keep == "append" and not family.children)
        return gathered(batch, families, self.adds(), self.removes())

    def _take(self, family: Family, source: Source, parts: Sequence[Draft], prepared: Prepared, model: str) -> None:
        """One style's drafts of a document into its family."""
        losses = [part.loss for part in parts if part.loss is not None]
        good = [part for part in parts if part.loss is None]
        if losses and (self.if_part_fails == "drop" or not good):
            family.losses.append(losses[0])
            return
        family.losses += losses
        text = "\n\n".join(part.text for part in good)
        columns = origin(good, prepared, model)
        family.children.append(Child(f"{source.text}\n\n{text}" if self.keep == "append" else text, columns))

    def _prepared(self, ruler: Ruler) -> tuple[Prepared, ...]:
        """The styles with the user's settings over them. Raises TemplateFault."""
        if self.template is not None:
            styles = [(self.template.stem, read_style(self.template))]
        else:
            styles = [(name, shipped_style(name)) for name in self.style or ()]
        return tuple(
            prepare(name, changed_style(style, self.sampling, self.verify, self.max_input_tokens), ruler)
            for name, style in styles
        )
