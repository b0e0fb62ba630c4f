"""The whole walk of one case, from a folder of DICOM to a folder of results; ``run``, ``demo``, ``batch`` share it."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from lungai_core.dicom.parametric_map import build_explanation_maps
from lungai_core.dicom.reader import read_ct_series
from lungai_core.dicom.secondary_capture import build_secondary_capture
from lungai_core.dicom.segmentation import build_segmentation
from lungai_core.dicom.source_images import is_classic, read_source_images, read_study_images
from lungai_core.dicom.stamps import ObjectStamp, save_object
from lungai_core.dicom.structured_report import ReportReferences, build_refusal_report, build_structured_report
from lungai_core.domain.candidate import read_candidates
from lungai_core.domain.case_report import InputKind
from lungai_core.errors import InputRejectedError
from lungai_core.files import new_folder
from lungai_core.inference.case import analyze_case, refused_case
from lungai_core.inference.engine import InferenceEngine
from lungai_core.report.document import CaseDocument
from lungai_core.report.html import write_report_html
from lungai_core.report.pdf import PrintOrder, write_report_pdf
from lungai_core.report.result_json import write_result_json
from lungai_core.report.tables import write_nodules_csv, write_worklist_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from pydicom import Dataset

    from lungai_core.dicom.source_images import SourceImages
    from lungai_core.domain.case_report import CaseReport
    from lungai_core.inference.providers import ProviderPolicy
    from lungai_core.modelpack.pack import ModelPack

__all__ = ["CaseFiles", "DicomObjects", "OnRefusal", "WalkStep", "walk_case", "walk_with_engine"]


class WalkStep(StrEnum):
    """The steps of a walk, for a progress display.

    :implements: SRS-CLI-002, SDS-CLI-002
    """

    LOAD_MODEL = "load model"
    READ_SERIES = "read series"
    ANALYSE = "analyse"
    WRITE_RESULTS = "write results"


class OnRefusal(StrEnum):
    """What happens when the input is refused: an error and no output, or a report that says so.

    :implements: SRS-CLI-002, SDS-CLI-002
    """

    ERROR = "error"
    REPORT = "report"


class DicomObjects(StrEnum):
    """Which DICOM objects a walk writes.

    :implements: SRS-CLI-002, SDS-CLI-002
    """

    ALL = "all"
    ALL_AND_CAPTURES = "all_and_captures"
    SEGMENTATION = "segmentation"


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """One case on disk.

    :implements: SRS-CLI-002, SDS-CLI-002

    Parameters
    ----------
    ct_dir
        Folder of one CT series.
    candidates_file
        ``candidates.json``.
    out_dir
        The folder to make; it must not exist or be empty. It appears whole or not at all.
    kind
        Whether the images show a patient or a phantom.
    written_at
        The time that DICOM objects carry as their creation; ``None`` where none shall be written. It takes part in
        their UIDs, so that the same case, model and time give the same objects.
    printed
        How ``report.pdf`` shall be written; ``None`` where none shall be.
    objects
        Which of them are written.
    """

    ct_dir: Path
    candidates_file: Path
    out_dir: Path
    kind: InputKind = InputKind.CT_SERIES
    written_at: datetime | None = None
    printed: PrintOrder | None = None
    objects: DicomObjects = DicomObjects.ALL


def walk_case(
    files: CaseFiles,
    /,
    *,
    pack: ModelPack,
    policy: ProviderPolicy,
    on_refusal: OnRefusal = OnRefusal.ERROR,
    on_step: Callable[[WalkStep], None] = lambda _: None,
) -> CaseReport:
    """Load the model, read a series, analyse its candidates and write the results.

    :implements: SRS-CLI-002, SDS-CLI-002

    Parameters
    ----------
    files
        Where the case lies and where its results go.
    pack
        A verified model pack.
    policy
        Which providers are allowed.
    on_refusal
        Whether a refused series raises or gives a report of its refusal.
    on_step
        Called at the beginning of each step.

    Returns
    -------
    CaseReport
        What was written.

    Raises
    ------
    LungaiError
        If the input, the model or the machine does not allow a result; then there is no output folder.
    """
    on_step(WalkStep.LOAD_MODEL)
    with InferenceEngine.open(pack, policy=policy) as engine:
        return walk_with_engine(files, engine=engine, on_refusal=on_refusal, on_step=on_step)


def walk_with_engine(
    files: CaseFiles,
    /,
    *,
    engine: InferenceEngine,
    on_refusal: OnRefusal = OnRefusal.ERROR,
    on_step: Callable[[WalkStep], None] = lambda _: None,
) -> CaseReport:
    """Do as :func:`walk_case` with an engine that is open already and serves many cases.

    :implements: SRS-CLI-002, SDS-CLI-002

    Parameters
    ----------
    files, on_refusal, on_step
        As for :func:`walk_case`.
    engine
        An open engine.
    """
    # The folder is made first, so that an output that cannot be written is known before anything is computed.
    with new_folder(files.out_dir) as folder, _collector_paused():
        try:
            document = _analyse(files, engine=engine, on_step=on_step)
        except InputRejectedError as error:
            if on_refusal is OnRefusal.ERROR:
                raise
            document = CaseDocument(refused_case(error, model=engine.model), None, engine.pack.card)
        on_step(WalkStep.WRITE_RESULTS)
        _write(document, folder, files=files)
    return document.report


@contextmanager
def _collector_paused() -> Iterator[None]:
    # A case makes a million small objects that live until its end. The collector walks all of them, and all that is
    # imported, again and again: a tenth of what a case costs outside the network. It runs as before once a case is
    # over, and stays off where the caller had it off.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _analyse(files: CaseFiles, /, *, engine: InferenceEngine, on_step: Callable[[WalkStep], None]) -> CaseDocument:
    on_step(WalkStep.READ_SERIES)
    candidates = read_candidates(files.candidates_file)
    volume = read_ct_series(files.ct_dir, series_instance_uid=candidates.series_instance_uid)
    on_step(WalkStep.ANALYSE)
    report = analyze_case(volume, candidates, engine=engine, kind=files.kind)
    return CaseDocument(report, volume, engine.pack.card)


def _write(document: CaseDocument, folder: Path, /, *, files: CaseFiles) -> None:
    write_result_json(document.report, folder / "result.json")
    write_report_html(document, folder / "report.html")
    if files.printed is not None:
        write_report_pdf(document, folder / "report.pdf", order=files.printed)
    write_nodules_csv(document.report, folder / "nodules.csv")
    write_worklist_csv(document.report, folder / "worklist.csv")
    if files.written_at is not None:
        _write_dicom(document, ObjectStamp(document.report, files.written_at), folder / "dicom", files=files)


def _write_dicom(document: CaseDocument, stamp: ObjectStamp, folder: Path, /, *, files: CaseFiles) -> None:
    if document.volume is None:
        if files.objects is DicomObjects.SEGMENTATION:
            return
        images = read_study_images(sorted(files.ct_dir.rglob("*")))
        if images is not None:
            save_object(build_refusal_report(stamp, images), folder / "report.dcm")
    # A multi-frame series has no image a slice that a Segmentation could refer to; its masks stand in result.json.
    elif is_classic(document.volume.series):
        source = read_source_images(document.volume, report=document.report)
        for name, built in _objects(stamp, source, objects=files.objects):
            save_object(built, folder / name)


def _objects(stamp: ObjectStamp, source: SourceImages, /, *, objects: DicomObjects) -> Iterator[tuple[str, Dataset]]:
    segmentation = build_segmentation(stamp, source)
    if segmentation is not None:
        yield "segmentation.dcm", segmentation
    if objects is DicomObjects.SEGMENTATION:
        return
    maps = build_explanation_maps(stamp, source)
    yield "report.dcm", build_structured_report(stamp, source, references=ReportReferences(segmentation, maps))
    for candidate_id, built in maps.items():
        yield f"explanation-{candidate_id}.dcm", built
    if objects is DicomObjects.ALL_AND_CAPTURES:
        for nodule in stamp.report.nodules:
            yield f"capture-{nodule.candidate_id}.dcm", build_secondary_capture(stamp, source, nodule=nodule)
