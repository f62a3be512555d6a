"""Writes a changed pipeline back as YAML, so that the run directory holds what really ran."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from pipelines.scalars import read_scalar
from pipelines.tree import Node, Unresolved, plain


class _Dumper(yaml.SafeDumper):
    """Quotes texts by the scalars of YAML 1.2, as they are read again."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def resolved_text(root: Node, shown: str, settings: Sequence[str]) -> str:
    """The YAML of a tree after `extends`, `set` and `--set`; variables are still variables."""
    lines = [f"# {shown}, with what it extends and sets put into it", *(f"# --set {one}" for one in settings)]
    head = "".join(f"{' '.join(line.splitlines())}\n" for line in lines)
    return head + yaml.dump(plain(root), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    """Quote what would be read as something else, and escape what YAML folds (NEL and LS break lines in YAML 1.1)."""
    style = None if _is_word(text) else "'"
    if not text.isprintable():
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_word(text: str) -> bool:
    try:
        return isinstance(read_scalar(text), str)
    except ValueError:
        return False


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(Unresolved, _represent_text)
