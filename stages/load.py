"""Finds and loads stages by the names that YAML gives them, the same way on the driver and on every worker.

Three origins: a module of the packages `stages`, `filters`, `dedup`, `rewrite` (file path = import path = YAML name),
an entry point of the group `textmill.stages` whose name holds a dot, and a class in a file of the user's
(`./my_stages.py:Name`). Nothing is registered: built-in stages are found by walking the package files, so a new stage
costs its own file and its test.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

from stages.errors import StageError
from stages.move import Move
from stages.spec import StageSpec
from stages.stage import Filter, Find, Map, Stage, identity, short_name
from stages.user_files import file_behind, load_file

HOMES: Final = ("stages", "filters", "dedup", "rewrite")
"""The packages whose modules are built-in stages."""

GROUP: Final = "textmill.stages"
"""The entry point group of plugins: `"acme.redact" = "acme_textmill.redact:Redact"`."""

Kind = Literal["filter", "map", "find", "move", "read", "broken"]

_KINDS: Final[Mapping[str, Kind]] = {
    "Filter": "filter",
    "Map": "map",
    "Find": "find",
    "Move": "move",
    "Stage": "read",
    "AdaptiveFilter": "filter",
    "CountingFilter": "filter",
}
"""What a class on one of these is."""

_DEFINE_KINDS: Final = ("stages.stage", "stages.move", "filters.adaptive", "filters.counting")
"""Modules whose classes are what stages are made from, and none themselves."""
_DEFINES_A_STAGE: Final = re.compile(
    r"^class [A-Z]\w*\(.*\b(?:[A-Z]?\w*Filter|Map|Find|Move|Stage|[A-Z]\w*Stage)\b", re.MULTILINE
)


class UnknownStageError(LookupError):
    """No stage has this name. `mend` says which names come near."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend


class BrokenStageError(UnknownStageError):
    """The name leads to something that cannot be loaded or is no stage. `mend` says what would help."""


@dataclass(frozen=True, slots=True)
class StageInfo:
    """One line of `textmill stages`.

    `summary`: the first line of the class's docstring, or why it cannot be loaded (`kind` is then `broken`). `origin`:
    `textmill`, or the distribution of a plugin with its version.
    """

    use: str
    kind: Kind
    summary: str
    origin: str


def known_stages() -> dict[str, StageInfo]:
    """All stages that a pipeline may name here, by name; plugins that cannot be loaded are listed as `broken`.

    Built-in stages are told of from their source, without importing them: a list should come at once.
    """
    found: dict[str, StageInfo] = {}
    for use, module in _builtin_modules().items():
        found[use] = _read_off(use, module)
    for name, entry in sorted(_plugins().items()):
        origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "a plugin"
        if "." not in name:
            found[name] = StageInfo(name, "broken", f"the entry point {name!r} needs a dot in its name", origin)
        elif name in found:
            found[f"{name} ({origin})"] = StageInfo(name, "broken", "hidden by the built-in of the same name", origin)
        else:
            found[name] = _describe(name, origin)
    return dict(sorted(found.items()))


def load_class(use: str, base: Path | None = None) -> type[Stage]:
    """The class behind a stage's name, with its `use` set.

    `base`: the folder that a path stage is relative to. The class of `./my_stages.py:Name` has the `use`
    `my_stages.py:Name`, without the folder, so that moving a project changes no identity. Raises `UnknownStageError` or
    `BrokenStageError`, both LookupError.
    """
    if is_path(use):
        file, name = _split_path(use, base)
        return _named_class(_run_file(file), name, f"{file.name}:{name}")
    module = _builtin_modules().get(use)
    if module is not None:
        return _sole_class(_import_builtin(use, module), use)
    entry = _plugins().get(use)
    if entry is None or "." not in use:
        raise UnknownStageError(f"there is no stage {use!r}", near_stage(use))
    return _load_plugin(entry, use)


def is_path(use: str) -> bool:
    """Whether a name is that of a class in a file of the user's."""
    return use.startswith(("./", "../", "/"))


def kind_of(stage: type[Stage]) -> Kind:
    """Which of the kinds a class is; what is none of the four is read at the start of a stream."""
    if issubclass(stage, Filter):
        return "filter"
    if issubclass(stage, Map):
        return "map"
    if issubclass(stage, Find):
        return "find"
    return "move" if issubclass(stage, Move) else "read"


def summary_of(stage: type[Stage]) -> str:
    """The first line of the class's docstring."""
    return (inspect.getdoc(stage) or "").split("\n", 1)[0]


def make_spec(stage: Stage) -> StageSpec:
    """The configured stage as it travels: JSON values, with absolute paths and the hash of a path stage's file."""
    fields = {name: _json_value(value) for name, value in stage.model_dump(mode="python").items()}
    behind = file_behind(type(stage).__module__)
    return StageSpec(type(stage).use, fields, *((str(behind[0]), behind[1]) if behind else ()))


def spec_identity(stage: Stage, spec: StageSpec) -> dict[str, Any]:
    """`stages.stage.identity`, and for a path stage the hash of its code: who edits it must not bump a version."""
    told = identity(stage)
    return {**told, "code": spec.file_hash} if spec.file_hash else told


