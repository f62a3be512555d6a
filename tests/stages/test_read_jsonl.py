"""JSON Lines to documents: every line is a document, blank, or damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stages.document import document_id
from stages.read import Chunk, Damaged, Read, list_inputs, plan_splits, read_split, source_schema


def chunks(read: Read, *, rows: int = 4096, size: int = 2**23) -> list[Chunk]:
    files = list_inputs(read)
    schema = source_schema(read, files)
    found = [
        chunk
        for split in plan_splits(read, files)
        for chunk in read_split(read, "main", schema, split, batch_rows=rows, batch_bytes=size)
    ]
    assert all(chunk.rows.schema == schema for chunk in found)
    return found


def documents(found: list[Chunk]) -> list[dict[str, object]]:
    return [row for chunk in found for row in chunk.rows.to_pylist()]


def damages(found: list[Chunk]) -> list[Damaged]:
    return [damaged for chunk in found for damaged in chunk.damaged]


def written(folder: Path, *lines: object, name: str = "a.jsonl") -> Path:
    parts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    (folder / name).write_bytes(b"\n".join(parts) + b"\n")
    return folder / name


def test_known_keys_are_columns_and_others_go_into_metadata(tmp_path: Path) -> None:
    path = written(tmp_path, {"id": 7, "text": "Hi", "url": "u", "language_score": 1, "b": [1], "metadata": {"a": 2}})
    [row] = documents(chunks(Read(paths=str(path), dump="2024-10")))
    assert row["id"] == document_id("main", "a.jsonl", "0")
    assert (row["source_id"], row["text"], row["url"], row["language_score"]) == ("7", "Hi", "u", 1.0)
    assert (row["metadata"], row["source"], row["dump"]) == ('{"a":2,"b":[1]}', "main", "2024-10")
    assert (row["file_path"], row["_offset"], row["_length"]) == ("a.jsonl", 0, path.stat().st_size)


def test_ids_come_from_the_offsets_of_lines(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": "ä"}, b"", {"text": "b"})
    rows = documents(chunks(Read(paths=str(path))))
    assert [row["_offset"] for row in rows] == [0, path.read_bytes().rindex(b"{")]
    assert [row["id"] for row in rows] == [document_id("main", "a.jsonl", str(row["_offset"])) for row in rows]


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b'{"text": "x"', "broken JSON"),
        (b"[1]", "the line holds a list"),
        (b"null", "the line holds null"),
        (b'{"text": null}', "the text (`text`) is null"),
        (b'{"text": 5}', "the text (`text`) is a number"),
        (b'{"body": "x"}', "there is no text"),
        (b'{"text": "\xff"}', "invalid UTF-8 at byte 10"),
        (b'{"text": "\\ud800"}', "broken JSON"),
        (b'{"text": "x", "stars": "5"}', "`stars` is a string, declared as int64"),
        (b'{"text": "x", "stars": true}', "`stars` is true or false, declared as int64"),
    ],
)
def test_a_line_that_is_no_document_is_damaged_and_reading_goes_on(tmp_path: Path, line: bytes, cause: str) -> None:
    read = Read(paths=str(written(tmp_path, {"text": "a"}, line, {"text": "b"})), columns={"stars": "int64"})
    found = chunks(read)
    [damaged] = damages(found)
    assert [row["text"] for row in documents(found)] == ["a", "b"]
    assert damaged.cause.startswith(cause)
    assert (damaged.offset, damaged.length) == (14, len(line) + 1)
    assert damaged.id == document_id("main", "a.jsonl", "14")


def test_damage_keeps_the_url_of_its_line(tmp_path: Path) -> None:
    [damaged] = damages(chunks(Read(paths=str(written(tmp_path, {"text": None, "url": "http://x/"})))))
    assert damaged.url == "http://x/"


def test_blank_lines_line_ends_and_marks_are_no_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "a"}\r\n\r\n  \n{"text": "b"}\r\n\n{"text": "c"}')
    found = chunks(Read(paths=str(path)))
    assert [row["text"] for row in documents(found)] == ["a", "b", "c"]
    assert found[0].counts.skipped == {"blank": 3}
    assert damages(found) == []


def test_a_very_long_line_is_damaged_without_being_held(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": "a"}, {"text": "x" * 3_000_000}, {"text": "b"}, {"text": "y" * 200})
    found = chunks(Read(paths=str(path), max_record_bytes=100))
    assert [row["text"] for row in documents(found)] == ["a", "b"]
    assert [damaged.length for damaged in damages(found)] == [3_000_013, 213]
    assert "larger than max_record_bytes" in damages(found)[0].cause


def test_the_text_has_other_names(tmp_path: Path) -> None:
    rows = documents(chunks(Read(paths=str(written(tmp_path, {"content": "a"}, {"raw_content": "b"}, {"text": "c"})))))
    assert [row["text"] for row in rows] == ["a", "b", "c"]
    [row] = documents(chunks(Read(paths=str(written(tmp_path, {"body": "a", "text": "b"})), text="body")))
    assert (row["text"], row["metadata"]) == ("a", '{"text":"b"}')


def test_declared_columns_have_their_types(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": "a", "stars": 5, "rate": 1}, {"text": "b"})
    rows = documents(chunks(Read(paths=str(path), columns={"stars": "int32", "rate": "float64"})))
    assert [(row["stars"], row["rate"], row["metadata"]) for row in rows] == [(5, 1.0, None), (None, None, None)]


def test_odd_values_of_known_keys_are_not_lost(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": "a", "date": 2024, "language": ["en"], "language_score": "0.5", "source": "s"})
    [row] = documents(chunks(Read(paths=str(path))))
    assert (row["date"], row["language"], row["metadata"]) == ("2024", None, '{"language":["en"]}')
    assert (row["language_score"], row["source"]) == (0.5, "s")


def test_metadata_stays_and_joins(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {"text": "a", "metadata": '{"b": 1}'},
        {"text": "a", "metadata": '{"b": 1}', "b": 2, "a": 3},
        {"text": "a", "metadata": "no JSON"},
        {"text": "a", "metadata": None},
    )
    rows = documents(chunks(Read(paths=str(path))))
    expected = ['{"b": 1}', '{"a":3,"b":1,"record.b":2}', '{"metadata":"no JSON"}', None]
    assert [row["metadata"] for row in rows] == expected


def test_a_deeply_nested_value_costs_neither_the_document_nor_the_run(tmp_path: Path) -> None:
    deep = b'{"text": "a", "n": 1, "deep": ' + b"[" * 400 + b"]" * 400 + b"}"
    [row] = documents(chunks(Read(paths=str(written(tmp_path, deep)))))
    assert row["metadata"] == '{"deep":"nested too deeply to be kept","n":1}'


def test_batches_hold_no_more_than_asked(tmp_path: Path) -> None:
    path = written(tmp_path, *({"text": "x" * size} for size in (10, 10, 500, 10, 10, 10)))
    sizes = [chunk.rows.num_rows for chunk in chunks(Read(paths=str(path)), rows=2, size=100)]
    assert sizes == [2, 1, 2, 1]
    texts = [chunk.rows["text"].to_pylist() for chunk in chunks(Read(paths=str(path)), rows=99, size=100)]
    assert [len(batch) for batch in texts if sum(map(len, batch)) > 100] == [1]


def test_an_empty_file_has_no_documents(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"")
    found = chunks(Read(paths=str(tmp_path)))
    assert documents(found) == []
    assert found[0].counts.files["a.jsonl"].extent == 0


def test_an_id_with_a_column_of_its_own_keeps_it(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": "a", "url": "u", "n": 5})
    assert [row["source_id"] for row in documents(chunks(Read(paths=str(path), id="url")))] == ["u"]
    [row] = documents(chunks(Read(paths=str(path), id="n", columns={"n": "int64"})))
    assert (row["source_id"], row["n"], row["url"]) == ("5", 5, "u")


def test_names_with_a_meaning_cannot_be_declared_otherwise() -> None:
    assert Read(paths="x", columns={"url": "string"})
    for columns in ({"id": "int64"}, {"_x": "string"}, {"url": "int64"}):
        with pytest.raises(ValueError, match="its own meaning"):
            Read.model_validate({"paths": "x", "columns": columns})
