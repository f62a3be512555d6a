"""Handing a run to a cluster: Ray's job server, or `spark-submit`."""
