"""What `rewrite.instruct` promises: pairs grounded in the document, excerpts word for word, every loss told of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rewrite.fill import TEMPLATES, read_filled, read_templates, suited, without_tags
from rewrite.instruct import Instruct
from rewrite.pairs import grounded_share, kept_count, read_pairs, shuffled
from rewrite.template import TemplateFault
from stages.hashing import digest_of
from stages.laws import check_stage
from stages.verdicts import Mapped
from tests.rewrite.rule_server import RuleServer, document_in

MILL = (
    "The mill stands where the river bends. Its wheel has turned since 1823, when the bridge was built. Nobody in the "
    "village could say who had oiled the gears that winter. We measured the flow of water twice a day and wrote the "
    "numbers with a pencil. Flour from the first stones is coarse, so the baker sifts it before the dough rests."
)
PAIRS = (
    "Question: Where does the mill stand?\nAnswer: It stands where the river bends.\n\n"
    "**Question:** Since when has its wheel turned?\n**Answer:** Since 1823, when the bridge was built.\n"
    "Question: Who is the president?\nAnswer: Somebody completely different governs overseas nowadays.\n"
    "Question: Is flour from the first stones coarse?\nAnswer: Yes.\n"
)


@pytest.fixture
def server() -> Iterator[RuleServer]:
    with RuleServer(lambda system, user: PAIRS) as running:
        yield running


def stage_of(server: RuleServer, **fields: Any) -> Instruct:
    model = {"llm": "http", "base_url": server.url, "model": "rules", "retries": 0}
    return Instruct.model_validate({"llm": model, "how": "questions", **fields})


def made(stage: Instruct, texts: list[str]) -> Mapped:
    batch = pa.record_batch({"id": [f"{number:032x}" for number in range(len(texts))], "text": texts})
    return stage.map(batch, stage.open())


def losses(mapped: Mapped) -> list[str]:
    rejected = [] if mapped.rejected is None else mapped.rejected.verdicts.rule.to_pylist()
    return [*([] if mapped.drops is None else filter(None, mapped.drops.rule.to_pylist())), *rejected]


def fill_with(answer: str | None, instruction: str = "Tell me about the mill.") -> str:
    return json.dumps({"instruction": instruction, "answer": answer})


def test_the_laws_hold_for_both_ways(server: RuleServer, tmp_path: Path) -> None:
    check_stage(stage_of(server, replies=tmp_path, max_input_tokens="1M"))
    server.rule = lambda system, user: fill_with(f"<excerpt>{document_in(user)[:20]}</excerpt>")
    check_stage(stage_of(server, how="templates", per_document=1, replies=tmp_path, max_input_tokens="1M"))


def test_questions_become_documents_of_their_own_and_ungrounded_ones_are_lost(server: RuleServer) -> None:
    mapped = made(stage_of(server, pairs="all"), [MILL])
    rows = mapped.rows.to_pylist()
    assert [row["answer"] for row in rows] == [
        "It stands where the river bends.",
        "Since 1823, when the bridge was built.",
        "Yes.",
    ]
    assert rows[0]["text"] == "User: Where does the mill stand?\n\nAssistant: It stands where the river bends."
    assert (rows[0]["style"], rows[0]["template"], rows[0]["model"]) == ("questions", None, "rules")
    assert losses(mapped) == ["ungrounded"]
    assert mapped.rejected is not None
    assert mapped.rejected.text.to_pylist() == ["Somebody completely different governs overseas nowadays."]


def test_how_many_questions_are_drawn_depends_on_seed_and_document_alone(server: RuleServer) -> None:
    first, again = (made(stage_of(server), [MILL, MILL + " It rains."]) for _ in range(2))
    assert first.rows.equals(again.rows)
    alone = made(stage_of(server), [MILL])
    assert first.rows["text"].to_pylist()[: alone.rows.num_rows] == alone.rows["text"].to_pylist()
    assert alone.rows.num_rows + losses(alone).count("not_drawn") == 3
    counts = [kept_count(150, 0, str(document)) for document in range(500)]
    assert set(counts) == set(range(1, 11))
    assert kept_count(3, 0, "x") == 1
    assert sorted(shuffled(5, 1, "x")) == list(range(5))


def test_pairs_beyond_the_tokens_of_their_document_are_lost(server: RuleServer) -> None:
    mapped = made(stage_of(server, pairs="all", max_share_of_document=0.4), [MILL])
    assert mapped.rows.num_rows == 1
    assert losses(mapped) == ["ungrounded", "document_budget", "document_budget"]
    assert mapped.rejected is not None
    assert mapped.rejected.verdicts.limit[1].as_py() == pytest.approx(0.4 * -(-len(MILL) // 3))


def test_a_document_of_which_no_pair_is_left_is_dropped_or_stays_beside_none(server: RuleServer) -> None:
    server.rule = lambda system, user: "The mill stands where the river bends, and its wheel turns."
    assert losses(made(stage_of(server), [MILL])) == ["no_pairs"]
    both = made(stage_of(server, keep="both"), [MILL, "Mill."])
    assert both.rows["text"].to_pylist() == [MILL, "Mill."]
    assert losses(both) == ["no_pairs", "too_short_to_rewrite"]


def test_templates_are_filled_with_passages_of_the_document_word_for_word(server: RuleServer) -> None:
    server.rule = lambda system, user: fill_with("<excerpt>The mill stands<...>was built.</excerpt>")
    mapped = made(stage_of(server, how="templates", per_document=2), [MILL])
    row = mapped.rows.to_pylist()[0]
    assert row["answer"] == MILL[: MILL.index("Nobody") - 1]
    assert (row["instruction"], row["style"]) == ("Tell me about the mill.", "templates")
    asked = [re.findall("Template: (.*)", user) for _, user in server.asked_about_documents]
    templates = {one.template: one.id for one in read_templates(TEMPLATES)}
    assert row["template"] == templates[asked[0][0]]
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("reply", "rule"),
    [
        (fill_with(None), "incompatible"),
        (fill_with("The mill is old and nobody knows it."), "own_words"),
        (fill_with("<excerpt>The mill stands<...>nowhere</excerpt>"), "excerpt"),
        (fill_with("<excerpt>the<...>the</excerpt>"), "excerpt"),
        (fill_with("<excerpt>The mill stands where"), "excerpt"),
        (fill_with("<excerpt>The mill stands</excerpt>", "Tell me about <fi>it</fi>"), "unfilled"),
        ("I think the answer is: mill", "unparsable"),
        ('{"instruction": "x", "answer": "y", "more": 1}', "unparsable"),
        ('["instruction", "answer"]', "unparsable"),
    ],
)
def test_what_a_template_is_not_worth_is_told_with_its_rule(server: RuleServer, reply: str, rule: str) -> None:
    server.rule = lambda system, user: reply
    stage = stage_of(server, how="templates", per_document=1)
    assert losses(made(stage, [MILL])) == [rule]
    asked = len(server.asked_about_documents)
    assert asked == 1


def test_a_reply_in_a_code_fence_is_read_as_well() -> None:
    told = read_filled(f"```json\n{fill_with('<excerpt>Its wheel</excerpt> turns')}\n```", MILL)
    assert (told.answer, round(told.copied, 2)) == ("Its wheel turns", 0.6)


@given(st.text(alphabet="ab <>.exc/rpt", max_size=60), st.text(alphabet="ab <>.", max_size=40))
def test_what_is_counted_as_copied_stands_in_the_document(answer: str, document: str) -> None:
    told = read_filled(json.dumps({"instruction": "i", "answer": answer}), document)
    if told.loss is None and told.copied == 1:
        assert told.answer in document or "<excerpt>" in answer
    assert told.copied >= 0


def test_tags_in_a_document_are_broken_before_it_is_shown() -> None:
    shown = without_tags("a <excerpt>x<...>y</excerpt> <fi>z</fi>")
    assert not re.search(r"<(/?(excerpt|fi)>|\.\.\.>)", shown)


def test_templates_are_chosen_by_words_that_the_document_has() -> None:
    templates = read_templates(TEMPLATES)
    [(first, window), *_] = suited(
        templates, ["Nothing here.", "Mix flour, sugar, butter; bake 20 minutes."], 3, 0, "x"
    )
    assert (first.id, window) == ("recipe", 1)
    anything = suited(templates, ["zzz"], 9, 0, "x")
    assert {one.about for one, _ in anything} == {"any"}
    assert suited(templates, ["zzz"], 9, 0, "x") == anything


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("- {id: a, template: no slot, about: any}", "0.template"),
        (
            "- {id: a, template: <fi>x</fi>, about: any}\n- {id: a, template: <fi>y</fi>, about: any}",
            "'a' stands there twice",
        ),
        ("[]", "there are no templates"),
        ("a: [", "it is not YAML"),
    ],
)
def test_template_files_that_are_none_are_refused(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "t.yaml").write_text(content)
    with pytest.raises(TemplateFault, match=told):
        read_templates(tmp_path / "t.yaml")


def test_pairs_are_read_from_lines_alone() -> None:
    assert read_pairs("Intro\n1. Question: A?\nmore\nAnswer: B\nC\n- Q2: D?\nA2: E\nQuestion: none?") == [
        ("A?\nmore", "B\nC"),
        ("D?", "E"),
    ]
    assert read_pairs("Answer: x\nQuestion:\nAnswer: y") == []
    assert grounded_share("The wheels turn", "a wheel turns") == 1
    assert grounded_share("Yes", "no") is None


def test_settings_that_make_no_sense_are_refused(server: RuleServer) -> None:
    with pytest.raises(ValidationError, match="`templates` are for"):
        stage_of(server, templates="x.yaml")
    with pytest.raises(ValidationError, match="how"):
        stage_of(server, how="answers")


def test_a_changed_prompt_or_template_comes_with_a_new_version_of_the_stage() -> None:
    files = {file.name: file.read_text("utf-8") for file in sorted(TEMPLATES.parent.glob("*.yaml"))}
    assert (Instruct.version, digest_of(files)) == (1, "389e046ecba375e9af5881e5b4387989")
