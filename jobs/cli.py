"""The command line: `textmill COMMAND`. One module per command below `jobs/commands`, loaded when it is called.

Exit codes: 0 done, 1 failed while running, 2 refused before running. Every refusal ends with its mend.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jobs.version import textmill_version
from stages.errors import PipelineError, TextmillError

app = typer.Typer(
    name="textmill",
    help="Turns crawls and raw corpora into training shards, with every document accounted for.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Pipeline = Annotated[str, typer.Argument(metavar="PIPELINE.yaml", help="The pipeline, or the name of a shipped one.")]
RunDirectory = Annotated[Path, typer.Argument(metavar="DIR", help="The run directory (the `to` of the pipeline).")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a value of the YAML.")]
Limit = Annotated[int | None, typer.Option(min=0, help="Read only the first N documents of each source.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Worker processes; all cores by default.")]
Memory = Annotated[str | None, typer.Option(help="Budget of all processes together, such as 8GB.")]


_INTERRUPTED = 130
"""What typer makes of Ctrl-C: as an exit code, an Abort or the KeyboardInterrupt itself, by version."""


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command; the exit code."""
    try:
        code = app(args=list(arguments), prog_name="textmill", standalone_mode=False)
    except typer.Exit as stop:
        code = stop.exit_code
    except PipelineError as error:
        print(f"refused: {error}", file=sys.stderr)
        return 2
    except TextmillError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except BrokenPipeError:
        return 1
    except Exception as error:
        # Typer has its own copy of click or uses the installed one: its usage errors are known by `format_message`.
        told = getattr(error, "format_message", None)
        if told is None:
            raise
        print(_usage(told(), getattr(error, "ctx", None)), file=sys.stderr)
        return 2
    if code != _INTERRUPTED:
        return code if isinstance(code, int) else 0
    again = shlex.join(["textmill", *arguments])
    print(f"\nstopped. What is committed stays; go on with the same command:\n    {again}", file=sys.stderr)
    return 1


def _usage(message: str, context: Any) -> str:
    """A refusal of the arguments; called without any, typer's message is the help itself."""
    if message.lstrip().startswith("Usage:"):
        return message
    command = context.command_path if context is not None else "textmill"
    return f"refused: {message}\n    mend: `{command} --help` shows what it takes"


def _version(wanted: bool) -> None:
    if wanted:
        print(f"textmill {textmill_version()}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options of the tool itself."""


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the sample and its run go.")] = Path("demo"),
    full: Annotated[
        bool, typer.Option("--full", help="The whole way: score, rewrite, mix, tokenize, pack (extras cpu-llm …).")
    ] = False,
    workers: Workers = None,
) -> None:
    """Crawl a sample, run the main job on it, say what was found. Nothing to prepare."""
    if full:
        from jobs.commands.full import full_command

        full_command(directory, workers)
        return
    from jobs.commands.demo import demo_command

    demo_command(directory, workers)


@app.command()
def sample(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where the crawl goes.")],
    seed: Annotated[int, typer.Option(help="Another seed makes another village.")] = 7,
    pages: Annotated[int | None, typer.Option(min=1, help="About how many pages the village has.")] = None,
) -> None:
    """Make a crawl without a network. It is served on 127.0.0.1, fetched over HTTP and stored as WARC."""
    from jobs.commands.demo import sample_command

    sample_command(directory, seed, pages)


@app.command()
def init(
    source: Annotated[str, typer.Argument(metavar="FILE|DIR|RECIPE", help="Your data, or the name of a recipe.")],
    to: Annotated[Path, typer.Option("--to", help="Where to write the pipeline.")] = Path("pipeline.yaml"),
    text: Annotated[str | None, typer.Option("--text", metavar="COLUMN", help="Which column holds the text.")] = None,
) -> None:
    """Write a first pipeline for your data, or copy a recipe."""
    from jobs.commands.init import init_command

    init_command(source, to, text)


@app.command()
def validate(pipeline: Pipeline, settings: Settings = None) -> None:
    """Show every fault of a pipeline with its line."""
    from jobs.commands.plan import validate_command

    validate_command(pipeline, settings or [])


@app.command()
def plan(pipeline: Pipeline, settings: Settings = None, limit: Limit = None) -> None:
    """Show a pipeline's steps, and which of them stand already."""
    from jobs.commands.plan import plan_command

    plan_command(pipeline, settings or [], limit)


