"""Free-response ROC of a detector: the LUNA16 rules of hit and miss, the curve with both its ends, and the CPM."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.clinical._checks import bad_data, check_confidence, not_estimable
from lungai_core.clinical.clustered import cluster_bootstrap
from lungai_core.clinical.results import Interval
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "LUNA16_RATES",
    "CpmResult",
    "Detections",
    "FrocCurve",
    "FrocData",
    "Interpolation",
    "TrueNodules",
    "competition_metric",
    "competition_metric_interval",
    "froc_curve",
    "limit_marks",
    "match_detections",
]

LUNA16_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_UNKNOWN_DIAMETER_MM = 10.0


class Interpolation(StrEnum):
    """How sensitivity is read off the curve between its corners.

    :implements: SRS-CLIN-006, SDS-CLIN-006
    """

    LINEAR = "linear (official LUNA16 evaluation)"
    STEP = "step (the operating point that is reached)"


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """A detector's marks.

    :implements: SRS-CLIN-006, SDS-CLIN-006

    Parameters
    ----------
    scan_ids
        The scan of each mark.
    positions_lps_mm
        ``(n, 3)`` float64.
    scores
        ``(n,)`` float64, higher is more certain.
    """

    scan_ids: tuple[str, ...]
    positions_lps_mm: NDArray[np.float64]
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        _check_points(self.scan_ids, self.positions_lps_mm, self.scores, "marks")


@dataclass(frozen=True, slots=True, eq=False)
class TrueNodules:
    """The reference standard: nodules to find, and findings that count neither way.

    :implements: SRS-CLIN-006, SDS-CLIN-006

    Parameters
    ----------
    scan_ids
        The scan of each nodule.
    positions_lps_mm
        ``(n, 3)`` float64 centres.
    diameters_mm
        ``(n,)`` float64; a negative value means unknown and counts as 10 mm, as in the official LUNA16 evaluation.
    excluded
        ``(n,)`` bool: a mark on such a finding is neither hit nor false positive.
    """

    scan_ids: tuple[str, ...]
    positions_lps_mm: NDArray[np.float64]
    diameters_mm: NDArray[np.float64]
    excluded: NDArray[np.bool_]

    def __post_init__(self) -> None:
        _check_points(self.scan_ids, self.positions_lps_mm, self.diameters_mm, "nodules")


@dataclass(frozen=True, slots=True, eq=False)
class FrocData:
    """Marks and nodules after matching.

    :implements: SRS-CLIN-006, SDS-CLIN-006

    Parameters
    ----------
    hit_scores
        ``(nodules,)`` highest score of a mark on each nodule, minus infinity where it was missed.
    hit_scans, false_scans
        Index of the scan of each nodule and of each false positive.
    false_scores
        ``(false positives,)`` scores.
    n_scans
        Number of scans, those without marks and nodules included.
    ignored_on_excluded, ignored_double
        Marks on excluded findings, and further marks on a nodule that is hit already.
    """

    hit_scores: NDArray[np.float64]
    hit_scans: NDArray[np.intp]
    false_scores: NDArray[np.float64]
    false_scans: NDArray[np.intp]
    n_scans: int
    ignored_on_excluded: int
    ignored_double: int


@dataclass(frozen=True, slots=True, eq=False)
class FrocCurve:
    """Operating points from the highest threshold to the lowest, starting at (0, 0).

    :implements: SRS-CLIN-006, SDS-CLIN-006

    Parameters
    ----------
    false_positives_per_scan, sensitivity
        Non-decreasing, float64.
    thresholds
        A mark counts at or above the threshold; the first is infinity.
    """

    false_positives_per_scan: NDArray[np.float64]
    sensitivity: NDArray[np.float64]
    thresholds: NDArray[np.float64]


class CpmResult(FrozenModel):
    """The competition performance metric and the sensitivities it is the mean of.

    :implements: SRS-CLIN-006, SDS-CLIN-006
    """

    rates: tuple[float, ...]
    sensitivities: tuple[float, ...]
    cpm: float
    interpolation: Interpolation


def match_detections(marks: Detections, nodules: TrueNodules, /, *, scan_ids: Sequence[str]) -> FrocData:
    """Decide which marks hit which nodules.

    :implements: SRS-CLIN-006, SDS-CLIN-006

    A mark hits a nodule when their distance is less than the nodule's radius; of several marks on one nodule the
    highest score counts; a mark on any nodule or excluded finding is never a false positive.
    Source: Setio AAA et al., Med Image Anal 2017;42:1-13, and its evaluation script (noduleCADEvaluationLUNA16).

    Parameters
    ----------
    marks, nodules
        Of the scans in ``scan_ids``; those of other scans are refused.
    scan_ids
        Every scan that was read, once.
    """
    index = {scan: number for number, scan in enumerate(scan_ids)}
    if len(index) != len(scan_ids):
        raise bad_data("A scan is listed twice.", where="scan_ids", allowed="each scan once")
    mark_scans = _scan_numbers(marks.scan_ids, index, "marks")
    nodule_scans = _scan_numbers(nodules.scan_ids, index, "nodules")
    radii = np.where(nodules.diameters_mm < 0, _UNKNOWN_DIAMETER_MM, nodules.diameters_mm) / 2
    order = np.argsort(mark_scans, kind="stable")
    starts = np.searchsorted(mark_scans[order], np.arange(len(scan_ids) + 1))
    hit_scores = np.full(nodule_scans.size, -np.inf)
    on_nodule = np.zeros(mark_scans.size, dtype=np.bool_)
    on_excluded = np.zeros(mark_scans.size, dtype=np.bool_)
    double = 0
    for number, (scan, centre, radius) in enumerate(zip(nodule_scans, nodules.positions_lps_mm, radii, strict=True)):
        of_scan = order[starts[scan] : starts[scan + 1]]
        squared = np.sum((marks.positions_lps_mm[of_scan] - centre) ** 2, axis=1)
        near = of_scan[squared < radius**2]
        if nodules.excluded[number]:
            on_excluded[near] = True
        elif near.size:
            on_nodule[near] = True
            hit_scores[number] = marks.scores[near].max()
            double += near.size - 1
    wanted = ~nodules.excluded
    free = ~(on_nodule | on_excluded)
    return FrocData(
        hit_scores=hit_scores[wanted],
        hit_scans=nodule_scans[wanted],
        false_scores=marks.scores[free],
        false_scans=mark_scans[free],
        n_scans=len(scan_ids),
        ignored_on_excluded=int(np.count_nonzero(on_excluded & ~on_nodule)),
        ignored_double=double,
    )


def limit_marks(marks: Detections, /, *, per_scan: int) -> Detections:
    """Keep the highest marks of each scan, as the official LUNA16 evaluation does with 100 marks a scan.

    :implements: SRS-CLIN-006, SDS-CLIN-006

    A scan with more marks keeps those with a score above that of its mark number ``per_scan`` + 1, so that ties at the
    limit fall together; a scan with fewer keeps all.

    Parameters
    ----------
    marks
        All marks.
    per_scan
        The limit, 1 or more.
    """
    names = np.asarray(marks.scan_ids, dtype=np.str_)
    keep = np.ones(marks.scores.size, dtype=np.bool_)
    scans, counts = np.unique(names, return_counts=True)
    for scan in scans[counts > per_scan]:
        of_scan = np.flatnonzero(names == scan)
        limit = np.sort(marks.scores[of_scan])[::-1][per_scan]
        keep[of_scan] = marks.scores[of_scan] > limit
    return Detections(
        scan_ids=tuple(str(name) for name in names[keep]),
        positions_lps_mm=marks.positions_lps_mm[keep],
        scores=marks.scores[keep],
    )


def froc_curve(data: FrocData, /) -> FrocCurve:
    """Compute every operating point, the one at the lowest threshold included.

    :implements: SRS-CLIN-006, SDS-CLIN-006

    Source: Chakraborty DP, Med Phys 1989;16:561. MONAI 1.6.1 drops the last point; this does not.

    Parameters
    ----------
    data
        Result of :func:`match_detections`; at least one nodule.
    """
    if data.hit_scores.size == 0:
        raise not_estimable(
            "A sensitivity needs a nodule.", where="nodules", allowed="at least one that is not excluded"
        )
    hits = np.sort(data.hit_scores[np.isfinite(data.hit_scores)])
    false = np.sort(data.false_scores)
    thresholds = np.unique(np.concatenate((hits, false)))[::-1]
    found = hits.size - np.searchsorted(hits, thresholds, side="left")
    wrong = false.size - np.searchsorted(false, thresholds, side="left")
    return FrocCurve(
        false_positives_per_scan=np.concatenate(([0.0], wrong / data.n_scans)),
        sensitivity=np.concatenate(([0.0], found / data.hit_scores.size)),
        thresholds=np.concatenate(([np.inf], thresholds)),
    )


def competition_metric(
    curve: FrocCurve, /, *, rates: Sequence[float] = LUNA16_RATES, interpolation: Interpolation = Interpolation.LINEAR
) -> CpmResult:
    """Compute the mean sensitivity at fixed false-positive rates.

    :implements: SRS-CLIN-006, SDS-CLIN-006

    Source: Niemeijer M et al., IEEE Trans Med Imaging 2011;30:215 (CPM); seven rates of LUNA16 (Setio 2017).

    Parameters
    ----------
    curve
        Result of :func:`froc_curve`.
    rates
        False positives a scan.
    interpolation
        How to read between corners. Beyond the last corner the sensitivity of the last corner holds.
    """
    wanted = np.asarray(rates, dtype=np.float64)
    x, y = curve.false_positives_per_scan, curve.sensitivity
    reached = y[np.searchsorted(x, wanted, side="right") - 1]
    values = reached if interpolation is Interpolation.STEP else np.interp(wanted, x, y)
    return CpmResult(
        rates=tuple(float(rate) for rate in wanted),
        sensitivities=tuple(float(value) for value in values),
        cpm=float(values.mean()),
        interpolation=interpolation,
    )


def competition_metric_interval(
    data: FrocData, /, *, seed: int, replicates: int = 1000, confidence: float = 0.95
) -> Interval:
    """Compute a percentile bootstrap interval of the CPM, scans drawn with replacement.

    :implements: SRS-CLIN-006, SDS-CLIN-006

    Source: Setio 2017 (bootstrap over scans); the linear reading of the official evaluation.

    Parameters
    ----------
    data
        Result of :func:`match_detections`.
    seed
        Seed of the generator.
    replicates
        Number of samples.
    confidence
        Two-sided nominal coverage.
    """
    weights = cluster_bootstrap(data.n_scans, replicates=replicates, seed=seed)
    thresholds = np.unique(np.concatenate((data.hit_scores[np.isfinite(data.hit_scores)], data.false_scores)))[::-1]
    # Each score's place among the falling thresholds: a cumulative sum of weights is then a whole curve.
    hit_place = np.searchsorted(-thresholds, -data.hit_scores, side="left")
    false_place = np.searchsorted(-thresholds, -data.false_scores, side="left")
    values = []
    for row in weights:
        hits = np.bincount(hit_place, weights=row[data.hit_scans], minlength=thresholds.size + 1)
        false = np.bincount(false_place, weights=row[data.false_scans], minlength=thresholds.size + 1)
        total = hits.sum()
        if total > 0:
            sensitivity = np.concatenate(([0.0], np.cumsum(hits[:-1]) / total))
            rate = np.concatenate(([0.0], np.cumsum(false[:-1]) / data.n_scans))
            values.append(float(np.interp(LUNA16_RATES, rate, sensitivity).mean()))
    tail = (1 - check_confidence(confidence)) / 2
    lower, upper = np.quantile(np.asarray(values), (tail, 1 - tail))
    return Interval(
        estimate=competition_metric(froc_curve(data)).cpm,
        lower=float(lower),
        upper=float(upper),
        confidence=confidence,
        method=f"percentile bootstrap over scans, {replicates} replicates",
    )


def _scan_numbers(scans: tuple[str, ...], index: dict[str, int], name: str) -> NDArray[np.intp]:
    unknown = set(scans) - set(index)
    if unknown:
        raise bad_data(
            f"{len(unknown)} scans of the {name} are not in the list of scans.",
            where=name,
            allowed="scans of the list; add those without nodules too",
        )
    return np.asarray([index[scan] for scan in scans], dtype=np.intp)


def _check_points(
    scans: tuple[str, ...], positions: NDArray[np.float64], values: NDArray[np.float64], name: str
) -> None:
    n = len(scans)
    if positions.shape != (n, 3) or values.shape != (n,):
        raise bad_data("Scans, positions and values have different lengths.", where=name, allowed="one of each a row")
    if not (np.isfinite(positions).all() and np.isfinite(values).all()):
        raise bad_data("A position or value is not a finite number.", where=name, allowed="finite numbers")
