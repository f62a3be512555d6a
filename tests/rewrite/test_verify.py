"""Each rule of `rewrite.verify` drops what it is for, with value and limit, and is off when its limit is."""

from __future__ import annotations

from typing import Any

import pytest

from rewrite.openers import is_refusal, without_openers
from rewrite.style import fixed_part, shipped_style, style_names, template_of
from rewrite.traits import copied_share, kept_numbers, main_script, repeated_share, script_share, words_of
from rewrite.verify import Judge, Verify, judged, tidied
from stages.specimens import SENTENCES, hostile_texts

SOURCE = (
    "The mill stands where the river bends, and its wheel has turned since the bridge was built in 1823. Nobody in the "
    "village could say who had oiled the 12 gears that winter, for it cost 1,234.50 crowns."
)
GOOD = (
    "Where the river bends stands a mill; since 1823, the year of the bridge, its wheel has been turning. Who oiled "
    "its 12 gears in that winter for 1234.50 crowns nobody in the village knew."
)
GERMAN = (
    "Die Mühle steht dort, wo der Fluss eine Biegung macht, und ihr Rad dreht sich, seit 1823 die Brücke gebaut wurde. "
    "Niemand im Dorf konnte sagen, wer in jenem Winter die 12 Zahnräder für 1.234,50 Kronen geölt hatte."
)
CHINESE = "磨坊坐落在河边,自从1823年桥建成以来,水轮一直在转动。村里没有人知道那年冬天是谁修好了12个齿轮。"
PROMPT = fixed_part(shipped_style("medium"), template_of(shipped_style("medium")))


def verdict(reply: str, source: str = SOURCE, **limits: Any) -> tuple[str | None, float | None, float | None]:
    judge = Judge(Verify(**limits), PROMPT)
    told = judged(judge, [source], [tidied(judge.limits, reply)])
    return told.rule[0].as_py(), told.value[0].as_py(), told.limit[0].as_py()


@pytest.mark.parametrize(
    ("reply", "limits", "rule", "off"),
    [
        ("  ", {}, "empty_reply", None),
        ("As an AI language model, I cannot have opinions on mills.", {}, "refusal", {"refusals": False}),
        (f"Here is a paraphrase:\n\n{GOOD}", {"meta": "drop"}, "meta", {"meta": "strip"}),
        ("A mill.", {}, "short_reply", {"min_length_ratio": None}),
        (GOOD, {"max_length_ratio": 0.5}, "long_reply", {"max_length_ratio": None}),
        (GOOD + " The wheel turns and the mill stands by the river." * 12, {}, "loops", {"max_repeated": None}),
        (f"{GOOD} {PROMPT}", {}, "copied_prompt", {"max_copied_prompt": None}),
        (CHINESE, {}, "other_script", {"min_script": None}),
        (GERMAN, {}, "other_language", {"min_language": None}),
        (GOOD.replace("1823", "that year"), {"min_numbers": 1}, "numbers_lost", {"min_numbers": None}),
    ],
)
def test_each_rule_drops_what_it_is_for_and_can_be_switched_off(
    reply: str, limits: dict[str, Any], rule: str, off: dict[str, Any] | None
) -> None:
    found, value, limit = verdict(reply, **limits)
    assert found == rule
    assert (value is None) == (limit is None) == (rule in ("empty_reply", "refusal", "meta"))
    if off is not None:
        assert verdict(reply, **limits | off)[0] != rule


def test_a_good_reply_passes_all_rules_at_their_strictest_sense() -> None:
    assert verdict(GOOD, min_numbers=1, meta="drop", min_length_ratio=0.5, max_length_ratio=2) == (None, None, None)
    assert verdict(SOURCE)[0] is None


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_a_document_given_back_as_it_is_passes_in_every_script(language: str) -> None:
    text = " ".join(dict.fromkeys(SENTENCES[language]))
    assert verdict(text, source=text)[0] is None


@pytest.mark.parametrize(
    "reply",
    [
        "I'm sorry, but I can't help with that.",
        "I am unable to provide this.",
        "Sorry, I cannot do that.",
        "As a language model I have no mill.",
        "I cannot rewrite this document.",
        "Please provide the text you want me to rewrite.",
        "Als KI kann ich das nicht.",
        "作为一个人工智能，我不能这样做。",
        "申し訳ありませんが、できません。",
    ],
)
def test_refusals_are_known(reply: str) -> None:
    assert is_refusal(reply)


@pytest.mark.parametrize(
    "text",
    [
        "I cannot say who oiled the gears, wrote the miller.",
        "Sorry, said the miller, and went on.",
        "Great Britain has many mills.",
        "Here is where the river bends: at the mill.",
        "Below are the stones: two of granite, one of basalt.",
        "The following is known of mills: they turn.",
        "Certainly the mill is old.",
        "Question: Why does it turn?\nAnswer: The river moves it.",
        "I hope this letter finds you well. The mill stands.",
    ],
)
def test_prose_that_only_begins_like_talk_about_the_task_is_left_alone(text: str) -> None:
    assert not is_refusal(text)
    assert without_openers(text) == text


@pytest.mark.parametrize(
    "reply",
    [
        "Here is a paraphrase of the text:\n\nIt turns.",
        "Sure! Here's the rewritten version: It turns.",
        "Certainly, here is a simplified version of the passage:\nIt turns.",
        "**Rewritten text:**\nIt turns.",
        "Here are the questions and answers:\n\nIt turns.",
        "It turns.\n\nI hope this helps! Let me know.",
        "It turns.\n\n---\nNote: I kept all numbers.",
        "Below is the tutorial:\n\nIt turns.\nLet me know if you need anything else.",
    ],
)
def test_talk_about_the_task_is_taken_off(reply: str) -> None:
    assert without_openers(reply) == "It turns."


def test_shares_are_of_runs_of_eight_words_in_every_script() -> None:
    line = "a b c d e f g h i j k l m n o p "
    assert repeated_share(line) == 0
    assert repeated_share(line * 2) == pytest.approx(9 / 25)
    assert repeated_share("磨坊坐落在河边" * 6) == pytest.approx(0.8)
    assert repeated_share("few words") is None
    assert copied_share(line, "x", line) == 1
    assert copied_share(line, line, line) == 0
    assert copied_share(line, "x", "few words") is None
    assert words_of("Mühle_2 磨坊, ok!") == ["mühle", "2", "磨", "坊", "ok"]


@pytest.mark.parametrize(
    ("source", "reply", "share"),
    [
        ("in 1823 and 7", "7 of 1823", 1.0),
        ("1,234 and 1.5", "1234 and 1,5", 1.0),
        ("1,234,567.89", "1234567.89", 1.0),
        ("٣٤٥ and 4", "345", 0.5),
        ("1 2 3 4", "none", 0.0),
        ("none", "5", None),
    ],
)
def test_numbers_count_as_kept_however_they_are_written(source: str, reply: str, share: float | None) -> None:
    assert kept_numbers(source, reply) == share


def test_scripts_are_told_by_letters_alone() -> None:
    assert main_script("水車は回る turn 123") == "CJK"
    assert main_script("Мельница mill") == "CYRILLIC"
    assert main_script("123 !?") is None
    assert script_share("LATIN", "abc де") == pytest.approx(3 / 5)
    assert script_share(None, "abc") is None


def test_no_text_breaks_a_rule_by_its_form() -> None:
    judge = Judge(Verify(min_numbers=0.5), PROMPT)
    texts = list(hostile_texts().values())
    assert len(judged(judge, texts, [tidied(judge.limits, text) for text in texts])) == len(texts)
    for name in style_names():
        assert shipped_style(name).verify.refusals
