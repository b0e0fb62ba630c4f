"""The verbs ``lungai clinical …``: claims, plans, sample sizes, reader-study reports and change-control decisions."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lungai_core import __version__
from lungai_core.errors import ExitCode

if TYPE_CHECKING:
    from lungai_core.clinical.sample_size_readers import ReaderSizeAnswer

__all__ = ["register"]

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of ``clinical``.

    :implements: SRS-CLIN-024, SDS-CLIN-024

    Parameters
    ----------
    app
        The application.
    """
    group = typer.Typer(
        no_args_is_help=True, help="Performance statistics, plans, reader-study reports, change control."
    )
    group.command("check-claim")(_check_claim)
    group.command("sample-size")(_sample_size)
    group.command("lock-plan")(_lock_plan)
    group.command("report")(_report)
    group.command("froc")(_froc)
    group.command("pccp-sign")(_pccp_sign)
    group.command("pccp-check")(_pccp_check)
    app.add_typer(group, name="clinical")


def _check_claim(
    numbers: Annotated[
        tuple[float, float, float, float, float],
        typer.Argument(help="First rate, second rate, difference, its lower and upper limit, all in per cent."),
    ],
    *,
    n: Annotated[int | None, typer.Option("--n", help="Number of cases that the claim names.")] = None,
    decimals: Annotated[int, typer.Option(help="Printed decimals.")] = 1,
    as_json: _Json = False,
) -> None:
    """Find the numbers of cases and designs that could have produced printed rates, difference and interval.

    Returns 1 if no design gives the printed digits at the number of cases that the claim names.
    """
    from lungai_core.clinical.claims import RateClaim, check_claim

    claim = RateClaim(
        first_percent=numbers[0],
        second_percent=numbers[1],
        difference_percent=numbers[2],
        lower_percent=numbers[3],
        upper_percent=numbers[4],
        decimals=decimals,
        n=n,
    )
    report = check_claim(claim)
    if as_json:
        typer.echo(json.dumps({"verdict": report.verdict, **report.model_dump(mode="json")}, sort_keys=True))
    else:
        for one in report.findings:
            sizes = "none" if not one.tables else f"{one.tables} tables, n {one.smallest_n} to {one.largest_n}"
            typer.echo(f"{one.design.value}, {one.method}: {sizes}")
        typer.echo(report.verdict)
    possible = any(one.tables if n is None else one.at_claimed_n for one in report.findings)
    raise typer.Exit(ExitCode.OK if possible else ExitCode.FINDINGS)


def _sample_size(
    question: Annotated[Path, typer.Argument(help="JSON of the question: design, rates, discordance, prevalence …")],
    *,
    as_json: _Json = False,
) -> None:
    """Compute a sample size with its sensitivity table, or list the assumptions that are missing."""
    from pydantic import TypeAdapter, ValidationError

    from lungai_core.clinical.sample_size_plan import SampleSizeQuestion, plan_sample_size
    from lungai_core.clinical.sample_size_readers import ReaderSizeQuestion, plan_reader_study
    from lungai_core.errors import StudyFileError

    kinds: TypeAdapter[SampleSizeQuestion | ReaderSizeQuestion] = TypeAdapter(SampleSizeQuestion | ReaderSizeQuestion)
    try:
        asked = kinds.validate_json(question.read_bytes())
    except (OSError, ValidationError) as error:
        raise StudyFileError(
            "The question cannot be used.",
            where=question.name,
            allowed="JSON with design, test, control, margin, discordant, prevalence, dropout, unit, …",
            remedy="Write it after docs/reference/clinical.md.",
        ) from error
    if isinstance(asked, ReaderSizeQuestion):
        _print_reader_size(plan_reader_study(asked), as_json=as_json)
        return
    answer = plan_sample_size(asked)
    if as_json:
        typer.echo(answer.model_dump_json())
        return
    typer.echo(f"{answer.method}: {answer.n_with_condition} with the condition, {answer.n_to_enrol} to enrol")
    for row in answer.sensitivity:
        sizes = f"{row.n_with_condition} with the condition, {row.n_to_enrol} to enrol"
        typer.echo(f"  {row.assumption} = {row.value:.2f}: {sizes}")


