"""Phantom cases through the whole software: files in, files out, each compared with the truth that made them.

Two things are kept apart. A *check* does not depend on what the network has learned: the masks are those of the truth,
so that a wrong place, side, slice, size or state was made by the software. A *measure* is the network's own answer; it
is recorded, and nothing passes or fails by it.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from lungai_core.domain.candidate import Candidate
from lungai_core.domain.case_report import CaseReport, CaseStatus, NoduleWarning
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import CandidateOutsideVolumeError, MissingSliceError, SeriesNotFoundError
from lungai_core.files import write_whole
from lungai_core.inference.masks import measure_mask, place_on_ct, sphere_diameter_mm
from lungai_core.preprocess.patch import extract_patch
from lungai_core.report.result_json import read_result_json
from lungai_core.testing.phantom import NoduleKind, make_phantom
from lungai_core.testing.phantom_plan import CaseSituation, PhantomCase
from lungai_core.testing.segments import read_header, read_segments, read_tracking_ids
from lungai_core.testing.series import slice_dataset, write_phantom_series
from lungai_core.testing.truth import depth_mm
from lungai_core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    from lungai_core.domain.case_report import NoduleResult
    from lungai_core.domain.geometry import Geometry
    from lungai_core.domain.patch import Patch
    from lungai_core.testing.phantom import Phantom, PhantomNodule
    from lungai_core.testing.segments import Segment
    from lungai_core.testing.truth import TruthEngine

__all__ = ["CaseRecord", "Check", "NoduleMeasure", "run_case", "run_plan"]

# A mask's border is interpolated between patch voxels of 1 mm: so near to the true surface either side is right.
_BORDER_MM = 0.25
_PLANE_TOLERANCE_MM = 0.01
_PATIENT = ("PatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID", "AccessionNumber")
_PAGE_MARK = "GENERATED PHANTOM, NO PATIENT"
_REFUSALS = {
    CaseSituation.OTHER_SERIES: SeriesNotFoundError.code,
    CaseSituation.MISSING_SLICE: MissingSliceError.code,
}


class Check(FrozenModel):
    """One comparison with the truth.

    :implements: SRS-TEST-006, SDS-TEST-005
    """

    name: str
    expected: str
    observed: str
    passed: bool


class NoduleMeasure(FrozenModel):
    """The network's own answer on one phantom nodule. It is measured and not judged.

    :implements: SRS-TEST-007, SDS-TEST-005

    ``dice`` is 0 where the network's mask is empty. ``network_error_mm`` and ``mask_error_mm`` are the diameter of its
    head and of the sphere of its mask's volume, less the true one; the latter is absent where the mask is empty.
    """

    case_id: str
    nodule_id: str
    kind: NoduleKind
    diameter_mm: float
    dice: Annotated[float, Field(ge=0, le=1)] | None
    network_error_mm: float | None
    mask_error_mm: float | None


class CaseRecord(FrozenModel):
    """One case of a plan after it was run.

    :implements: SRS-TEST-006, SDS-TEST-005
    """

    case: PhantomCase
    checks: tuple[Check, ...]
    measures: tuple[NoduleMeasure, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)


def run_plan(
    cases: Iterable[PhantomCase],
    /,
    *,
    engine: TruthEngine,
    walk: Callable[[PhantomCase, Path], CaseReport],
    on_case: Callable[[CaseRecord], None] = lambda _: None,
) -> tuple[CaseRecord, ...]:
    """Run each case in a folder of its own that is removed afterwards.

    :implements: SRS-TEST-006, SRS-TEST-007, SDS-TEST-005

    Parameters
    ----------
    cases
        From :func:`~lungai_core.testing.phantom_plan.phantom_plan`.
    engine, walk
        As for :func:`run_case`.
    on_case
        Called after each case.
    """
    records = []
    for case in cases:
        with tempfile.TemporaryDirectory(prefix="lungai-phantom-") as folder:
            records.append(run_case(case, Path(folder), engine=engine, walk=walk))
        on_case(records[-1])
    return tuple(records)


def run_case(
    case: PhantomCase, folder: Path, /, *, engine: TruthEngine, walk: Callable[[PhantomCase, Path], CaseReport]
) -> CaseRecord:
    """Write one case as files, send it through the software, and compare what comes out with the truth.

    :implements: SRS-TEST-006, SRS-TEST-007, SDS-TEST-005

    Parameters
    ----------
    case
        From a plan.
    folder
        An empty folder for the files.
    engine
        Told the truth here; ``walk`` has to use it.
    walk
        The software under test: takes the case and its folder, reads ``ct`` and ``candidates.json`` there, and leaves
        ``result.json``, ``report.html``, ``dicom/segmentation.dcm`` and, if it likes, ``dicom/report.dcm`` in ``out``.
    """
    phantom = make_phantom(case.spec)
    scan = write_phantom_series(phantom, folder / "ct")
    if case.situation is CaseSituation.MISSING_SLICE:
        (scan / f"{case.spec.shape_zyx[0] // 2:04d}.dcm").unlink()
    candidates = case.candidates(phantom.volume.series.series_instance_uid)
    write_whole(folder / "candidates.json", candidates.model_dump_json())
    engine.tell(case.spec)
    report = walk(case, folder)
    wanted = tuple(candidate.candidate_id for candidate in candidates.candidates)
    checks = (
        *_state_checks(case, report, wanted=wanted),
        *_identity_checks(report, phantom, folder / "out", engine=engine),
        *_file_checks(report, folder / "out"),
        *_nodule_checks(case, report, phantom, folder / "out", engine=engine),
    )
    return CaseRecord(case=case, checks=checks, measures=tuple(_measures(case, phantom, engine=engine)))


# ------------------------------------------------------------------------------------------------------------- checks


def _check(name: str, expected: object, observed: object, /) -> Check:
    return Check(name=name, expected=str(expected), observed=str(observed), passed=expected == observed)


def _state_checks(case: PhantomCase, report: CaseReport, /, *, wanted: tuple[str, ...]) -> Iterator[Check]:
    situation = case.situation
    status = {
        CaseSituation.NO_CANDIDATES: CaseStatus.NO_CANDIDATES,
        CaseSituation.OUTSIDE_VOLUME: CaseStatus.PARTIAL,
        **dict.fromkeys(_REFUSALS, CaseStatus.REFUSED),
    }.get(situation, CaseStatus.COMPLETE)
    yield _check("status", status, report.status)
    refused = _REFUSALS.get(situation)
    yield _check("refusal", refused or "none", report.refusal.code if report.refusal else "none")
    lost = f"outside {CandidateOutsideVolumeError.code}" if situation is CaseSituation.OUTSIDE_VOLUME else "none"
    failed = ", ".join(f"{failure.candidate_id} {failure.code}" for failure in report.failures)
    yield _check("failures", lost, failed or "none")
    if refused is None:
        found = (*(n.candidate_id for n in report.nodules), *(failure.candidate_id for failure in report.failures))
        yield _check("candidates", ", ".join(sorted(wanted)), ", ".join(sorted(found)))
    if situation in {CaseSituation.OUTSIDE_VOLUME, *_REFUSALS} or (report.nodules and not report.model.trained):
        yield _check("review", "yes", "yes" if report.review_required else "no")


def _identity_checks(report: CaseReport, phantom: Phantom, out: Path, /, *, engine: TruthEngine) -> Iterator[Check]:
    """Compare what made a result, and whose it is, with the engine and with the patient of the phantom."""
    model, series = engine.model, phantom.volume.series
    named = f"{report.model.name} {report.model.version} {report.model.sha256[:8]}, software {report.software.version}"
    yield _check("made by", f"{model.name} {model.version} {model.sha256[:8]}, software {__version__}", named)
    if report.input is not None:
        uids = (report.input.study_instance_uid, report.input.series_instance_uid)
        same = uids == (series.study_instance_uid, series.series_instance_uid)
        yield _check("series of the result", "same", "same" if same else "another")
    expected = slice_dataset(phantom, index=0)
    for path in sorted((out / "dicom").glob("*.dcm")):
        header = read_header(path)
        same = all(header.get(keyword) == expected.get(keyword) for keyword in _PATIENT)
        yield _check(f"patient in {path.name}", "same", "same" if same else "another")


def _file_checks(report: CaseReport, out: Path, /) -> Iterator[Check]:
    written = read_result_json(out / "result.json")
    yield _check("result.json", "same", "same" if written == report else "another")
    if report.input is not None:
        page = (out / "report.html").read_text(encoding="utf-8")
        yield _check("page", "marked", "marked" if _PAGE_MARK in page else "not marked")

    path = out / "dicom" / "report.dcm"
    if path.is_file():
        wanted = sorted(f"Nodule {nodule.candidate_id}" for nodule in report.nodules)
        found = sorted({name for name in read_tracking_ids(path) if name.startswith("Nodule ")})
        yield _check("structured report", ", ".join(wanted) or "none", ", ".join(found) or "none")


def _nodule_checks(
    case: PhantomCase, report: CaseReport, phantom: Phantom, out: Path, /, *, engine: TruthEngine
) -> Iterator[Check]:
    results = {result.candidate_id: result for result in report.nodules}
    nodules = [
        (nodule, point, results[nodule.nodule_id])
        for nodule, point in zip(case.spec.nodules, case.candidates_lps_mm, strict=True)
        if nodule.nodule_id in results
    ]
    path = out / "dicom" / "segmentation.dcm"
    segments = {segment.label: segment for segment in read_segments(path)} if path.is_file() else {}
    expected = [f"Nodule {n.nodule_id}" for n, _, _ in nodules if (depth_mm(n, case.spec.geometry) > _BORDER_MM).any()]
    if nodules:
        yield _check("segments", ", ".join(expected) or "none", ", ".join(segments) or "none")
    for nodule, point, result in nodules:
        yield _slice_check(nodule, result, phantom, point)
        segment = segments.get(f"Nodule {nodule.nodule_id}")
        if segment is not None and len(segment.positions_lps_mm):
            candidate = Candidate(candidate_id=nodule.nodule_id, center_lps_mm=point)
            patch = extract_patch(phantom.volume, candidate, contract=engine.pack.contract.input)
            yield from _segment_checks(nodule, result, segment, phantom, patch=patch)


def _slice_check(
    nodule: PhantomNodule, result: NoduleResult, phantom: Phantom, point: tuple[float, float, float], /
) -> Check:
    geometry = phantom.spec.geometry
    normal = np.asarray(geometry.axes_zyx_lps[0])
    heights = np.asarray([normal @ geometry.lps_from_index((z, 0, 0)) for z in range(geometry.shape_zyx[0])])
    away_mm = np.abs(heights - normal @ np.asarray(point))
    # A point half-way between two slices lies on either.
    nearest = np.flatnonzero(away_mm <= away_mm.min() + _PLANE_TOLERANCE_MM)
    right = [f"{z + 1} {phantom.volume.series.sop_instance_uids[z][-6:]}" for z in nearest]
    observed = f"{result.slice_number} {result.sop_instance_uid[-6:]}"
    return Check(
        name=f"{nodule.nodule_id} slice", expected=" or ".join(right), observed=observed, passed=observed in right
    )


def _segment_checks(
    nodule: PhantomNodule, result: NoduleResult, segment: Segment, phantom: Phantom, /, *, patch: Patch
) -> Iterator[Check]:
    name, geometry = nodule.nodule_id, phantom.spec.geometry
    index = geometry.index_from_lps(segment.positions_lps_mm)
    voxels = np.rint(index).astype(int)
    off_grid = float(np.abs(index - voxels).max())
    inside = bool(((voxels >= 0) & (voxels < geometry.shape_zyx)).all())
    yield Check(
        name=f"{name} off the grid (voxels)",
        expected=f"at most {_PLANE_TOLERANCE_MM}",
        observed=f"{off_grid:.5f}" if inside else "outside the CT",
        passed=inside and off_grid <= _PLANE_TOLERANCE_MM,
    )
    if inside:
        painted = np.zeros(geometry.shape_zyx, np.bool_)
        painted[tuple(voxels.T)] = True
        depth = depth_mm(nodule, geometry)
        seen = _seen(patch.geometry, geometry)
        wrong = seen & ((painted & (depth < -_BORDER_MM)) | (~painted & (depth > _BORDER_MM)))
        yield _check(f"{name} voxels wrong by more than {_BORDER_MM} mm", 0, int(np.count_nonzero(wrong)))
        if (~seen & (depth > _BORDER_MM)).any():
            warned = NoduleWarning.MASK_TOUCHES_PATCH_BORDER in result.warnings
            yield _check(f"{name} larger than its patch", "warned of", "warned of" if warned else "not warned of")
    yield _planes_check(name, segment, phantom)
    yield from _place_checks(nodule, result, segment, phantom)


def _seen(patch: Geometry, ct: Geometry, /) -> NDArray[np.bool_]:
    """Tell which voxels of the CT lie between voxel centres of a patch: of the others a network says nothing."""
    grid = np.stack(np.meshgrid(*(np.arange(size) for size in ct.shape_zyx), indexing="ij"), axis=-1)
    place = patch.index_from_lps(ct.lps_from_index(grid))
    return np.asarray(((place >= 0) & (place <= np.asarray(patch.shape_zyx) - 1)).all(axis=-1))


def _planes_check(name: str, segment: Segment, phantom: Phantom, /) -> Check:
    uids = phantom.volume.series.sop_instance_uids
    geometry = phantom.spec.geometry
    wrong = sum(
        uid not in uids or math.dist(plane, geometry.lps_from_index((uids.index(uid), 0, 0))) > _PLANE_TOLERANCE_MM
        for uid, plane in segment.planes_lps_mm.items()
    )
    return _check(f"{name} frames on a wrong slice", 0, wrong)


def _place_checks(
    nodule: PhantomNodule, result: NoduleResult, segment: Segment, phantom: Phantom, /
) -> Iterator[Check]:
    name, center = nodule.nodule_id, np.asarray(nodule.center_lps_mm)
    middle = segment.positions_lps_mm.mean(axis=0)
    half_voxel_mm = math.hypot(*phantom.spec.spacing_zyx_mm) / 2
    yield _check(f"{name} side", _side(center[0]), _side(middle[0]))
    yield Check(
        name=f"{name} off the centre (mm)",
        expected=f"at most {half_voxel_mm:.2f}",
        observed=f"{math.dist(middle, center):.2f}",
        passed=math.dist(middle, center) <= half_voxel_mm,
    )
    volume_mm3 = len(segment.positions_lps_mm) * math.prod(phantom.spec.spacing_zyx_mm)
    yield Check(
        name=f"{name} diameter (mm)",
        expected=f"{nodule.diameter_mm:.1f} within {half_voxel_mm:.2f}",
        observed=f"{sphere_diameter_mm(volume_mm3):.2f} (result: {result.size.sphere_mm or 0:.2f})",
        passed=abs(sphere_diameter_mm(volume_mm3) - nodule.diameter_mm) <= half_voxel_mm
        and abs(sphere_diameter_mm(volume_mm3) - (result.size.sphere_mm or 0)) <= _PLANE_TOLERANCE_MM,
    )


def _side(x_lps_mm: float, /) -> str:
    return "left" if x_lps_mm > 0 else "right"


# ----------------------------------------------------------------------------------------------------------- measures


def _measures(case: PhantomCase, phantom: Phantom, /, *, engine: TruthEngine) -> Iterator[NoduleMeasure]:
    threshold = engine.pack.contract.mask_probability.probability
    for nodule in case.spec.nodules:
        if nodule.nodule_id not in engine.answers:
            continue
        patch, answer = engine.answers[nodule.nodule_id]
        dice = error = None
        if answer.mask_logit is not None:
            placed = place_on_ct(
                answer.mask_logit,
                patch=patch.geometry,
                volume=phantom.volume.geometry,
                center_lps_mm=case.candidates_lps_mm[case.spec.nodules.index(nodule)],
                threshold_logit=math.log(threshold / (1 - threshold)),
            )
            window = tuple(slice(a, a + n) for a, n in zip(placed.lower_zyx, placed.inside.shape, strict=True))
            truth = depth_mm(nodule, phantom.spec.geometry) >= 0
            both = int(np.count_nonzero(placed.inside & truth[window]))
            dice = 2 * both / max(int(np.count_nonzero(placed.inside)) + int(np.count_nonzero(truth)), 1)
            mask = measure_mask(placed, volume=phantom.volume)
            error = None if mask is None else sphere_diameter_mm(mask.volume_mm3) - nodule.diameter_mm
        yield NoduleMeasure(
            case_id=case.case_id,
            nodule_id=nodule.nodule_id,
            kind=nodule.kind,
            diameter_mm=nodule.diameter_mm,
            dice=None if dice is None else round(dice, 4),
            network_error_mm=None if answer.diameter_mm is None else round(answer.diameter_mm - nodule.diameter_mm, 3),
            mask_error_mm=None if error is None else round(error, 3),
        )
