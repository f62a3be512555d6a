"""One module per command of the command line; `jobs/cli.py` puts them together."""