@app.command()
def run(
    pipeline: Pipeline,
    settings: Settings = None,
    engine: Annotated[str | None, typer.Option(help="Where the steps run: local, ray or spark.")] = None,
    workers: Workers = None,
    memory: Memory = None,
    limit: Limit = None,
    until: Annotated[str | None, typer.Option(help="Stop after the step of this name or number.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Swap a finished run, or mend a damaged one.")] = False,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Accept that everything was dropped.")] = False,
    allow_lost: Annotated[
        bool, typer.Option("--allow-lost", help="Accept documents this machine could not hold.")
    ] = False,
) -> None:
    """Run a pipeline. Killed or stopped, the same command goes on where it was."""
    from jobs.commands.run import run_command
    from jobs.run import RunSettings

    overrides = {"engine": engine, "workers": workers, "memory": memory}
    choice = RunSettings(replace=replace, allow_empty=allow_empty, allow_lost=allow_lost, until=until)
    run_command(
        pipeline, settings or [], limit, {key: one for key, one in overrides.items() if one is not None}, choice
    )


@app.command()
def submit(
    pipeline: Pipeline,
    to: Annotated[str, typer.Option("--to", help="Which kind of cluster: ray or spark.")],
    address: Annotated[
        str | None, typer.Option(help="Ray's job server (http://HOST:8265), or Spark's master (spark://HOST:7077).")
    ] = None,
    settings: Settings = None,
    limit: Limit = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Cores to use at a time; all by default.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Swap a finished run, or mend a damaged one.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Print the job's id and leave it alone.")] = False,
    conf: Annotated[
        list[str] | None, typer.Option("--conf", metavar="KEY=VALUE", help="A setting for spark-submit.")
    ] = None,
    python: Annotated[str, typer.Option(help="The Python of a Ray cluster's machines.")] = "python",
) -> None:
    """Hand a run to a cluster and follow it. Inputs and output must be where all its machines see them."""
    from jobs.commands.submit import submit_command

    flags = ["--replace"] if replace else []
    submit_command(pipeline, to, address, settings or [], limit, workers, flags, conf or [], python, wait=not no_wait)


@app.command()
def jobs(
    job: Annotated[str | None, typer.Argument(metavar="[ID]", help="One job, with its log.")] = None,
    address: Annotated[str | None, typer.Option(help="Ray's job server (http://HOST:8265).")] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the job.")] = False,
) -> None:
    """List the jobs of a Ray cluster, or show one with its log."""
    from jobs.commands.submit import jobs_command

    jobs_command(job, address, stop)


@app.command("try")
def try_(
    pipeline: Pipeline,
    id: Annotated[str | None, typer.Option("--id", help="The document with this id.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="The document from this URL.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="This text, or @FILE.")] = None,
    settings: Settings = None,
) -> None:
    """Pass one document through every stage. Tells verdicts, values against limits, and what changed."""
    from jobs.commands.try_one import try_command

    try_command(pipeline, settings or [], id, url, text)


@app.command()
def stages(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One stage, with its fields.")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema for editors.")] = False,
) -> None:
    """List all stages, or show one with its fields."""
    from jobs.commands.stages import stages_command

    stages_command(name, schema)


@app.command()
def inspect(
    path: Annotated[Path, typer.Argument(metavar="DIR|FILE", help="A run directory, or a Parquet file of one.")],
    rows: Annotated[int, typer.Option(min=0, help="How many documents to show.")] = 3,
) -> None:
    """Look at a run or a shard: columns, counts, a few documents."""
    from jobs.commands.inspect import inspect_command

    inspect_command(path, rows)


@app.command()
def explain(
    directory: RunDirectory,
    id: Annotated[str | None, typer.Option("--id", help="The document with this id.")] = None,
    url: Annotated[str | None, typer.Option("--url", help="Documents from this URL.")] = None,
) -> None:
    """Tell the whole way of a document through a run. Where it came from, what happened to it, why."""
    from jobs.commands.explain import explain_command

    explain_command(directory, id, url)


@app.command()
def verify(directory: RunDirectory) -> None:
    """Check a finished run again from its files. Hashes, row counts, the laws of reading and conservation, digests."""
    from jobs.commands.verify import verify_command

    verify_command(directory)


@app.command()
def clean(
    directory: RunDirectory,
    everything: Annotated[bool, typer.Option("--everything", help="Remove unfinished work, too.")] = False,
) -> None:
    """Remove the files of the steps. The shards, the ledger and the manifest stay."""
    from jobs.commands.clean import clean_command

    clean_command(directory, everything)


