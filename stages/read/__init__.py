"""Reading: which files a source has, how they are cut into splits, and how a split becomes batches of documents.

list_inputs      the files, sorted by locator                       pipelines, at plan time
would_read       whether a file yet to be written would be a file   pipelines, at plan time
source_schema    the columns of the documents                       pipelines, at plan time
missing_columns  columns that only some of the files have           pipelines, at plan time
plan_splits      who reads what                                     pipelines, at plan time
limit_splits     the same, for the first N documents                pipelines, at plan time
read_split       a split to chunks of documents                     workers
changed_inputs   files that changed since they were listed          jobs, before and after reading
"""

from __future__ import annotations

from stages.read.inputs import Chunk, Damaged, FileCounts, InputFile, Piece, ReadCounts, Split, full_extent
from stages.read.listing import changed_inputs, list_inputs, would_read
from stages.read.reader import limit_splits, read_split
from stages.read.schema import missing_columns, source_schema
from stages.read.splits import plan_splits
from stages.read.stage import Read

__all__ = [
    "Chunk",
    "Damaged",
    "FileCounts",
    "InputFile",
    "Piece",
    "Read",
    "ReadCounts",
    "Split",
    "changed_inputs",
    "full_extent",
    "limit_splits",
    "list_inputs",
    "missing_columns",
    "plan_splits",
    "read_split",
    "source_schema",
    "would_read",
]
