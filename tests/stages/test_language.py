"""The language stage: what it adds, what it drops, and what it says of texts that have no language."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from stages.errors import StageError
from stages.language import Language
from stages.stage import identity
from stages.verdicts import Mapped

ENGLISH = "The quick brown fox jumps over the lazy dog, and nobody in the village was surprised."
GERMAN = "Der schnelle braune Fuchs springt über den faulen Hund, und niemand im Dorf war überrascht."
NEITHER = "Mulino roda vento, ponte winter Korn agua flour."
CHINESE = "今天的天气非常好,我们一起去公园散步吧。"


def documents(*texts: str | None) -> pa.RecordBatch:
    ids = [f"{number:032x}" for number in range(len(texts))]
    return pa.record_batch({"id": pa.array(ids), "text": pa.array(texts, pa.string())})


def labelled(stage: Language, *texts: str | None) -> list[tuple[str, float]]:
    rows = stage.map(documents(*texts), stage.open())
    assert isinstance(rows, pa.RecordBatch)
    return list(zip(rows["language"].to_pylist(), rows["language_score"].to_pylist()))


def kept(stage: Language, *texts: str) -> Mapped:
    mapped = stage.map(documents(*texts), stage.open())
    assert isinstance(mapped, Mapped)
    return mapped


def test_names_the_language_of_a_text_and_how_sure_it_is() -> None:
    found = labelled(Language(), ENGLISH, GERMAN, CHINESE)

    assert [label for label, _ in found] == ["eng_Latn", "deu_Latn", "cmn_Hani"]
    assert all(0.8 < score <= 1 for _, score in found)


@pytest.mark.parametrize("text", ["", " \n\t ", "\0\0", "\u3000\u2003", None])
def test_a_text_without_a_word_is_undetermined(text: str | None) -> None:
    assert labelled(Language(), text) == [("und", 0.0)]


def test_newlines_and_null_characters_are_blanks() -> None:
    found = labelled(Language(), ENGLISH.replace(" ", "\n"), ENGLISH.replace(" ", "\0"), ENGLISH)

    assert found[0] == found[1] == found[2]


def test_below_the_minimum_score_the_language_is_undetermined_and_the_score_stays() -> None:
    (bare_label, bare_score), (label, score) = (labelled(Language(min_score=limit), NEITHER)[0] for limit in (0, 1))

    assert bare_label != "und"
    assert (label, score) == ("und", bare_score)


def test_other_languages_are_dropped_with_score_limit_and_name() -> None:
    mapped = kept(Language(keep=("en",), min_score="65%"), ENGLISH, GERMAN, "", NEITHER)

    assert mapped.rows["language"].to_pylist() == ["eng_Latn"]
    assert mapped.parent.tolist() == [0]
    assert mapped.drops is not None
    assert mapped.drops.rule.to_pylist() == [None, "language", "language", "language"]
    assert mapped.drops.limit.to_pylist() == [None, 0.65, 0.65, 0.65]
    assert mapped.drops.value[1].as_py() > 0.65
    assert mapped.drops.value[2].as_py() == 0
    messages = mapped.drops.message.to_pylist() if mapped.drops.message is not None else []
    assert messages[:3] == [None, "language deu_Latn is not one of en", "nothing in the text tells a language"]
    assert messages[3].startswith("the best guess scores below min_score, ")


def test_undetermined_texts_can_be_kept() -> None:
    assert kept(Language(keep=("de", "und")), "", GERMAN, ENGLISH).parent.tolist() == [0, 1]


def test_only_the_start_is_read_when_told_so() -> None:
    text = CHINESE + " " + " ".join([ENGLISH] * 5)

    assert labelled(Language(), text)[0][0] == "eng_Latn"
    assert labelled(Language(max_chars=len(CHINESE)), text) == labelled(Language(), CHINESE)


def test_columns_of_the_input_are_replaced_in_their_place() -> None:
    batch = documents(ENGLISH).append_column("language", pa.array(["xx"])).append_column("url", pa.array(["u"]))
    stage = Language()

    rows = stage.map(batch, stage.open())

    assert isinstance(rows, pa.RecordBatch)
    assert rows.schema.names == ["id", "text", "language", "url", "language_score"]
    assert rows["language"].to_pylist() == ["eng_Latn"]


def test_a_file_that_is_no_model_is_refused_with_the_mend(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"no model at all")

    with pytest.raises(StageError, match=r"is no fastText classifier(.|\n)*mend: "):
        Language.model_validate({"model": path}).open()


def test_the_models_content_counts_for_the_identity_and_its_path_does_not(tmp_path: Path) -> None:
    for name in ("a.ftz", "b.ftz"):
        (tmp_path / name).write_bytes(b"same")

    one, two = (identity(Language.model_validate({"model": tmp_path / name})) for name in ("a.ftz", "b.ftz"))

    assert one == two
    assert one != identity(Language())


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("xyz", "no identifier gives the label 'xyz', so nothing would be kept for it; there are "),
        ("english", "there are eng"),
        ("eng_Cyrl", "it is written in Latn"),
    ],
)
def test_a_language_that_no_identifier_names_is_refused_before_anything_is_dropped(entry: str, fault: str) -> None:
    stage = Language(keep=("en", entry))

    [told] = stage.check(pa.schema([]))

    assert fault in told
    with pytest.raises(StageError, match="so nothing would be kept for it"):
        stage.open()


def test_a_text_that_holds_the_marks_of_a_training_file_is_read_to_its_end() -> None:
    assert labelled(Language(min_plain=0), f"</s> {GERMAN}", f"__label__en {GERMAN}") == labelled(
        Language(), GERMAN, GERMAN
    )
