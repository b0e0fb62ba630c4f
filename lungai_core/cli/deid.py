"""``lungai deidentify``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lungai_core.errors import ExitCode

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line.

    :implements: SRS-DEID-012, SDS-DEID-009

    Parameters
    ----------
    app
        The application.
    """
    app.command("deidentify")(_deidentify)


def _deidentify(  # noqa: PLR0913, PLR0917  # each option of the command is one argument
    source: Annotated[
        Path | None, typer.Argument(metavar="IN", help="Folder with DICOM files; it is only read.", show_default=False)
    ] = None,
    target: Annotated[
        Path | None, typer.Argument(metavar="OUT", help="New or empty folder.", show_default=False)
    ] = None,
    profile: Annotated[
        str,
        typer.Option(help="basic, hipaa-safe-harbor, gbt-35273, research-longitudinal, or a TOML file."),
    ] = "basic",
    secret_file: Annotated[
        Path | None,
        typer.Option(help="File with at least 16 secret bytes. Without it a random secret is used once and forgotten."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", help="An option of PS3.15 Annex E on top of the profile; may be repeated."),
    ] = None,
    audit: Annotated[Path | None, typer.Option(help="Folder for the audit; OUT-audit if absent.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes.")] = 1,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; tell what would be done.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the audit as JSON.")] = False,
    described: Annotated[
        bool, typer.Option("--describe", help="Print what the profile does with each row of PS3.15; no IN and OUT.")
    ] = False,
) -> None:
    """Write a de-identified copy of every DICOM file below a folder (DICOM PS3.15 Annex E)."""
    from lungai_core.deid import RunMode, RunOptions, Secret, deidentify_series  # heavy
    from lungai_core.deid.audit import audit_json
    from lungai_core.deid.conformance import conformance_statement, describe
    from lungai_core.deid.profile import load_profile, with_options

    chosen = with_options(load_profile(profile), tuple(option or ()))
    if described:
        typer.echo(conformance_statement(describe(chosen)), nl=False)
        return
    if source is None or target is None:
        raise typer.BadParameter("IN and OUT are needed, unless with --describe")
    if secret_file is None and resume:
        raise typer.BadParameter("--resume needs the --secret-file of the run that was stopped")
    report = deidentify_series(
        source,
        target,
        profile=chosen,
        secret=Secret.random() if secret_file is None else Secret.from_file(secret_file),
        options=RunOptions(
            jobs=jobs,
            mode=RunMode.DRY if dry_run else RunMode.RESUME if resume else RunMode.NEW,
            audit_folder=audit,
        ),
        progress=_show_progress if sys.stderr.isatty() else None,
    )
    if as_json:
        typer.echo(audit_json(report.audit), nl=False)
    else:
        done = report.audit
        typer.echo(f"{done.files_in} files: {done.files_written} written, {len(done.refused)} refused")
        for refused in done.refused:
            typer.echo(f"refused: file {refused.number} in the order of the paths: {refused.code} {refused.reason}")
    if report.audit.refused or not report.audit.files_written:
        raise typer.Exit(ExitCode.FINDINGS)


def _show_progress(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done}/{total}" + ("\n" if done == total else ""))