def _print_reader_size(answer: ReaderSizeAnswer, *, as_json: bool) -> None:
    if as_json:
        typer.echo(answer.model_dump_json())
        return
    typer.echo(f"{answer.method}: {answer.readers} readers, {answer.cases} cases, power {answer.power:.3f}")
    for row in answer.sensitivity:
        sizes = "no number of cases is enough" if row.cases is None else f"{row.cases} cases, power {row.power:.3f}"
        typer.echo(f"  {row.assumption} = {row.value:.4g}: {sizes}")


def _lock_plan(
    plan: Annotated[Path, typer.Argument(help="Plan, JSON of the schema lungai-analysis-plan/1.")],
    by: Annotated[str, typer.Option(help="Who locks it.")],
    *,
    out: Annotated[Path, typer.Option(help="File to write the locked plan to.")],
) -> None:
    """Lock an analysis plan with its hash, before the results are known."""
    from lungai_core.clinical.plan import lock_plan, plan_sha256, read_plan, write_plan

    locked = lock_plan(read_plan(plan), at=datetime.now(UTC).replace(microsecond=0), by=by)
    write_plan(locked, out)
    typer.echo(f"{plan_sha256(locked.plan)}  {out}")


def _report(
    study: Annotated[Path, typer.Argument(help="Reads, CSV: reader, modality, case, patient, truth, score, group_…")],
    plan: Annotated[Path, typer.Option(help="The locked plan.")],
    *,
    out: Annotated[Path, typer.Option(help="New folder for report.html, .docx, .json and the plots.")],
    marks: Annotated[
        Path | None, typer.Option(help="Marks, CSV: reader, modality, case, x_mm, y_mm, z_mm, score.")
    ] = None,
    nodules: Annotated[Path | None, typer.Option(help="Nodules, CSV: case, x_mm, y_mm, z_mm, diameter_mm.")] = None,
) -> None:
    """Analyse a reader study under its locked plan, and write the report."""
    from lungai_core.clinical.analysis import analyse_study
    from lungai_core.clinical.plan import read_plan
    from lungai_core.clinical.report import build_report, write_report
    from lungai_core.clinical.study import read_study_csv
    from lungai_core.clinical.study_lesions import read_lesions_csv

    if (marks is None) != (nodules is None):
        raise typer.BadParameter("--marks and --nodules belong together.")
    file, table = read_plan(plan), read_study_csv(study)
    lesions = None if marks is None or nodules is None else read_lesions_csv(marks, nodules=nodules)
    analysis = analyse_study(table, file=file, library_version=__version__, lesions=lesions)
    write_report(build_report(analysis, table=table, file=file, lesions=lesions), out)
    for result in analysis.results:
        value = result.difference
        interval = f"{value.estimate:.4f} ({value.lower:.4f} to {value.upper:.4f})"
        decision = f"non-inferior: {result.non_inferior}, superior: {result.superior}"
        typer.echo(f"{result.endpoint.endpoint_id}: {interval}, {decision}")
    typer.echo(str(out / "report.html"))


