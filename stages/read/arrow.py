"""Arrow files, as `datasets` saves them to disk, to documents.

One idea: they are streams of record batches (the IPC streaming format) or the same with an index (the file format);
either is read forward, batch by batch, and a row is known by its number in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from stages.errors import Fault, PipelineError
from stages.read.inputs import Chunk, InputFile, Piece
from stages.read.reading import Reading, Tally, empty_batch
from stages.read.stage import Read
from stages.read.storage import open_file
from stages.read.tables import columns_of, decoding_cause, documents


def schema_of(read: Read, file: InputFile) -> pa.Schema:
    """The columns of an Arrow file. Raises PipelineError when it cannot be read."""
    del read
    try:
        with open_file(file.path) as stored:
            return _opened(stored).schema
    except (pa.ArrowException, OSError) as error:
        raise PipelineError(
            Fault(file.path, f"is no readable Arrow file: {decoding_cause(error)}", "leave it out")
        ) from error


def read_piece(reading: Reading, piece: Piece) -> Iterator[Chunk]:
    """The documents of one whole file; what cannot be decoded ends it with one damaged range of rows unknown in number.

    The extent of the file is told with its last chunk, for Arrow does not say how many bytes a batch took.
    """
    file, tally, row = piece.file, Tally(), 0
    with open_file(file.path) as stored:
        batches = _batches(stored)
        for found in batches:
            if isinstance(found, str):
                tally.damaged.append(reading.damage(file, row, 0, found))
                break
            columns = columns_of(reading.read, file, found.schema)
            rows = np.arange(row, row + found.num_rows, dtype=np.int64)
            for batch, taken in documents(reading, file, columns, found, rows, tally):
                yield tally.chunk(file, batch, 0)
                row += taken
            if reading.finished:
                yield tally.limited(reading, file, piece.end)
                return
    yield tally.chunk(file, empty_batch(reading.schema), piece.end)


def _batches(stored: BinaryIO) -> Iterator[pa.RecordBatch | str]:
    """The batches of an open file; where they cannot be decoded further, the cause as the last item."""
    try:
        source = _opened(stored)
        if isinstance(source, pa.RecordBatchFileReader):
            for number in range(source.num_record_batches):
                yield source.get_batch(number)
        else:
            yield from source
    except (pa.ArrowException, OSError) as error:
        yield f"the Arrow stream cannot be decoded: {decoding_cause(error)}"


def _opened(stored: BinaryIO) -> Any:
    magic = stored.read(6)
    stored.seek(0)
    return pa.ipc.open_file(stored) if magic == b"ARROW1" else pa.ipc.open_stream(stored)
