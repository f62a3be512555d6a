"""The docstrings of fields as help: from wherever a class was made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from filters.length import Length
from stages.load import load_class
from stages.meanings import field_meanings
from stages.stage import Filter


class Shorter(Length):
    """A filter of the tests."""

    min_characters: int | None = 5
    extra: Annotated[int, Field(description="Said in the field itself.")] = 1
    other: int = 2
    """Over two

        lines."""


def test_fields_mean_what_stands_below_them_or_what_they_say_themselves() -> None:
    meanings = field_meanings(Shorter)

    assert list(meanings) == list(Shorter.model_fields)
    assert meanings["mode"] == field_meanings(Filter)["mode"] != ""
    assert (meanings["extra"], meanings["other"]) == ("Said in the field itself.", "Over two\n\nlines.")


def test_a_field_declared_anew_keeps_no_meaning_of_the_old_one() -> None:
    assert field_meanings(Length)["min_characters"] != ""
    assert field_meanings(Shorter)["min_characters"] == ""


def test_a_class_in_a_users_file_has_its_meanings(tmp_path: Path) -> None:
    head = "from stages.stage import Filter\n\nclass Mine(Filter):\n    '''Of the user.'''\n"
    (tmp_path / "mine.py").write_text(f"{head}    most: int = 1\n    '''At most.'''\n")

    assert field_meanings(load_class("./mine.py:Mine", tmp_path))["most"] == "At most."


def test_a_class_within_a_function_has_its_meanings() -> None:
    class Inner(Filter):
        least: int = 1
        """At least."""

    assert field_meanings(Inner)["least"] == "At least."
