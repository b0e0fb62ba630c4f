"""The verbs ``lungai annotation …``: import, checks and the quality report, where annotations and statistics meet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lungai_core.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from lungai_core.annotation.quality import AgreementRow
    from lungai_core.annotation.record import NoduleAnnotation
    from lungai_core.annotation.workflow import ReadingProject
    from lungai_core.clinical.krippendorff import Metric

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs of ``annotation``.

    :implements: SRS-ANNO-012, SDS-ANNO-012

    Parameters
    ----------
    app
        The application.
    """
    group = typer.Typer(no_args_is_help=True, help="Reader annotations: import, check, quality report.")
    group.command("schema")(_schema)
    group.command("check")(_check)
    group.command("list-lidc")(_list_lidc)
    group.command("import-lidc")(_import_lidc)
    group.command("quality")(_quality)
    app.add_typer(group, name="annotation")


def _schema() -> None:
    """Print the JSON Schema of annotation files."""
    from lungai_core.annotation.record import annotation_schema

    typer.echo(annotation_schema(), nl=False)


def _check(
    annotations: Annotated[Path, typer.Argument(help="Annotations, JSON of the schema lungai-annotations/1.")],
    *,
    masks: Annotated[Path | None, typer.Option(help="Folder of the mask files: check hashes too.")] = None,
) -> None:
    """Check an annotation file: schema, volume against diameter, mask hashes. Returns 1 if something is to review."""
    from lungai_core.annotation.masks import read_referenced_mask
    from lungai_core.annotation.measure import GeometryVerdict
    from lungai_core.annotation.record import check_geometry, read_annotations

    content = read_annotations(annotations)
    review = 0
    for one in content.annotations:
        geometry = check_geometry(one)
        if geometry is not None:
            review += geometry.verdict is GeometryVerdict.REVIEW
            typer.echo(
                f"{one.annotation_id}: {geometry.deviation_percent:+.1f} % against its sphere, {geometry.verdict.value}"
            )
        if one.mask is not None and masks is not None:
            read_referenced_mask(one.mask, folder=masks)
    typer.echo(f"{len(content.annotations)} annotations, {review} to review")
    raise typer.Exit(ExitCode.FINDINGS if review else ExitCode.OK)


def _list_lidc(folder: Annotated[Path, typer.Argument(help="Folder of LIDC-IDRI XML files.", exists=True)]) -> None:
    """List what a folder of LIDC-IDRI XML holds: readings, repeated messages, radiographs."""
    from lungai_core.annotation.lidc import read_lidc_folder

    found = read_lidc_folder(folder)
    for path, reading in found.readings:
        rated = sum(one.ratings is not None for session in reading.sessions for one in session.nodules)
        typer.echo(f"{path.relative_to(folder)}: {len(reading.sessions)} readers, {rated} rated nodules")
    for path in found.repeated:
        typer.echo(f"{path.relative_to(folder)}: repeats an earlier message")
    for path in found.radiographs:
        typer.echo(f"{path.relative_to(folder)}: chest radiographs, skipped")


def _import_lidc(
    xml: Annotated[Path, typer.Argument(help="One LIDC-IDRI XML file.")],
    ct: Annotated[Path, typer.Option(help="Folder of the CT series that it names.")],
    patient: Annotated[str, typer.Option(help="Pseudonym of the patient.")],
    *,
    out: Annotated[Path, typer.Option(help="Annotation file to write.")],
) -> None:
    """Turn a LIDC-IDRI reading into annotation records in patient coordinates."""
    from lungai_core.annotation.lidc import read_lidc_xml
    from lungai_core.annotation.lidc_records import place_lidc_reading
    from lungai_core.annotation.record import AnnotationFile, write_annotations
    from lungai_core.dicom.reader import read_ct_series

    volume = read_ct_series(ct)
    placed = place_lidc_reading(read_lidc_xml(xml), series=volume.series, geometry=volume.geometry, patient=patient)
    write_annotations(AnnotationFile(annotations=placed.annotations), out)
    nodules = {one.nodule_id for one in placed.annotations}
    typer.echo(f"{len(placed.annotations)} reads of {len(nodules)} nodules: {out}")


def _quality(
    project: Annotated[Path, typer.Argument(help="Reading project, JSON of the schema lungai-reading/1.")],
    *,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")],
    out: Annotated[Path, typer.Option(help="New folder for quality.html and quality.json.")],
) -> None:
    """Write the quality report of a reading project: agreement by variable, disagreements, arbitration, geometry."""
    from lungai_core.annotation.quality import quality_html, quality_json, quality_report
    from lungai_core.annotation.workflow import read_project
    from lungai_core.files import new_folder, write_whole

    content = read_project(project)
    report = quality_report(content, agreement=_agreement(content, seed=seed))
    with new_folder(out) as folder:
        write_whole(folder / "quality.html", quality_html(report))
        write_whole(folder / "quality.json", quality_json(report))
    summary = {"reads": report.n_reads, "disagreements": len(report.disagreements), "open": list(report.open_nodules)}
    typer.echo(json.dumps(summary))
    typer.echo(str(out / "quality.html"))


def _agreement(project: ReadingProject, /, *, seed: int) -> tuple[AgreementRow, ...]:
    from lungai_core.clinical.krippendorff import Metric

    variables: tuple[tuple[str, Metric, Callable[[NoduleAnnotation], float | None]], ...] = (
        ("malignancy rating", Metric.ORDINAL, _malignancy),
        ("texture", Metric.NOMINAL, _texture),
        ("diameter", Metric.INTERVAL, lambda one: one.diameter.value_mm if one.diameter else None),
        ("volume", Metric.RATIO, lambda one: one.volume.value_mm3 if one.volume else None),
    )
    return tuple(_row(project, name, metric, value, seed) for name, metric, value in variables)


def _row(
    project: ReadingProject,
    name: str,
    metric: Metric,
    value: Callable[[NoduleAnnotation], float | None],
    seed: int,
) -> AgreementRow:
    import numpy as np

    from lungai_core.annotation.quality import AgreementRow, rating_table
    from lungai_core.clinical.agreement import ratings
    from lungai_core.clinical.krippendorff import krippendorff_alpha_interval
    from lungai_core.clinical.results import Unit
    from lungai_core.errors import NotEstimableError, StudyDataError

    table = rating_table(project, value=value)
    estimate = lower = upper = None
    note = ""
    try:
        interval = krippendorff_alpha_interval(ratings(table), metric=metric, seed=seed)
        estimate, lower, upper = interval.estimate, interval.lower, interval.upper
    except (NotEstimableError, StudyDataError) as error:
        note = f"{error.code} {error.what}"
    return AgreementRow(
        variable=name,
        coefficient="Krippendorff's alpha",
        metric=metric.value,
        unit=Unit.LESION.value,
        n_units=int(np.count_nonzero((~np.isnan(table)).sum(axis=1) > 1)),
        n_readers=len(project.plan.raters),
        estimate=estimate,
        lower=lower,
        upper=upper,
        confidence=0.95,
        note=note,
    )


def _malignancy(annotation: NoduleAnnotation) -> float | None:
    rating = annotation.malignancy.rating if annotation.malignancy else None
    return None if rating is None else float(rating)


def _texture(annotation: NoduleAnnotation) -> float | None:
    from lungai_core.domain.texture import Texture

    return None if annotation.texture is None else float(list(Texture).index(annotation.texture))
