"""A real crawl made on the spot: sites of our own, served on 127.0.0.1, fetched over HTTP and stored as WARC."""

from __future__ import annotations

from jobs.sample.make import SampleReport, make_sample
from jobs.sample.truth import TruthLine, check_truth

__all__ = ["SampleReport", "TruthLine", "check_truth", "make_sample"]