def _froc(
    marks: Annotated[
        Path, typer.Argument(help="Detector's marks, CSV: seriesuid, coordX, coordY, coordZ, probability.")
    ],
    nodules: Annotated[Path, typer.Option(help="Nodules, CSV: seriesuid, coordX, coordY, coordZ, diameter_mm.")],
    scans: Annotated[Path, typer.Option(help="One Series Instance UID a line: every scan, those without nodules too.")],
    *,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap over scans.")],
    excluded: Annotated[Path | None, typer.Option(help="Findings that count neither way, CSV as the nodules.")] = None,
    as_json: _Json = False,
) -> None:
    """Score a detector by the rules of LUNA16: FROC, the competition metric, and its bootstrap interval."""
    import numpy as np

    from lungai_core.annotation.luna16 import read_luna_marks, read_luna_nodules
    from lungai_core.clinical.froc import (
        Detections,
        TrueNodules,
        competition_metric,
        competition_metric_interval,
        froc_curve,
        limit_marks,
        match_detections,
    )

    found, wanted = read_luna_marks(marks), read_luna_nodules(nodules)
    neither = read_luna_nodules(excluded) if excluded is not None else ()
    both = (*wanted, *neither)
    detections = Detections(
        scan_ids=tuple(one.series_instance_uid for one in found),
        positions_lps_mm=np.asarray([one.center_lps_mm for one in found], dtype=np.float64).reshape(-1, 3),
        scores=np.asarray([one.probability for one in found], dtype=np.float64),
    )
    truth = TrueNodules(
        scan_ids=tuple(one.series_instance_uid for one in both),
        positions_lps_mm=np.asarray([one.center_lps_mm for one in both], dtype=np.float64).reshape(-1, 3),
        diameters_mm=np.asarray([one.diameter_mm or -1.0 for one in both], dtype=np.float64),
        excluded=np.arange(len(both)) >= len(wanted),
    )
    names = [line.strip() for line in scans.read_text(encoding="utf-8").splitlines() if line.strip()]
    data = match_detections(limit_marks(detections, per_scan=100), truth, scan_ids=names)
    result = competition_metric(froc_curve(data))
    interval = competition_metric_interval(data, seed=seed)
    if as_json:
        document = {"cpm": result.model_dump(mode="json"), "interval": interval.model_dump(mode="json")}
        typer.echo(json.dumps(document, sort_keys=True))
        return
    for rate, sensitivity in zip(result.rates, result.sensitivities, strict=True):
        typer.echo(f"{rate:6g} false positives a scan: sensitivity {sensitivity:.4f}")
    typer.echo(f"CPM {result.cpm:.6f} ({interval.confidence:.0%} CI {interval.lower:.4f} to {interval.upper:.4f})")


def _pccp_sign(
    criteria: Annotated[Path, typer.Argument(help="Acceptance criteria, JSON.")],
    key_file: Annotated[Path, typer.Option(help="File with the secret key, 32 bytes or more.")],
    key_id: Annotated[str, typer.Option(help="Name of the key.")],
    *,
    out: Annotated[Path, typer.Option(help="File to write the signed criteria to.")],
) -> None:
    """Sign acceptance criteria, before a changed model is tested."""
    from pydantic import ValidationError

    from lungai_core.clinical.pccp import AcceptanceCriteria, sign_criteria, write_signed_criteria
    from lungai_core.errors import StudyFileError

    try:
        content = AcceptanceCriteria.model_validate_json(criteria.read_bytes())
        key = key_file.read_bytes()
    except (OSError, ValidationError) as error:
        raise StudyFileError(
            "The criteria or the key cannot be read.",
            where=criteria.name,
            allowed="JSON of acceptance criteria, and a key file",
            remedy="Write the criteria after docs/reference/clinical.md.",
        ) from error
    write_signed_criteria(sign_criteria(content, key=key, key_id=key_id), out)
    typer.echo(str(out))


def _pccp_check(
    scores: Annotated[Path, typer.Argument(help="CSV: case, truth, old_score, new_score, group.")],
    criteria: Annotated[Path, typer.Option(help="Signed criteria.")],
    key_file: Annotated[Path, typer.Option(help="File with the secret key.")],
    *,
    earlier_uses: Annotated[int, typer.Option(min=0, help="How often this test set has decided before.")],
    as_json: _Json = False,
) -> None:
    """Decide on a changed model by signed criteria: exit code 0 if every one is met, else 1. Nothing overrides it."""
    from lungai_core.clinical.pccp import decide_change, read_change_csv, read_signed_criteria
    from lungai_core.errors import StudyFileError

    try:
        key = key_file.read_bytes()
    except OSError as error:
        raise StudyFileError(
            "The key cannot be read.", where=key_file.name, allowed="a key file", remedy="Give the key of the criteria."
        ) from error
    decision = decide_change(
        read_change_csv(scores), read_signed_criteria(criteria), key=key, earlier_uses=earlier_uses
    )
    if as_json:
        typer.echo(json.dumps({"passed": decision.passed, **decision.model_dump(mode="json")}, sort_keys=True))
    else:
        for one in decision.outcomes:
            state = "met" if one.passed else "NOT MET"
            typer.echo(
                f"{state:8}{one.criterion_id} ({one.where}): {one.value:.4f}, limit {one.limit:g}; {one.kind.value}"
            )
        typer.echo("accepted" if decision.passed else "not accepted")
    raise typer.Exit(ExitCode.OK if decision.passed else ExitCode.FINDINGS)
