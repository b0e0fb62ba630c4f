"""The verb ``lungai run``: one case, from a CT series and candidates to a report."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lungai_core.cli.policy import Float16, RequireGpu, TensorRtEngines, policy_of
from lungai_core.errors import ExitCode
from lungai_core.report.language import ReportLanguage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lungai_core.domain.case_report import CaseReport

__all__ = ["exit_code_of", "print_report", "register", "step_progress"]


def register(app: typer.Typer) -> None:
    """Add the verb ``run``.

    :implements: SRS-CLI-002, SDS-CLI-002

    Parameters
    ----------
    app
        The application.
    """
    app.command("run")(_run)


def _run(  # noqa: PLR0913  each option of the command is one argument
    ct_dir: Annotated[Path, typer.Argument(help="Folder of one CT series.")],
    *,
    candidates: Annotated[Path, typer.Option(help="candidates.json: where to look.")],
    out: Annotated[Path, typer.Option(help="Folder to make; nothing is overwritten.")],
    model: Annotated[Path | None, typer.Option(help="Folder or zip of a model pack; default: the bundled one.")] = None,
    require_gpu: RequireGpu = False,
    fp16: Float16 = False,
    tensorrt: TensorRtEngines = None,
    refusal_report: Annotated[
        bool, typer.Option("--refusal-report", help="Write a report for a refused series too (exit code stays 3).")
    ] = False,
    dicom: Annotated[bool, typer.Option(help="Write DICOM SEG, SR and explanation maps.")] = True,
    pdf: Annotated[ReportLanguage | None, typer.Option(help="Write report.pdf in this language.")] = None,
    secondary_capture: Annotated[
        bool, typer.Option("--secondary-capture", help="Write a DICOM picture of each nodule too.")
    ] = False,
    written_at: Annotated[
        datetime | None,
        typer.Option(help="Time of creation in the DICOM objects and the PDF; the same time gives the same bytes."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result on stdout as JSON.")] = False,
) -> None:
    """Analyse the nodule candidates of one CT series. Not for clinical use."""
    from lungai_core.cli.walk import CaseFiles, DicomObjects, OnRefusal, walk_case
    from lungai_core.modelpack.pack import bundled_pack, open_pack
    from lungai_core.preprocess.kernels import Kernel
    from lungai_core.report.pdf import PrintOrder

    pack = open_pack(bundled_pack() if model is None else model)
    # DICOM times are local unless an offset is given, and an offset would change the meaning of the study's own times.
    moment = (written_at or datetime.now().astimezone()).replace(microsecond=0)
    files = CaseFiles(
        ct_dir=ct_dir,
        candidates_file=candidates,
        out_dir=out,
        written_at=moment if dicom else None,
        objects=DicomObjects.ALL_AND_CAPTURES if secondary_capture else DicomObjects.ALL,
        printed=None if pdf is None else PrintOrder(pdf, moment),
    )
    with step_progress() as on_step:
        report = walk_case(
            files,
            pack=pack,
            policy=policy_of(require_gpu=require_gpu, fp16=fp16, tensorrt=tensorrt, workers=2, kernel=Kernel.NUMPY),
            on_refusal=OnRefusal.REPORT if refusal_report else OnRefusal.ERROR,
            on_step=on_step,
        )
    if as_json:
        typer.echo(report.model_dump_json())
    else:
        print_report(report, out_dir=out)
    code = exit_code_of(report)
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def exit_code_of(report: CaseReport, /) -> ExitCode:
    """Return the exit code that a report stands for.

    :implements: SRS-CLI-001, SRS-CLI-002, SDS-CLI-002
    """
    if report.refusal is not None:
        return ExitCode.INPUT_REJECTED
    return ExitCode.REVIEW_REQUIRED if report.review_required else ExitCode.OK


@contextmanager
def step_progress() -> Iterator[Callable[[str], None]]:
    """Give a function that shows the current step on stderr; it shows nothing unless stderr is a terminal.

    :implements: SRS-CLI-002, SDS-CLI-002
    """
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("open", total=None)

        def on_step(step: str) -> None:
            progress.update(task, description=str(step))

        yield on_step


def print_report(report: CaseReport, /, *, out_dir: Path) -> None:
    """Print a report as a table on stderr, with what it is and is not.

    :implements: SRS-CLI-002, SDS-CLI-002

    Parameters
    ----------
    out_dir
        Where the results lie.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    table = Table(title="Lung nodules", title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for head in ("nodule", "slice", "malignancy", "diameter", "volume", "mean HU", "review"):
        table.add_column(head, justify="left" if head in {"nodule", "review"} else "right", no_wrap=True)
    for nodule in report.nodules:
        mask = nodule.mask
        table.add_row(
            nodule.candidate_id,
            str(nodule.slice_number),
            f"{nodule.malignancy_probability:.1%}",
            "–" if nodule.size.network_mm is None else f"{nodule.size.network_mm:.1f} mm",
            "–" if mask is None else f"{mask.volume_mm3:,.0f} mm³",
            "–" if mask is None else f"{mask.mean_hu:.0f}",
            "yes" if nodule.review_required else "–",
        )
    if report.nodules:
        console.print(table)
    for failure in report.failures:
        console.print(f"candidate {failure.candidate_id}: {failure.code} {failure.message}", markup=False)
    for line in _summary(report, out_dir):
        console.print(line, markup=False)


def _summary(report: CaseReport, out_dir: Path, /) -> Iterator[str]:
    trained = "" if report.model.trained else " (NOT TRAINED: its numbers mean nothing)"
    yield f"status    {report.status.value}"
    if report.refusal is not None:
        yield f"refused   {report.refusal.code} {report.refusal.message}"
    if report.review_required:
        yield f"review    {', '.join(reason.value.replace('_', ' ') for reason in report.review_reasons)}"
    yield f"model     {report.model.name} {report.model.version}{trained}"
    ran = report.execution
    if ran is not None:
        yield f"ran on    {ran.provider} ({ran.runtime} {ran.runtime_version}), {ran.precision}, {ran.mode.value}"
    if report.timings_s is not None:
        yield f"seconds   {report.timings_s.total:.2f} after reading"
    yield f"results   {out_dir}"
    yield report.notice