@app.command()
def annotate(
    directory: RunDirectory,
    stage: Annotated[
        list[str], typer.Argument(metavar="STAGE…", help="Stages as in YAML: `name` or `name: {fields}`.")
    ],
    workers: Workers = None,
    memory: Memory = None,
) -> None:
    """Add columns to a finished run. They stand beside its shards, which are not written again."""
    from jobs.commands.annotate import annotate_command

    annotate_command(directory, stage, workers, memory)


train = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Train classifiers for `stages.score`.")
app.add_typer(train, name="train")


@train.command()
def fasttext(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the model and its card go.")],
    data: Annotated[list[str] | None, typer.Option("--data", metavar="FILE", help="Labelled documents.")] = None,
    text_column: Annotated[str | None, typer.Option(help="Which column holds the text.")] = None,
    label_column: Annotated[str, typer.Option(help="Which column holds the label.")] = "label",
    label: Annotated[str | None, typer.Option(help="The label whose probability is the score.")] = None,
    leave_out: Annotated[list[str] | None, typer.Option("--leave-out", metavar="LABEL", help="Not to be used.")] = None,
    positives: Annotated[list[str] | None, typer.Option("--positives", metavar="RUN", help="A run or files.")] = None,
    negatives: Annotated[list[str] | None, typer.Option("--negatives", metavar="RUN", help="A run or files.")] = None,
    held_out: Annotated[str, typer.Option(help="The share that is only judged on.")] = "10%",
    group_by: Annotated[str | None, typer.Option(help="Hold out whole values of this column.")] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="How often to read the documents; 3 times if many, up to 25 if few.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(min=0.0001)] = 0.5,
    word_grams: Annotated[int, typer.Option(min=1, help="Longest n-grams of words.")] = 2,
    dimensions: Annotated[int, typer.Option(min=1, help="Width of the model.")] = 100,
    buckets: Annotated[
        int, typer.Option(min=1, help="Rows for n-grams; the file takes 4 bytes x width each.")
    ] = 2_000_000,
    min_count: Annotated[int, typer.Option(min=1, help="Words that are rarer are not known.")] = 1,
    punctuation: Annotated[
        Literal["apart", "attached"], typer.Option(help="Whether marks and symbols are words of their own.")
    ] = "apart",
    seed: Annotated[int, typer.Option(help="Decides the split and the start of training.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="More than 1 is faster, and not the same twice.")] = 1,
) -> None:
    """Train a fastText classifier and judge it on held-out documents."""
    from jobs.commands.train import train_fasttext_command

    settings: dict[str, Any] = {
        "dim": dimensions,
        "wordNgrams": word_grams,
        "epoch": epochs,
        "lr": learning_rate,
        "bucket": buckets,
    }
    settings |= {"minCount": min_count, "seed": seed, "thread": threads, "punctuation": punctuation}
    train_fasttext_command(
        to,
        data or [],
        (text_column, label_column, group_by),
        label,
        leave_out or [],
        (positives or [], negatives or []),
        held_out,
        settings,
    )


fit = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Fit the fields of filters to documents.")
app.add_typer(fit, name="fit")


@fit.callback()
def _fit() -> None:
    """Fit the fields of filters to documents."""


@fit.command()
def thresholds(
    reference: Annotated[list[str], typer.Argument(metavar="REFERENCE…", help="Clean documents, such as Wikipedia's.")],
    to: Annotated[Path, typer.Option("-o", "--to", metavar="LIMITS.yaml", help="Where the limits go.")],
    web: Annotated[
        list[str] | None, typer.Option("--web", metavar="FILE", help="Documents of the web with `language_score`.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METHOD|FILTER=METHOD|FILTER.FIELD=METHOD",
            help="How to fit: mean_std, quantile, tail or median_ratio. Of all, of a filter, or of one field.",
        ),
    ] = None,
    text_column: Annotated[str | None, typer.Option(help="Which column holds the text.")] = None,
    language_column: Annotated[str, typer.Option(help="Which column holds the language.")] = "language",
    language: Annotated[str | None, typer.Option(help="The language of all documents, if no column has it.")] = None,
    english: Annotated[str, typer.Option(help="The label of English, whose limits are known.")] = "eng_Latn",
    min_documents: Annotated[
        int, typer.Option(min=1, help="Languages with fewer reference documents get no limits of their own.")
    ] = 100,
    stop_words: Annotated[
        str, typer.Option(metavar="SHARE", help="Words above this share of all words are stop words.")
    ] = "0.8%",
) -> None:
    """Fit the limits of filters to every language, from clean documents (FineWeb2's way)."""
    from jobs.commands.fit import fit_thresholds_command

    columns = (text_column, language_column, language)
    fit_thresholds_command(to, reference, web or [], columns, method or [], english, min_documents, stop_words)
