"""From a volume and candidates to the report of a case. A candidate that fails does not take the others with it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.domain.case_report import (
    CandidateFailure,
    CaseReport,
    CaseStatus,
    InputKind,
    NoduleResult,
    NoduleSize,
    NoduleWarning,
    Refusal,
    ReviewReason,
    SoftwareIdentity,
    TextureEstimate,
    Timings,
)
from lungai_core.domain.texture import Texture
from lungai_core.errors import CandidateOfOtherSeriesError, LungaiError, NoTissueError
from lungai_core.inference.engine import require_finite
from lungai_core.inference.explanation import explanation_map
from lungai_core.inference.identity import input_identity
from lungai_core.inference.masks import NoduleVoxels, long_axis_mm, measure_mask, place_on_ct, sphere_diameter_mm
from lungai_core.inference.uncertainty import estimate_uncertainty, sampling_seed
from lungai_core.preprocess.gate import require_fit
from lungai_core.preprocess.patch import extract_patch
from lungai_core.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lungai_core.domain.candidate import Candidate, CandidateList
    from lungai_core.domain.case_report import ModelIdentity, Uncertainty
    from lungai_core.domain.patch import Patch
    from lungai_core.domain.volume import CtVolume
    from lungai_core.inference.engine import InferenceEngine, NetworkAnswer

__all__ = ["analyze_case", "refused_case"]

# Above this share of voxels outside the volume a patch shows less of the patient than the network was made for.
_OUTSIDE_LIMIT = 0.25
# Around a place in the body there is chest wall, a vessel or the nodule; in air around the body nothing exceeds this
# value. The box has its own size: lung alone may fill a small patch.
_TISSUE_HU = -500.0
_TISSUE_SHARE = 0.001
_TISSUE_REACH_MM = 48.0
_TISSUE_STEP_MM = 2.0
# The two diameters are two views of one nodule: a larger difference means that one of them saw something else.
_DIAMETER_DISAGREEMENT_MM = 3.0
_DIAMETER_DISAGREEMENT_SHARE = 0.3
_NOT_AUTOMATIC = {
    NoduleWarning.MASK_EMPTY: ReviewReason.MASK_EMPTY,
    NoduleWarning.DIAMETERS_DISAGREE: ReviewReason.DIAMETERS_DISAGREE,
    NoduleWarning.PATCH_PARTLY_OUTSIDE_VOLUME: ReviewReason.PATCH_PARTLY_OUTSIDE_VOLUME,
}


def analyze_case(
    volume: CtVolume,
    candidates: CandidateList,
    /,
    *,
    engine: InferenceEngine,
    kind: InputKind = InputKind.CT_SERIES,
) -> CaseReport:
    """Analyse every candidate of a case.

    :implements: SRS-INFER-009, SRS-INFER-010, SDS-INFER-008, SDS-INFER-009

    Parameters
    ----------
    volume
        The CT series.
    candidates
        Where to look; may be empty.
    engine
        An open engine.
    kind
        Whether the images show a patient or a phantom; it is written into the report.

    Returns
    -------
    CaseReport
        Always a report: with no nodules for no candidates, and with a failure for each candidate that could not be
        analysed while the others are reported.

    Raises
    ------
    CandidateOfOtherSeriesError
        If the candidate list names another series.
    InputOutsideLimitsError
        If the volume lies outside a limit of the model's contract whose action is refuse.
    DeviceMemoryError
        If one patch alone does not fit the device.
    """
    if candidates.series_instance_uid not in (None, volume.series.series_instance_uid):
        raise CandidateOfOtherSeriesError(
            "The candidates belong to another series.",
            where="candidate list, series_instance_uid",
            allowed="the SeriesInstanceUID of the CT series, or none",
            remedy="Give the candidate file of this series.",
        )
    began = time.perf_counter()
    gate = require_fit(volume, limits=engine.pack.contract.limits)
    failures: list[CandidateFailure] = []
    nodules: list[NoduleResult] = []
    network_s = 0.0
    sampling_s = time.perf_counter() - began
    # A group at a time: memory does not grow with the number of candidates.
    for start in range(0, len(candidates.candidates), engine.group_size):
        group = candidates.candidates[start : start + engine.group_size]
        sampling = time.perf_counter()
        taken = list(_sampled(volume, group, engine=engine, failures=failures))
        computing = time.perf_counter()
        answers = engine.infer([patch for _, patch in taken])
        sampling_s += computing - sampling
        network_s += time.perf_counter() - computing
        for (candidate, patch), answer in zip(taken, answers, strict=True):
            try:
                nodules.append(_nodule(volume, candidate, patch=patch, answer=answer, engine=engine))
            except LungaiError as error:
                failures.append(_failure(candidate, error))
    reasons = {reason for nodule in nodules for reason in nodule.review_reasons}
    reasons |= {ReviewReason.CANDIDATE_FAILED} if failures else set()
    reasons |= {ReviewReason.INPUT_OUTSIDE_LIMITS} if gate.flags else set()
    identity = input_identity(volume, candidates, kind=kind, gate=gate)
    ended = time.perf_counter()
    return CaseReport(
        status=_status(candidates, failures),
        software=SoftwareIdentity(version=__version__),
        model=engine.model,
        input=identity,
        execution=engine.execution,
        nodules=tuple(nodules),
        failures=_in_order(candidates, failures),
        refusal=None,
        review_required=bool(reasons),
        review_reasons=_sorted(reasons),
        timings_s=Timings(
            patches=sampling_s,
            network=network_s,
            results=max(0.0, ended - began - sampling_s - network_s),
            total=ended - began,
        ),
    )


def refused_case(error: LungaiError, /, *, model: ModelIdentity) -> CaseReport:
    """Return the report of a series that could not be analysed at all.

    :implements: SRS-INFER-009, SDS-INFER-008

    Parameters
    ----------
    error
        Why. Its code and first sentence stand in the report; paths do not.
    model
        The model that would have been used.
    """
    return CaseReport(
        status=CaseStatus.REFUSED,
        software=SoftwareIdentity(version=__version__),
        model=model,
        input=None,
        execution=None,
        nodules=(),
        failures=(),
        refusal=Refusal(code=error.code, message=error.what),
        review_required=True,
        review_reasons=(ReviewReason.SERIES_REFUSED,),
        timings_s=None,
    )


def _sampled(
    volume: CtVolume, group: tuple[Candidate, ...], /, *, engine: InferenceEngine, failures: list[CandidateFailure]
) -> Iterator[tuple[Candidate, Patch]]:
    for candidate in group:
        try:
            yield candidate, _patch(volume, candidate, engine=engine)
        except LungaiError as error:
            failures.append(_failure(candidate, error))


def _patch(volume: CtVolume, candidate: Candidate, /, *, engine: InferenceEngine) -> Patch:
    contract = engine.pack.contract.input
    patch = extract_patch(volume, candidate, contract=contract, kernel=engine.kernel)
    if _tissue_share(volume, candidate) < _TISSUE_SHARE:
        raise NoTissueError(
            "There is no tissue around the candidate.",
            where=f"candidate {candidate.candidate_id}",
            allowed=f"at least {_TISSUE_SHARE:.1%} above {_TISSUE_HU:g} HU within {_TISSUE_REACH_MM:g} mm",
            remedy="Check the candidate's position: it lies in air outside the body.",
        )
    return patch


def _tissue_share(volume: CtVolume, candidate: Candidate, /) -> float:
    center = volume.geometry.index_from_lps(candidate.center_lps_mm)
    box = []
    for index, spacing, size in zip(center, volume.geometry.spacing_zyx_mm, volume.geometry.shape_zyx, strict=True):
        first, last = (round(index + side * _TISSUE_REACH_MM / spacing) for side in (-1, 1))
        box.append(slice(max(0, first), min(size, last + 1), max(1, round(_TISSUE_STEP_MM / spacing))))
    stored = volume.stored[tuple(box)].astype(np.float32)
    return float(np.mean(stored * volume.rescale_slope + volume.rescale_intercept > _TISSUE_HU))


def _nodule(
    volume: CtVolume, candidate: Candidate, /, *, patch: Patch, answer: NetworkAnswer, engine: InferenceEngine
) -> NoduleResult:
    require_finite(answer, candidate_id=candidate.candidate_id)
    contract = engine.pack.contract
    voxels = _voxels(volume, candidate, patch=patch, answer=answer, engine=engine)
    mask = None if voxels is None else measure_mask(voxels, volume=volume)
    size = NoduleSize(
        network_mm=None if answer.diameter_mm is None else round(answer.diameter_mm, 3),
        sphere_mm=None if mask is None else round(sphere_diameter_mm(mask.volume_mm3), 3),
        long_axis_mm=None
        if mask is None or voxels is None
        else round(long_axis_mm(voxels, spacing_zyx_mm=volume.geometry.spacing_zyx_mm), 3),
    )
    uncertainty = _uncertainty(patch, answer, engine=engine)
    warnings = _warnings(voxels, size, outside_fraction=patch.outside_fraction)
    reasons = _review_reasons(uncertainty, warnings, engine=engine)
    slice_index = _slice_index(volume, candidate)
    probability = contract.calibration.probability(answer.malignancy_logit)
    return NoduleResult(
        candidate_id=candidate.candidate_id,
        center_lps_mm=candidate.center_lps_mm,
        slice_number=slice_index + 1,
        sop_instance_uid=volume.series.sop_instance_uids[min(slice_index, len(volume.series.sop_instance_uids) - 1)],
        malignancy_logit=round(answer.malignancy_logit, 6),
        malignancy_probability=round(probability, 6),
        calibration=contract.calibration.chosen.method,
        operating_point=contract.operating_point.probability,
        suspicious=probability >= contract.operating_point.probability,
        size=size,
        texture=None if answer.texture_logits is None else _texture(answer.texture_logits),
        mask=mask,
        uncertainty=uncertainty,
        explanation=None
        if answer.evidence is None or voxels is None
        else explanation_map(answer.evidence, patch=patch.geometry, nodule=voxels, volume=volume.geometry),
        outside_fraction=round(patch.outside_fraction, 6),
        warnings=warnings,
        review_required=bool(reasons),
        review_reasons=reasons,
    )


def _voxels(
    volume: CtVolume, candidate: Candidate, /, *, patch: Patch, answer: NetworkAnswer, engine: InferenceEngine
) -> NoduleVoxels | None:
    if answer.mask_logit is None:
        return None
    threshold = engine.pack.contract.mask_probability.probability
    return place_on_ct(
        answer.mask_logit,
        patch=patch.geometry,
        volume=volume.geometry,
        center_lps_mm=candidate.center_lps_mm,
        threshold_logit=_logit(threshold),
    )


def _texture(logits: NDArray[np.float32], /) -> TextureEstimate:
    # The greatest is taken off first: an exponential of a large logit would overflow.
    shares = np.exp(logits.astype(np.float64) - logits.max())
    found = int(shares.argmax())
    return TextureEstimate(texture=tuple(Texture)[found], probability=round(float(shares[found] / shares.sum()), 6))


def _logit(probability: float, /) -> float:
    if probability in (0.0, 1.0):
        return math.copysign(math.inf, probability - 0.5)
    return math.log(probability / (1 - probability))


def _uncertainty(patch: Patch, answer: NetworkAnswer, /, *, engine: InferenceEngine) -> Uncertainty | None:
    contract = engine.pack.contract
    head, rule = contract.head, contract.review
    if head is None or rule is None or head.dropout_rate <= 0 or answer.features is None:
        return None
    seed = sampling_seed(patch, model_sha256=engine.pack.sha256)
    return estimate_uncertainty(answer.features, head, calibration=contract.calibration, rule=rule, seed=seed)


def _warnings(
    voxels: NoduleVoxels | None, size: NoduleSize, /, *, outside_fraction: float
) -> tuple[NoduleWarning, ...]:
    found: list[NoduleWarning] = []
    if voxels is not None and size.sphere_mm is None:
        found.append(NoduleWarning.MASK_EMPTY)
    if voxels is not None and voxels.touches_border:
        found.append(NoduleWarning.MASK_TOUCHES_PATCH_BORDER)
    if outside_fraction > _OUTSIDE_LIMIT:
        found.append(NoduleWarning.PATCH_PARTLY_OUTSIDE_VOLUME)
    if size.sphere_mm is not None and size.network_mm is not None:
        limit_mm = max(_DIAMETER_DISAGREEMENT_MM, _DIAMETER_DISAGREEMENT_SHARE * size.sphere_mm)
        if abs(size.sphere_mm - size.network_mm) > limit_mm:
            found.append(NoduleWarning.DIAMETERS_DISAGREE)
    return tuple(found)


def _review_reasons(
    uncertainty: Uncertainty | None, warnings: tuple[NoduleWarning, ...], /, *, engine: InferenceEngine
) -> tuple[ReviewReason, ...]:
    reasons = {_NOT_AUTOMATIC[warning] for warning in warnings if warning in _NOT_AUTOMATIC}
    if not engine.pack.card.trained:
        reasons.add(ReviewReason.MODEL_NOT_TRAINED)
    if uncertainty is None:
        reasons.add(ReviewReason.UNCERTAINTY_NOT_AVAILABLE)
    elif (
        uncertainty.entropy_nats >= uncertainty.entropy_limit_nats
        or uncertainty.mutual_information_nats >= uncertainty.mutual_information_limit_nats
    ):
        reasons.add(ReviewReason.UNCERTAINTY_ABOVE_LIMIT)
    return _sorted(reasons)


def _slice_index(volume: CtVolume, candidate: Candidate, /) -> int:
    index = round(float(volume.geometry.index_from_lps(candidate.center_lps_mm)[0]))
    return min(max(index, 0), volume.geometry.shape_zyx[0] - 1)


def _failure(candidate: Candidate, error: LungaiError, /) -> CandidateFailure:
    return CandidateFailure(
        candidate_id=candidate.candidate_id, code=error.code, message=f"{error.what} {error.remedy}"
    )


def _in_order(candidates: CandidateList, failures: list[CandidateFailure], /) -> tuple[CandidateFailure, ...]:
    by_id = {failure.candidate_id: failure for failure in failures}
    return tuple(by_id[c.candidate_id] for c in candidates.candidates if c.candidate_id in by_id)


def _status(candidates: CandidateList, failures: list[CandidateFailure], /) -> CaseStatus:
    if not candidates.candidates:
        return CaseStatus.NO_CANDIDATES
    return CaseStatus.PARTIAL if failures else CaseStatus.COMPLETE


def _sorted(reasons: set[ReviewReason], /) -> tuple[ReviewReason, ...]:
    return tuple(reason for reason in ReviewReason if reason in reasons)