def build(spec: StageSpec) -> Stage:
    """The stage again, on whichever process. Raises StageError when its code or fields are not what was planned."""
    try:
        if spec.file is None:
            loaded = load_class(spec.use)
        else:
            loaded = _named_class(load_file(Path(spec.file), spec.file_hash), short_name(spec.use), spec.use)
    except (LookupError, OSError) as error:
        raise StageError(f"{spec.use}: {error}; the workers need the same packages and files as the driver") from error
    return loaded.model_validate(dict(spec.fields), context={"base": "/"})


def builtin_names() -> tuple[str, ...]:
    """The names of all built-in stages, in order; read from the files, without importing them."""
    return tuple(_builtin_modules())


@cache
def _builtin_modules() -> Mapping[str, str]:
    """The module of each built-in stage. A package such as `stages/read/` has its stage in its module `stage`."""
    modules = [name for home in HOMES for name in _stage_modules(import_module(home).__path__, home)]
    return {name.removesuffix(".stage"): name for name in sorted(modules)}


def _stage_modules(folders: Iterable[str], package: str) -> Iterator[str]:
    """Modules below a package whose source defines a class on a kind of stage; works inside a zip too."""
    for module in pkgutil.iter_modules(folders, f"{package}."):
        finder: Any = module.module_finder
        found = finder.find_spec(module.name)
        source = found.loader.get_source(module.name) or ""
        if module.name not in _DEFINE_KINDS and _DEFINES_A_STAGE.search(source):
            yield module.name
        if module.ispkg:
            yield from _stage_modules(found.submodule_search_locations, module.name)


def _plugins() -> Mapping[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _read_off(use: str, module: str) -> StageInfo:
    """What the source of a built-in stage says of it."""
    spec = find_spec(module)
    loader: Any = spec.loader if spec else None
    for node in ast.parse(loader.get_source(module)).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            kind = next(
                (_KINDS[base.id] for base in node.bases if isinstance(base, ast.Name) and base.id in _KINDS), None
            )
            if kind is not None:
                return StageInfo(use, kind, (ast.get_docstring(node) or "").split("\n", 1)[0], "textmill")
    return _describe(use, "textmill")


def _describe(use: str, origin: str) -> StageInfo:
    try:
        loaded = load_class(use)
    except LookupError as error:
        return StageInfo(use, "broken", str(error), origin)
    return StageInfo(use, kind_of(loaded), summary_of(loaded), origin)


def _import_builtin(use: str, module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        raise BrokenStageError(f"the stage {use!r} cannot be imported: {error}", "install what is missing") from error


def _sole_class(module: ModuleType, use: str) -> type[Stage]:
    """The one public stage class that a built-in module defines."""
    classes = [
        value
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Stage)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]
    if len(classes) != 1:
        names = ", ".join(kind.__name__ for kind in classes) or "none"
        raise BrokenStageError(f"the module {use} must define one public stage; it has {names}", "rename with a `_`")
    return _with_use(classes[0], use)


def _load_plugin(entry: EntryPoint, use: str) -> type[Stage]:
    origin = entry.dist.name if entry.dist else "its package"
    try:
        loaded = entry.load()
    except (Exception, SystemExit) as error:  # a plugin's import may fail in any way; it must not take the others down
        what = f"the plugin stage {use!r} ({entry.value}) cannot be loaded: {type(error).__name__}: {error}"
        raise BrokenStageError(what, f"mend or reinstall {origin}") from error
    return _with_use(_checked(loaded, entry.value), use)


def _split_path(use: str, base: Path | None) -> tuple[Path, str]:
    path, colon, name = use.rpartition(":")
    if not colon or not name.isidentifier():
        raise BrokenStageError(f"{use!r} names no class", "write ./my_stages.py:Name")
    return (base or Path()).absolute() / path, name


def _run_file(file: Path) -> ModuleType:
    """The module of a user's file, with the reason when it cannot be had."""
    try:
        return load_file(file)
    except FileNotFoundError as error:
        raise UnknownStageError(f"there is no stage file {file}", "mend the path") from error
    except (
        Exception,
        SystemExit,
    ) as error:  # the user's own code may raise anything; the pipeline's line belongs to the message
        raise BrokenStageError(f"{file} cannot be run: {type(error).__name__}: {error}", "mend the file") from error


def _named_class(module: ModuleType, name: str, use: str) -> type[Stage]:
    if not hasattr(module, name):
        names = [key for key, value in vars(module).items() if isinstance(value, type) and issubclass(value, Stage)]
        own = [key for key in names if getattr(module, key).__module__ == module.__name__]
        raise UnknownStageError(
            f"{use.rpartition(':')[0]} has no class {name!r}", f"it has {', '.join(own) or 'no stage'}"
        )
    return _with_use(_checked(getattr(module, name), use), use)


def _checked(loaded: object, where: str) -> type[Stage]:
    if not isinstance(loaded, type) or not issubclass(loaded, Filter | Map | Find | Move):
        raise BrokenStageError(
            f"{where} is no stage", "subclass Filter, Map or Find of stages.stage, or Move of stages.move"
        )
    return loaded


def _with_use(loaded: type[Stage], use: str) -> type[Stage]:
    loaded.use = use
    return loaded


def near_stage(use: str) -> str:
    """Names to offer for one that is not known: near in spelling, or the same after the last dot."""
    known = [*builtin_names(), *_plugins()]
    same = [name for name in known if short_name(name) == short_name(use)]
    near = [*same, *(name for name in get_close_matches(use, known, 3, 0.7) if name not in same)]
    return f"did you mean {' or '.join(near[:3])}?" if near else "`textmill stages` lists all stages"


def _json_value(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(_json_value(item) for item in value)
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    return value
