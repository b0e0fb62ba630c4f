"""The verb ``lungai check``: a CT against the input contract, line by line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lungai_core.errors import ExitCode

if TYPE_CHECKING:
    from lungai_core.dicom.limits import ReadLimits
    from lungai_core.dicom.reader import SeriesCheck
    from lungai_core.domain.contract import InputLimits
    from lungai_core.preprocess.gate import GateReport

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb ``check``.

    :implements: SRS-DICOM-008, SDS-DICOM-003

    Parameters
    ----------
    app
        The application.
    """
    app.command("check")(_check)


def _check(
    ct: Annotated[Path, typer.Argument(help="A folder of DICOM files, or one file.")],
    *,
    series: Annotated[str | None, typer.Option(help="Series Instance UID, where there are several.")] = None,
    model: Annotated[Path | None, typer.Option(help="A model pack: check its limits too.")] = None,
    allow_lossy: Annotated[bool, typer.Option("--allow-lossy", help="Accept lossy compression.")] = False,
    threads: Annotated[int, typer.Option(min=1, max=64, help="Files to read at a time.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check a CT series against every rule of the input contract, and say what it is like.

    Returns 0 if the series can be read and lies within the limits of the model, else 3.
    """
    from lungai_core.dicom.limits import LossyCompression, ReadLimits
    from lungai_core.dicom.reader import check_ct_series
    from lungai_core.domain.contract import InputLimits
    from lungai_core.preprocess.gate import assess_volume

    limits = ReadLimits(lossy_compression=LossyCompression.ALLOW if allow_lossy else LossyCompression.REFUSE)
    result = check_ct_series(ct, series_instance_uid=series, limits=limits, threads=threads)
    model_limits = InputLimits() if model is None else _limits_of(model)
    gate = None if result.volume is None else assess_volume(result.volume, limits=model_limits)
    if as_json:
        _print_json(result, gate, limits)
    else:
        _print_lines(result, gate, limits)
    if gate is None or gate.refusals:
        raise typer.Exit(ExitCode.INPUT_REJECTED)


def _limits_of(model: Path) -> InputLimits:
    from lungai_core.modelpack.pack import open_pack

    return open_pack(model).contract.limits


def _print_json(result: SeriesCheck, gate: GateReport | None, limits: ReadLimits) -> None:
    import json

    volume = result.volume
    record = {
        "verdict": "accepted" if gate is not None and not gate.refusals else "refused",
        "slices": result.slice_count,
        "skipped_not_dicom": result.skipped_not_dicom,
        "skipped_not_ct": result.skipped_not_ct,
        "shape_zyx": None if volume is None else volume.geometry.shape_zyx,
        "spacing_zyx_mm": None if volume is None else volume.geometry.spacing_zyx_mm,
        "rules": [
            {
                "code": item.rule.error.code,
                "title": item.rule.title,
                "allowed": item.rule.allowed_text(limits),
                "verdict": item.verdict.value,
                "what": item.error.what if item.error else "",
                "where": item.error.where if item.error else "",
                "remedy": item.error.remedy if item.error else "",
            }
            for item in result.results
        ],
        "pixel_error": None if result.pixel_error is None else str(result.pixel_error),
        "notes": [] if volume is None else [note.model_dump() for note in volume.series.notes],
        "gate": [] if gate is None else [line.model_dump(mode="json") for line in gate.lines],
    }
    typer.echo(json.dumps(record, indent=2, sort_keys=True))


def _print_lines(result: SeriesCheck, gate: GateReport | None, limits: ReadLimits) -> None:
    typer.echo(
        f"{result.slice_count} slices; passed over {result.skipped_not_dicom} files that are no DICOM"
        f" and {result.skipped_not_ct} that are no CT"
    )
    for item in result.results:
        typer.echo(f"{item.verdict:<12}{item.rule.error.code}  {item.rule.title}: {item.rule.allowed_text(limits)}")
        if item.error is not None:
            typer.echo(_indented(f"{item.error.what}\n{item.error.where}\n{item.error.remedy}"))
    if result.pixel_error is not None:
        typer.echo(f"{'refused':<12}{result.pixel_error.code}  Pixel data")
        typer.echo(_indented(str(result.pixel_error)))
    if result.volume is not None:
        typer.echo(f"{'passed':<12}LAI-DICOM-025  Pixel data: complete, and equal to their header")
        for note in result.volume.series.notes:
            typer.echo(f"{'noted':<12}{note.note_id}: {note.text}")
    for line in gate.lines if gate is not None else ():
        typer.echo(f"{line.verdict:<12}{line.title}: {line.measured or 'not stated'} (allowed: {line.allowed})")
    typer.echo("accepted" if gate is not None and not gate.refusals else "refused")


def _indented(text: str) -> str:
    return "\n".join(f"{'':<12}{line}" for line in text.splitlines())
