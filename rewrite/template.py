"""Templates of prompts: Jinja2 in its sandbox, with a few named slots and nothing else to reach.

No loader, so `include`, `import` and `extends` have nowhere to go and are refused when the pipeline is checked; a slot
that does not exist is refused there too, with the names of those that do. Values enter as values: what stands in a
document is never read as a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from stages.errors import StageError

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

SLOTS: Final[Mapping[str, object]] = {
    "document": "\0document\0",
    "mark": "0123456789abcdef",
    "language": "en",
    "part": 1,
    "parts": 2,
}
"""What a template of a style may name, with values to try it on.

`document`: the text between tags that carry its mark · `mark`: the 16 hex digits of these tags, for tags that the
answer is to use · `language`: the document's `language`, or `unknown` · `part`, `parts`: which window of the document
this is, from 1, and of how many.
"""


class TemplateFault(ValueError):
    """A template that cannot be used, with the mend."""


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template."""

    source: str
    compiled: Any

    def render(self, **values: object) -> str:
        """The text with its slots filled."""
        return str(self.compiled.render(**values))


def read_template(source: str, slots: Mapping[str, object], *, required: str) -> Template:
    """Check and compile a template; `slots` are values to try it on, of which `required` must be seen.

    Raises TemplateFault that says what is wrong, StageError without Jinja2.
    """
    environment = _environment()
    from jinja2 import TemplateError, meta, nodes

    try:
        tree = environment.parse(source)
        reaching = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
        for node in tree.find_all(reaching):
            word = {"FromImport": "from … import"}.get(type(node).__name__, type(node).__name__.lower())
            raise TemplateFault(f"line {node.lineno}: `{word}` reaches for another file; write its text here")
        for name in sorted(meta.find_undeclared_variables(tree)):
            if name not in slots:
                near = get_close_matches(name, slots, 1, 0.6)
                meant = f"did you mean {near[0]}? " if near else ""
                raise TemplateFault(f"there is no slot {name!r}; {meant}slots: {', '.join(slots)}")
        compiled = environment.from_string(source)
        shown = compiled.render(**slots)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        raise TemplateFault(f"{f'line {line}: ' if line else ''}{error}") from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        if isinstance(error, TemplateFault):
            raise
        raise TemplateFault(f"it cannot be filled: {type(error).__name__}: {error}") from error
    if str(slots[required]) not in shown:
        raise TemplateFault(f"the slot {required!r} is never shown; write {{{{ {required} }}}} where it belongs")
    return Template(source, compiled)


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    try:
        from jinja2 import StrictUndefined
        from jinja2.sandbox import ImmutableSandboxedEnvironment
    except ImportError as error:
        raise StageError(f'prompts need the library Jinja2 ({error})\n    mend: pip install "textmill[llm]"') from error
    environment = ImmutableSandboxedEnvironment(
        loader=None, undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.clear()
    return environment
