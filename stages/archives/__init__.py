"""Web archives: reading WARC, ARC, WET and WAT files however broken they are, and writing plain WARC 1.1."""
