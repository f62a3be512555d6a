"""What stages that ask a language model have in common: its fields, their checks before a run, and the asking.

The model answers behind a reply store (`rewrite.llm.open_llm`), so a killed run asks on at the first missing reply and
a replay asks nothing. A request that fails is a row of the ledger; a server that is gone is not, for then every further
request would fail too: the run ends, and goes on where it was once the server is back.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

from rewrite.budget import Ask, Budget
from rewrite.llm import Llm, Prompt, Reply, Sampling, problems, unreachable
from rewrite.models import LlmModel, model_resources
from rewrite.verify import Verify
from stages.errors import StageError
from stages.fields import ContentPath, Count, Runtime
from stages.models import Named
from stages.stage import Resources, Stage


def _admits_something(budget: int | None) -> int | None:
    if budget == 0:
        raise ValueError("a budget of 0 admits no document; leave it out for no budget, or give a number such as 30M")
    return budget


def _fields_of(model: type[BaseModel], value: Any) -> dict[str, Any]:
    """The fields that were given, checked, as JSON values; a stage that travelled knows them from defaults still."""
    try:
        return model.model_validate(value).model_dump(mode="json", exclude_unset=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        known = f"; fields: {', '.join(model.model_fields)}" if first["type"] == "extra_forbidden" else ""
        raise ValueError(f"{where}: {first['msg']}{known}" if where else first["msg"]) from error


SomeSampling = Annotated[
    dict[str, JsonValue], BeforeValidator(partial(_fields_of, Sampling), json_schema_input_type=Sampling)
]
SomeLimits = Annotated[
    dict[str, JsonValue], BeforeValidator(partial(_fields_of, Verify), json_schema_input_type=Verify)
]
"""Some fields of a model: those given go over what the style has."""

Allowance = Annotated[Count | None, AfterValidator(_admits_something)]
"""A budget: a count above 0, or none."""


class Asking(BaseModel):
    """Fields of stages that ask a language model."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    llm: Named[LlmModel]
    """The model that writes: the name of one under `models`, or its definition."""
    sampling: SomeSampling = Field(default_factory=dict)
    """How the model chooses its words (max_tokens, temperature, top_p, top_k, seed, stop); what is left out is as the
    style has it."""
    max_input_tokens: Annotated[Count, Field(ge=1)] | None = None
    """Tokens of a document in one prompt at most; longer ones are cut into windows. As the style has it when left
    out."""
    tokenizer: ContentPath | None = None
    """A `tokenizer.json` to count with (extra `tokenize`); one token for 3 bytes when left out."""
    max_tokens_total: Allowance = None
    """Planned tokens of all prompts and answers together at most, as `rewrite.budget` admits them."""
    max_documents: Allowance = None
    """Documents to work on at most, as `rewrite.budget` admits them."""
    if_truncated: Literal["drop", "keep"] = "drop"
    """What becomes of an answer that reached `max_tokens` (rule `truncated`)."""
    verify: SomeLimits = Field(default_factory=dict)
    """What answers are held to, such as `{max_length_ratio: 3, min_numbers: 50%, refusals: false}`; what is left out is
    as the style has it."""
    replies: Annotated[Path | None, Runtime()] = None
    """The folder of the reply store, relative to the working directory; in the run's own folder when left out. Runs may
    share one."""

    def placed(self, house: Path, seed: int) -> Self:
        folder = house / "replies" if self.replies is None else self.replies
        return self.model_copy(update={"replies": folder.absolute()})

    def resources(self) -> Resources:
        return model_resources(self.llm)

    def budget(self, asks: Sequence[Ask], *, drops: bool) -> tuple[Stage, ...]:
        """The Find that admits documents, where there is a budget."""
        if self.max_tokens_total is None and self.max_documents is None:
            return ()
        return (
            Budget(
                max_tokens_total=self.max_tokens_total,
                max_documents=self.max_documents,
                asks=tuple(asks),
                tokenizer=self.tokenizer,
                outside="drop" if drops else "tag",
            ),
        )


def ask(llm: Llm, model: LlmModel, prompts: Sequence[Prompt], sampling: Sampling) -> list[Reply]:
    """One reply per prompt, in order. Raises StageError when requests fail because the model's server is gone."""
    replies = llm.generate(prompts, sampling)
    failed = next((reply for reply in replies if reply.finish == "error"), None)
    if failed is not None:
        gone = unreachable(model)
        if gone:
            raise StageError(
                f"the model stopped to answer ({failed.error}): {'; '.join(gone)}\n"
                "    mend: start the server again, then run the same command: answers so far are stored"
            )
    return replies


def model_faults(model: LlmModel) -> list[str]:
    """What is wrong with the model, told before a run."""
    return problems(model)
