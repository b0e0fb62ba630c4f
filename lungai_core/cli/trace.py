"""``lungai trace``: check, matrix, and everything else that reads a project's requirements trace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lungai_core.errors import ExitCode

if TYPE_CHECKING:
    from lungai_core.trace import Finding, TraceGraph

__all__ = ["register"]

_Root = Annotated[Path, typer.Option("--root", help="The folder of pyproject.toml.", file_okay=False)]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of ``lungai trace``.

    :implements: SRS-TRACE-009, SDS-TRACE-010

    Parameters
    ----------
    app
        The command they are added to.
    """
    trace = typer.Typer(no_args_is_help=True, help="Requirements, risk, code, tests and results, traced.")
    trace.command("check")(_check)
    trace.command("matrix")(_matrix)
    app.add_typer(trace, name="trace")


def _check(root: _Root = Path(), *, as_json: _Json = False) -> None:
    """Check every link and text; one line a finding, exit code 1 if there is any."""
    from lungai_core.trace import check

    findings = check(_graph(root))
    _print_findings(findings, as_json=as_json)
    if findings:
        raise typer.Exit(ExitCode.FINDINGS)


def _matrix(
    root: _Root = Path(),
    record: Annotated[Path | None, typer.Option(help="A record.json; the last complete run if absent.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write to; the configured one if absent.")] = None,
) -> None:
    """Write the matrix as JSON, CSV and HTML from the files and the last complete run."""
    from lungai_core.trace import read_record, write_views

    graph = _graph(root)
    folder = graph.config.output_folder
    path = record or folder / "record.json"
    run = read_record(path) if record or path.exists() else None
    matrix = write_views(graph, run, out or folder)
    typer.echo(f"{out or folder}: matrix.json, matrix.csv, matrix.html")
    typer.echo(", ".join(f"{count} {verdict}" for verdict, count in matrix.verdicts.counts if count))
    if run is None:
        typer.echo("No complete run is recorded: `pytest --trace-record` on the whole suite makes one.")


def _graph(root: Path) -> TraceGraph:
    from lungai_core.trace import load_graph, read_config

    return load_graph(read_config(root.resolve()))


def _print_findings(findings: tuple[Finding, ...], *, as_json: bool) -> None:
    import json

    if as_json:
        rows = [
            {
                "code": each.rule.code,
                "path": each.place.path,
                "line": each.place.line,
                "subject": each.subject,
                "message": each.message,
                "remedy": each.rule.remedy,
            }
            for each in findings
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for finding in findings:
        typer.echo(str(finding))
    typer.echo(f"{len(findings)} findings" if findings else "trace: no findings")
