"""Which textmill this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def textmill_version() -> str:
    """The installed version, or `source` when textmill runs from a bare checkout."""
    try:
        return version("textmill")
    except PackageNotFoundError:
        return "source"
