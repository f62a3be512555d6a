"""Plain aligned tables for terminals and logs: no colours, no boxes, so that they survive copying.

The same cells as HTML for notebooks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    """A table with a rule below its head; columns in `right` (numbers) are aligned to the right."""
    rights = set(right)
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if at in rights else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(cells, widths))
        )
        return "  ".join(padded).rstrip()

    return "\n".join([line(head), "  ".join("-" * width for width in widths).rstrip(), *(line(row) for row in rows)])


def html_table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    """The same table as HTML, every cell escaped."""
    rights = set(right)

    def line(cells: Sequence[str], tag: str) -> str:
        aligned = ("right" if at in rights else "left" for at in range(len(cells)))
        made = (f'<{tag} style="text-align: {to}">{escape(cell)}</{tag}>' for cell, to in zip(cells, aligned))
        return f"<tr>{''.join(made)}</tr>"

    return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"
