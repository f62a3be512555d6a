"""Every pipeline in docs/pipeline_author.md compiles, and its tables tell all there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines import recipe_names
from pipelines.compile import compile_pipeline, validate_pipeline
from pipelines.form import TOP_KEYS
from pipelines.output_form import WriteFields
from pipelines.plan import RunOptions
from pipelines.step_form import STEP_KEYS
from stages.meanings import field_meanings
from stages.read.formats import EXTENSIONS

PAGE = (Path(__file__).parents[2] / "docs" / "pipeline_author.md").read_text("utf-8")
BLOCKS = [text for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if "textmill: 1" in text]
FAULTY = "name: bad\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a little of everything that the page's pipelines read."""
    letters = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]
    crawl = ("village-shop.warc.gz", "village-school.warc")
    files = {
        "letters/1911.jsonl": letters,
        "tables/a.csv": "id,body,year,country\n1,Hei,1905,no\n",
        "tables/more/a.tsv": "id\tbody\tyear\tcountry\n1\tHei\t1999\tse\n",
        **{f"sample/crawl/{name}": "WARC/1.0\r\n" for name in crawl},
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.setenv("SCRATCH", str(tmp_path / "scratch"))
    return tmp_path


@pytest.mark.parametrize("text", [block for block in BLOCKS if FAULTY not in block])
def test_a_pipeline_of_the_page_compiles(home: Path, text: str) -> None:
    (home / "p.yaml").write_text(text, "utf-8")

    plan = compile_pipeline("p.yaml", working_directory=home)

    assert plan.steps[-1].kind == "write"


def test_the_faulty_pipeline_has_the_faults_that_the_page_shows(home: Path) -> None:
    [text] = [block for block in BLOCKS if FAULTY in block]
    (home / "bad.yaml").write_text(text, "utf-8")

    faults = validate_pipeline("bad.yaml", working_directory=home)

    assert len(faults) == 9
    page = re.sub(r"^ +", "", PAGE, flags=re.MULTILINE).replace("/home/you", str(home))
    assert [line for fault in faults for line in str(fault).splitlines() if line.strip() not in page] == []


def test_the_table_of_run_options_is_that_of_the_code() -> None:
    for name, text in field_meanings(RunOptions).items():
        assert re.search(rf"^\| `{name}` \| [^|]+ \| {re.escape(text)} \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("names", [TOP_KEYS, STEP_KEYS, tuple(WriteFields.model_fields), recipe_names()])
def test_every_key_is_on_the_page(names: tuple[str, ...]) -> None:
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_every_extension_is_on_the_page() -> None:
    assert [name for name in EXTENSIONS if not re.search(rf"[`. ]{re.escape(name)}[` ]", PAGE)] == []
