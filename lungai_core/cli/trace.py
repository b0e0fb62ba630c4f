"""``lungai trace``: check, matrix, and everything else that reads a project's requirements trace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lungai_core.cli.trace_exchange import export_items, import_items
from lungai_core.errors import ExitCode

if TYPE_CHECKING:
    from lungai_core.trace import Finding, RunRecord, TraceGraph

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
    for name, verb in (
        ("init", _init),
        ("check", _check),
        ("review", _review),
        ("accept", _accept),
        ("fingerprint", _fingerprint),
        ("coverage", _coverage),
        ("matrix", _matrix),
        ("merge", _merge),
        ("impact", _impact),
        ("export", export_items),
        ("import", import_items),
        ("validate-tool", _validate_tool),
    ):
        trace.command(name)(verb)
    app.add_typer(trace, name="trace")


def _init(root: _Root = Path()) -> None:
    """Write a small traced example and its configuration into a project."""
    from lungai_core.trace import init_project

    for path in init_project(root.resolve()):
        typer.echo(str(path))
    typer.echo("Next: `lungai trace check`, then commit and run `pytest --trace-record`.")


def _check(
    root: _Root = Path(),
    *,
    as_json: _Json = False,
    verified: Annotated[bool, typer.Option("--verified", help="Also ask that each item is VERIFIED.")] = False,
) -> None:
    """Check every link and text; one line a finding, exit code 1 if there is any."""
    from lungai_core.trace import check_project, unverified

    graph = _graph(root)
    findings = check_project(graph)
    if verified:
        findings = (*findings, *unverified(graph, _last_run(graph)))
    _print_findings(findings, as_json=as_json)
    if findings:
        raise typer.Exit(ExitCode.FINDINGS)


def _review(
    root: _Root = Path(),
    only: Annotated[list[str] | None, typer.Argument(help="IDs, names or node IDs; all links if absent.")] = None,
    *,
    accept: Annotated[bool, typer.Option("--accept", help="Accept what is shown.")] = False,
    reviewer: Annotated[str, typer.Option(help="Who accepts; needed with --accept.")] = "",
    day: Annotated[str, typer.Option(help="ISO date of the review; today if absent.")] = "",
) -> None:
    """Show what changed at the ends of reviewed links; with --accept, write the lock."""
    from datetime import UTC, datetime

    from lungai_core.trace import check_lock, read_lock, review, what_changed

    graph = _graph(root)
    lock = read_lock(graph.config.root / graph.config.lock, name=graph.config.lock)
    wanted = frozenset(only) if only else None
    for finding in check_lock(graph, lock):
        if wanted is None or wanted & set(finding.subject.split(" -> ")):
            typer.echo(str(finding))
            difference = what_changed(graph, finding, lock)
            if difference:
                typer.echo(difference)
    if not accept:
        typer.echo("Nothing was accepted: `lungai trace review --accept --reviewer NAME` writes the lock.")
        return
    if not reviewer:
        raise typer.BadParameter("a review has a reviewer", param_hint="--reviewer")
    today = day or datetime.now(UTC).date().isoformat()
    changed = review(graph, lock, reviewer=reviewer, day=today, only=wanted)
    typer.echo(f"{graph.config.lock}: {changed} lines changed")


def _accept(root: _Root = Path()) -> None:
    """Accept the present findings as known gaps; the list only shrinks from then on."""
    from lungai_core.trace import accept_present_gaps

    graph = _graph(root)
    kept, closed = accept_present_gaps(graph)
    typer.echo(f"{graph.config.gaps}: {kept} accepted, {closed} closed")


def _fingerprint(item_id: Annotated[str, typer.Argument(help="An item's ID.")], root: _Root = Path()) -> None:
    """Print the SHA-256 of an item's text, as a signed record wants it."""
    item = _graph(root).items.by_id.get(item_id)
    if item is None:
        raise typer.BadParameter(f"{item_id} does not exist")
    typer.echo(item.fingerprint)


def _merge(
    records: Annotated[list[Path], typer.Argument(help="record.json of each shard.")],
    root: _Root = Path(),
) -> None:
    """Join the records of shards of one commit and environment into one, and write its matrix."""
    from lungai_core.trace import merge_records, read_record, save_record, write_views

    graph = _graph(root)
    merged = merge_records(read_record(path) for path in records)
    path = save_record(merged, graph.config.output_folder)
    write_views(graph, merged, path.parent)
    typer.echo(f"{path}: {'complete' if merged.complete else 'PARTIAL: ' + '; '.join(merged.incomplete_because)}")


