"""The table of `filters.robots`: which host tells which agents what, as a file of rows.

The idea: a crawl of robots.txt files is gigabytes and a worker needs few of them, so the table rests in Arrow as it was
read, hosts are found by a hash table, and a host's rules are read when its first document comes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from filters.domain_lists import punycode
from filters.robots_rules import EVERY_AGENT, Groups, merged, read_groups
from stages.kernels.texts import texts_of

TABLE: Final = pa.schema(
    [("host", pa.string()), ("agents", pa.list_(pa.string())), ("rules", pa.string()), ("date", pa.string())]
)
"""What a table is brought into. `rules`: the lines of a robots.txt, null where the whole host is closed."""

CLOSED: Final = "Disallow: /"

_DATE: Final = r"^\d{4}-\d\d-\d\d"
_PATH_RULE: Final = re.compile(r"\s*(allow|disallow)\s*:", re.IGNORECASE)
_NO_HOST: Final = r"^$|[\s/:@?#*]"
_SEPARATORS: Final = re.compile(r"[\s,;]+")


@dataclass(frozen=True, slots=True)
class RobotsTable:
    """The table sorted by host, of each host the newest rows first.

    `numbers`: the string set of its hosts · `ends`: for each row where those of the same host and date end.
    """

    rows: pa.RecordBatch
    numbers: Any
    ends: npt.NDArray[np.int64]
    known: dict[int, Any] = field(default_factory=dict)
    """What was made of the rules of hosts met so far, by their first row."""

    def first_rows(self, hosts: pa.Array) -> npt.NDArray[np.int64]:
        """For each host the first of its rows, or -1; one that is not listed takes those of its twin with `www.`."""
        from stages.kernels.string_set import find

        found = find(self.numbers, texts_of(hosts))
        missing = np.flatnonzero(found < 0)
        if len(missing):
            twins = [_twin(host) for host in hosts.take(pa.array(missing)).to_pylist()]
            found[missing] = find(self.numbers, texts_of(pa.array(twins, pa.string())))
        return found

    def groups(self, first: int) -> Groups:
        """The groups of the host whose rows begin at `first`: those of its newest date, put together."""
        rows = self.rows.slice(first, int(self.ends[first]) - first)
        texts = zip(rows["rules"].to_pylist(), rows["agents"].to_pylist())
        return merged(read_groups(CLOSED if text is None else text, agents or (EVERY_AGENT,)) for text, agents in texts)


def open_table(path: Path) -> RobotsTable:
    """The table of a file. Raises ValueError that names the first row that is wrong, OSError."""
    from stages.kernels.string_set import string_set

    rows = read_table(path)
    at = pa.array(np.arange(rows.num_rows))
    order = [("host", "ascending"), ("date", "descending"), ("at", "ascending")]
    rows = rows.take(pc.sort_indices(rows.append_column("at", at), order))
    sorted_rows = pa.RecordBatch.from_arrays([column.combine_chunks() for column in rows.columns], schema=TABLE)
    return RobotsTable(sorted_rows, string_set(sorted_rows["host"]), _ends(sorted_rows))


def _ends(rows: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """For each row of a sorted table where the rows of its host and date end."""
    changed = np.zeros(rows.num_rows, np.bool_)
    for column in (rows["host"], pc.fill_null(rows["date"], "")):
        changed[:-1] |= pc.not_equal(column.slice(1), column.slice(0, rows.num_rows - 1)).to_numpy(zero_copy_only=False)
    changed[-1:] = True
    borders = np.flatnonzero(changed) + 1
    return borders[np.searchsorted(borders, np.arange(rows.num_rows), side="right")]


def read_table(path: Path) -> pa.Table:
    """The rows of a file, in its order, as `TABLE` has them. Raises ValueError for what is no such table, OSError."""
    try:
        columns = _columns(path)
    except (pa.ArrowInvalid, orjson.JSONDecodeError, EOFError) as error:
        raise ValueError(f"{path} cannot be read as a table: {str(error).splitlines()[0]}") from error
    if "host" not in columns:
        raise ValueError(f"{path} has no column 'host'; it has {', '.join(columns)}")
    rows = len(columns["host"])
    if not rows:
        raise ValueError(f"{path} has no rows")
    cells = [columns.get(name, [None] * rows) for name in TABLE.names]
    arrays = [
        read(name, column, path) for name, column, read in zip(TABLE.names, cells, (_hosts, _each, _each, _dates))
    ]
    silent = next((at for at, cell in enumerate(zip(cells[1], cells[2])) if cell == (None, None)), None)
    if silent is not None:
        raise ValueError(f"{path}, row {silent + 1} says nothing: give agents, rules, or both")
    return pa.table(arrays, TABLE)


def _columns(path: Path) -> Mapping[str, Sequence[Any]]:
    """The file's columns. Raises ValueError for a name that tells no format, and what the format's reader raises."""
    kind = next((end for end in reversed(path.suffixes) if end not in (".gz", ".zst")), "")
    if kind == ".parquet":
        table = pa.parquet.read_table(path)
        return {name: table[name].to_pylist() for name in table.column_names}
    if kind not in (".csv", ".jsonl", ".ndjson"):
        raise ValueError(f"{path} is no table: its name ends neither in .jsonl nor in .csv nor in .parquet")
    with pa.input_stream(path, compression="detect") as stream:
        if kind == ".csv":
            parsing = pa.csv.ParseOptions(newlines_in_values=True)
            reading = pa.csv.ConvertOptions(
                column_types=dict.fromkeys(TABLE.names, pa.string()), strings_can_be_null=True, null_values=[""]
            )
            table = pa.csv.read_csv(stream, parse_options=parsing, convert_options=reading)
            return {name: table[name].to_pylist() for name in table.column_names}
        rows = [orjson.loads(line) for line in stream.read().splitlines() if line.strip()]
    wrong = next((at for at, row in enumerate(rows, 1) if not isinstance(row, dict)), None)
    if wrong is not None:
        raise ValueError(f"{path}, row {wrong} is no object with keys such as host and rules")
    names = dict.fromkeys(key for row in rows for key in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _hosts(name: str, cells: Sequence[Any], path: Path) -> pa.Array:
    """Hosts as hosts are compared. Raises ValueError for the first that is none."""
    hosts = pc.utf8_rtrim(pc.utf8_lower(pc.utf8_trim_whitespace(_strings(cells))), ".")
    wrong = pc.index(pc.fill_null(pc.match_substring_regex(hosts, _NO_HOST), True), True).as_py()
    if wrong >= 0:
        mend = "write it like www.example.com, without scheme, path or port"
        raise ValueError(f"{path}, row {wrong + 1}: {cells[wrong]!r} is no host; {mend}")
    if pc.all(pc.string_is_ascii(hosts)).as_py():
        return hosts
    return pa.array(map(punycode, hosts.to_pylist()), pa.string())


def _dates(name: str, cells: Sequence[Any], path: Path) -> pa.Array:
    """Days or times as texts that sort. Raises ValueError for the first in another format."""
    dates = _strings([None if cell is None else str(cell) for cell in cells])
    wrong = pc.index(pc.match_substring_regex(dates, _DATE), False).as_py()
    if wrong >= 0:
        raise ValueError(f"{path}, row {wrong + 1}: the date is {cells[wrong]!r}; write it like 2025-01-31")
    return dates


def _each(name: str, cells: Sequence[Any], path: Path) -> pa.Array:
    """Agents or rules, cell by cell. Raises ValueError for the first that is neither text nor list as wanted."""
    read = _agents if name == "agents" else _rules
    values = []
    for row, cell in enumerate(cells, 1):
        try:
            values.append(read(cell))
        except ValueError as error:
            raise ValueError(f"{path}, row {row}: {error}") from error
    return pa.array(values, TABLE.field(name).type)


def _strings(cells: Sequence[Any]) -> pa.Array:
    """A string column; what is no text is null."""
    return pa.array([cell if isinstance(cell, str) else None for cell in cells], pa.string())


def _agents(cell: object) -> list[str] | None:
    """Names of agents, from a list of them or one text. Raises ValueError for anything else."""
    names = _SEPARATORS.split(cell.strip()) if isinstance(cell, str) else cell
    if names is None:
        return None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"agents are {cell!r}; write names such as GPTBot, CCBot")
    return names


def _rules(cell: object) -> str | None:
    """The lines of a robots.txt, from its text or a list of Allow and Disallow lines. Raises ValueError for others."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, list) and all(isinstance(line, str) and _PATH_RULE.match(line) for line in cell):
        return "\n".join(cell)
    raise ValueError(f"rules are {str(cell)[:80]}; write the text of a robots.txt, or a list such as ['Disallow: /a']")


def _twin(host: str) -> str:
    """The host with `www.` in front, or without it."""
    return host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
