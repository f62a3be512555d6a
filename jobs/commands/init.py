"""`textmill init`: a first pipeline that fits the data at hand, or a copy of a recipe to change."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jobs.offer import command_line
from jobs.recipes import shipped_recipes
from stages.errors import Fault, PipelineError
from stages.read import Read, list_inputs, source_schema

_HEAD: Final = """\
# A first pipeline for {paths}
# Check it with `textmill validate {to}`, run it with `textmill run {to}`.
textmill: 1
name: {name}
read:
  stages.read:
    paths: {paths}
{text}steps:
"""
_EXTRACT: Final = """\
  - stages.extract
  - stages.language
"""
_REST: Final = """\
  - filters.gopher_repetition
  - filters.gopher_quality:    # its stop words are English: other languages pass untouched
    where: "language == 'eng_Latn'"
  - dedup.exact
  - dedup.minhash
write:
  to: {out}
"""


def init_command(source: str, to: Path, column: str | None) -> None:
    """Write the pipeline, with this text column where one is named.

    Raises PipelineError when the target exists or the data cannot be recognised.
    """
    if to.exists():
        raise PipelineError(Fault(str(to), "the file exists", "give another name with --to, or remove it"))
    recipes = shipped_recipes()
    if source in recipes:
        text = recipes[source].read_text()
        told = f"the recipe {source}"
    else:
        text = _pipeline_for(source, to, column)
        told = f"a pipeline for {source}"
    try:
        to.write_text(text)
    except OSError as error:
        raise PipelineError(
            Fault(str(to), f"cannot be written: {error.strerror}", "give another name with --to")
        ) from error
    print(f"{to}: {told}\nnext:")
    print(f"    {command_line('validate', to)}")
    print(f"    {command_line('run', to, '--limit', 1000, '--set', 'write.to=out/trial')}")


def _pipeline_for(source: str, to: Path, column: str | None) -> str:
    paths = source
    if not any(sign in source for sign in "*?[") and not Path(source).exists() and "://" not in source:
        names = ", ".join(shipped_recipes())
        raise PipelineError(
            Fault(source, "this is neither your data nor a recipe", f"name a file, a folder, or one of {names}")
        )
    read = Read(paths=paths, text=column)
    schema = source_schema(read, list_inputs(read))
    name = Path(source.rstrip("/*")).name.split(".")[0] or "first"
    middle = _EXTRACT if "content" in schema.names and "text" not in schema.names else "  - stages.language\n"
    if "text" not in schema.names and "content" not in schema.names:
        raise PipelineError(
            Fault(
                source,
                f"there is no text column among {', '.join(schema.names)}",
                "say which it is with --text NAME",
            )
        )
    text = "" if column is None else f"    text: {_quoted(column)}\n"
    return (_HEAD + middle + _REST).format(
        paths=_quoted(paths), text=text, name=_quoted(name), to=to, out=f"out/{name}"
    )


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
