"""``lungai evidence phantoms``: the integration protocol on generated cases."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Annotated

import typer

from lungai_core.errors import ExitCode

if TYPE_CHECKING:
    from lungai_core.domain.case_report import CaseReport
    from lungai_core.testing.phantom_plan import PhantomCase
    from lungai_core.testing.trial_record import TrialAbout
    from lungai_core.testing.truth import TruthEngine

__all__ = ["PROTOCOL_SEED", "register"]

PROTOCOL_SEED = 20261127
_EVERY_REPORT = 10
_WRITTEN_AT = datetime(2026, 1, 1, tzinfo=UTC)


def register(evidence: typer.Typer) -> None:
    """Add the verb ``phantoms``.

    :implements: SRS-EVID-036, SDS-EVID-025

    Parameters
    ----------
    evidence
        The group ``lungai evidence``.
    """
    evidence.command("phantoms")(_phantoms)


def _phantoms(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder of inputs, such as build/evidence.", file_okay=False)],
    cases: Annotated[int, typer.Option(min=1, max=999, help="How many cases.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the plan.")] = PROTOCOL_SEED,
    model: Annotated[Path | None, typer.Option(help="Folder or zip of a model pack; default: the bundled one.")] = None,
) -> None:
    """Send phantom cases through the whole software and compare with their truth; exit code 1 if a check fails."""
    from lungai_core.files import write_whole
    from lungai_core.modelpack.pack import bundled_pack, open_pack
    from lungai_core.testing.phantom_plan import phantom_plan
    from lungai_core.testing.trial import run_plan
    from lungai_core.testing.trial_record import cases_json, study_json
    from lungai_core.testing.truth import TruthEngine

    started, cpu_s = datetime.now(UTC).isoformat(timespec="seconds"), process_time()
    with TruthEngine.open(open_pack(bundled_pack() if model is None else model)) as engine:
        records = run_plan(
            phantom_plan(cases, seed=seed),
            engine=engine,
            walk=lambda case, folder: _walk(case, folder, engine=engine),
        )
        about = _about(engine, seed=seed, started=started, cpu_s=round(process_time() - cpu_s, 1))
    write_whole(out / "PHANTOM_cases.json", cases_json(records, about=about))
    write_whole(out / "studies" / "network_on_phantoms.json", study_json(records, about=about))
    failed = [record for record in records if not record.passed]
    for record in failed:
        for check in record.checks:
            if not check.passed:
                typer.echo(f"{record.case.case_id}: {check.name}: expected {check.expected}, observed {check.observed}")
    checks = sum(len(record.checks) for record in records)
    typer.echo(
        f"{len(records) - len(failed)} of {len(records)} phantom cases passed, {checks} checks, {about.cpu_s} s CPU"
    )
    if failed:
        raise typer.Exit(ExitCode.FINDINGS)


def _walk(case: PhantomCase, folder: Path, /, *, engine: TruthEngine) -> CaseReport:
    from lungai_core.cli.walk import CaseFiles, DicomObjects, OnRefusal, walk_with_engine
    from lungai_core.domain.case_report import InputKind

    files = CaseFiles(
        ct_dir=folder / "ct",
        candidates_file=folder / "candidates.json",
        out_dir=folder / "out",
        kind=InputKind.PHANTOM,
        written_at=_WRITTEN_AT,
        # A structured report costs as much as the rest of a case; its nodules are compared on every tenth.
        objects=DicomObjects.ALL if case.spec.seed % _EVERY_REPORT == 0 else DicomObjects.SEGMENTATION,
    )
    return walk_with_engine(files, engine=engine, on_refusal=OnRefusal.REPORT)


def _about(engine: TruthEngine, /, *, seed: int, started: str, cpu_s: float) -> TrialAbout:
    from lungai_core.testing.trial_record import TrialAbout
    from lungai_core.trace.surroundings import git_commit, git_lines, read_environment

    here, environment, root = engine.execution, read_environment(), Path()
    return TrialAbout(
        seed=seed,
        started=started,
        cpu_s=cpu_s,
        commit=git_commit(root),
        uncommitted=len(git_lines(root, "status", "--porcelain") or ()),
        python=environment.python,
        os=environment.os,
        cpu=environment.cpu,
        environment_sha256=environment.sha256,
        provider=f"{here.provider} ({here.runtime} {here.runtime_version})",
        model_name=engine.model.name,
        model_version=engine.model.version,
        model_trained=engine.model.trained,
        model_sha256=engine.model.sha256,
    )