def _matrix(
    root: _Root = Path(),
    record: Annotated[Path | None, typer.Option(help="A record.json; the last complete run if absent.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder to write to; the configured one if absent.")] = None,
) -> None:
    """Write the matrix as JSON, CSV and HTML from the files and the last complete run."""
    from lungai_core.trace import (
        inputs_sha256,
        is_fresh,
        load_graph,
        mark_fresh,
        read_config,
        read_record,
        write_views,
    )
    from lungai_core.version import __version__

    config = read_config(root.resolve())
    folder = out or config.output_folder
    path = record or config.output_folder / "record.json"
    inputs = inputs_sha256(config, version=__version__, others=(path, config.root / ".coverage"))
    if is_fresh(folder, inputs):
        typer.echo(f"{folder}: nothing has changed")
        return
    graph = load_graph(config)
    run = read_record(path) if record or path.exists() else None
    matrix = write_views(graph, run, folder, data_file=_data_of(run, graph))
    mark_fresh(folder, inputs)
    typer.echo(f"{folder}: matrix.json, matrix.csv, matrix.html")
    typer.echo(", ".join(f"{count} {verdict}" for verdict, count in matrix.verdicts.counts if count))
    if run is None:
        typer.echo("No complete run is recorded: `pytest --trace-record` on the whole suite makes one.")


def _coverage(
    root: _Root = Path(),
    data: Annotated[Path | None, typer.Option(help="The data file of coverage.py.")] = None,
) -> None:
    """Print for each item what its own passing tests executed of the code that implements it."""
    from lungai_core.trace import measure_own_coverage, read_record

    graph = _graph(root)
    record = read_record(graph.config.output_folder / "record.json")
    own = measure_own_coverage(graph, record, data or graph.config.root / ".coverage")
    typer.echo(f"{'item':<16}{'statements own/any/all':>26}{'branches own/any/all':>26}")
    for each in own.items:
        statements = f"{each.own_statements}/{each.any_statements}/{each.statements}"
        branches = f"{each.own_branches}/{each.any_branches}/{each.branches}"
        typer.echo(f"{each.item_id:<16}{statements:>26}{branches:>26}")
    for title, objects in (("executed, linked to nothing", own.unlinked), ("reached by other tests only", own.foreign)):
        typer.echo(f"{title}: {len(objects)}")
        for each_object in objects:
            executed = f"{each_object.executed}/{each_object.statements}"
            typer.echo(f"  {each_object.place} {each_object.name} {executed}")
    typer.echo(f"decisions with and/or in linked code: {own.compound_conditions}; MC/DC is NOT MEASURED")


def _impact(
    change: Annotated[str, typer.Argument(help="A..B, or A for the change since A.")],
    root: _Root = Path(),
    *,
    as_json: _Json = False,
) -> None:
    """Print what a change touches: functions, items, tests to run again, documents to review again."""
    import json
    from dataclasses import asdict

    from lungai_core.trace import impact_between

    before, _, after = change.partition("..")
    impact = impact_between(root.resolve(), before, after)
    if as_json:
        typer.echo(json.dumps(asdict(impact), ensure_ascii=False, indent=1))
        return
    for name, entries in asdict(impact).items():
        typer.echo(f"{name.replace('_', ' ')} ({len(entries)})")
        for entry in entries:
            typer.echo(f"  {entry}")


def _validate_tool(
    out: Annotated[Path, typer.Option(help="The folder of the validation record.")] = Path("build/tool_validation"),
    day: Annotated[str, typer.Option(help="ISO date for the record; today if absent.")] = "",
) -> None:
    """Run the tracer on its sample project with seeded defects, and write the tool-validation record."""
    from datetime import UTC, datetime

    from lungai_core.files import write_whole
    from lungai_core.trace import validate_tool, validation_json, validation_markdown
    from lungai_core.version import __version__

    validation = validate_tool(version=__version__, day=day or datetime.now(UTC).date().isoformat())
    write_whole(out / "tool_validation.json", validation_json(validation))
    write_whole(out / "tool_validation.md", validation_markdown(validation))
    for defect in validation.missed:
        typer.echo(f"MISSED {defect.name}: expected {defect.expected}; saw {defect.seen}")
    for alarm in validation.false_alarms:
        typer.echo(f"FALSE ALARM {alarm}")
    found = len(validation.defects) - len(validation.missed)
    typer.echo(f"seeded defects found: {found}/{len(validation.defects)}; false alarms: {len(validation.false_alarms)}")
    typer.echo(f"{out}: tool_validation.json, tool_validation.md")
    if not validation.passed:
        raise typer.Exit(ExitCode.FINDINGS)


def _data_of(run: RunRecord | None, graph: TraceGraph) -> Path | None:
    """Find the data file of a run, if it still lies where pytest-cov writes it by default."""
    from lungai_core.files import sha256_file

    path = graph.config.root / ".coverage"
    fits = run is not None and path.is_file() and sha256_file(path) == run.coverage_sha256
    return path if fits else None


def _graph(root: Path) -> TraceGraph:
    from lungai_core.trace import load_graph, read_config

    return load_graph(read_config(root.resolve()))


def _last_run(graph: TraceGraph) -> RunRecord | None:
    from lungai_core.trace import read_record

    path = graph.config.output_folder / "record.json"
    return read_record(path) if path.exists() else None


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
