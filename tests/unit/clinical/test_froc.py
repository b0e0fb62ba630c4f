from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from lungai_core.clinical.froc import (
    Detections,
    TrueNodules,
    competition_metric,
    competition_metric_interval,
    froc_curve,
    limit_marks,
    match_detections,
)
from lungai_core.errors import NotEstimableError, StudyDataError

TOPICS = ("froc",)


@pytest.mark.verifies("SRS-CLIN-006")
def test_every_reference_case_is_met_within_its_tolerance(misses):
    assert misses == []


def _rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _places(rows):
    return np.array([[float(row[f"coord{axis}"]) for axis in "XYZ"] for row in rows])


@pytest.fixture(scope="module")
def luna16(shared_data):
    folder = shared_data / "luna16"
    wanted, excluded = _rows(folder / "annotations_subset.csv"), _rows(folder / "annotations_excluded_subset.csv")
    marks = _rows(folder / "dpn26bs32_subset.csv")
    both = wanted + excluded
    nodules = TrueNodules(
        scan_ids=tuple(row["seriesuid"] for row in both),
        positions_lps_mm=_places(both),
        diameters_mm=np.array([float(row["diameter_mm"]) for row in both]),
        excluded=np.r_[np.zeros(len(wanted), dtype=bool), np.ones(len(excluded), dtype=bool)],
    )
    detections = Detections(
        scan_ids=tuple(row["seriesuid"] for row in marks),
        positions_lps_mm=_places(marks),
        scores=np.array([float(row["probability"]) for row in marks]),
    )
    scans = [line for line in (folder / "seriesuids_subset.csv").read_text().split() if line]
    return detections, nodules, scans


@pytest.mark.verifies("SRS-CLIN-006")
def test_a_real_detector_has_the_official_luna16_score(luna16, shared_data):
    detections, nodules, scans = luna16
    data = match_detections(limit_marks(detections, per_scan=100), nodules, scan_ids=scans)
    official = shared_data / "luna16" / "official_eval"
    expected = json.loads((official / "cpm.json").read_text())
    result = competition_metric(froc_curve(data))
    assert result.cpm == pytest.approx(expected["cpm"], abs=1e-6)
    assert result.sensitivities == pytest.approx(expected["sensitivity"], abs=1e-6)
    # True positives, false positives, marks on excluded findings and double marks, as CADAnalysis.txt prints them.
    counts = (
        int(np.isfinite(data.hit_scores).sum()),
        data.false_scores.size,
        data.ignored_on_excluded,
        data.ignored_double,
    )
    assert counts == (173, 4712, 649, 28)


@pytest.mark.verifies("SRS-CLIN-006")
def test_every_point_of_the_official_curve_lies_on_ours(luna16, shared_data):
    detections, nodules, scans = luna16
    data = match_detections(limit_marks(detections, per_scan=100), nodules, scan_ids=scans)
    curve = froc_curve(data)
    ours = {
        (round(float(x), 6), round(float(y), 6))
        for x, y in zip(curve.false_positives_per_scan, curve.sensitivity, strict=True)
    }
    path = shared_data / "luna16" / "official_eval" / "froc_dpn26bs32_subset.txt"
    lines = [line.split(",") for line in path.read_text().split()]
    official = {(round(float(x), 6), round(float(y), 6)) for x, y, _ in lines}
    assert official - ours == set()


@pytest.mark.verifies("SRS-CLIN-006")
def test_the_curve_ends_at_the_lowest_threshold():
    marks = Detections(
        scan_ids=("a", "a", "b"),
        positions_lps_mm=np.array([[0.0, 0, 0], [50, 0, 0], [0, 0, 0]]),
        scores=np.array([0.5] * 3),
    )
    nodules = TrueNodules(
        scan_ids=("a", "b"),
        positions_lps_mm=np.zeros((2, 3)),
        diameters_mm=np.full(2, 8.0),
        excluded=np.zeros(2, dtype=bool),
    )
    curve = froc_curve(match_detections(marks, nodules, scan_ids=["a", "b"]))
    assert (curve.false_positives_per_scan[-1], curve.sensitivity[-1]) == (0.5, 1.0)


@pytest.mark.verifies("SRS-CLIN-006")
def test_a_mark_at_the_radius_is_no_hit():
    nodule = TrueNodules(
        scan_ids=("a",),
        positions_lps_mm=np.zeros((1, 3)),
        diameters_mm=np.array([8.0]),
        excluded=np.zeros(1, dtype=bool),
    )
    mark = Detections(scan_ids=("a",), positions_lps_mm=np.array([[4.0, 0, 0]]), scores=np.ones(1))
    data = match_detections(mark, nodule, scan_ids=["a"])
    assert data.false_scores.size == 1
    assert np.isneginf(data.hit_scores[0])


@pytest.mark.verifies("SRS-CLIN-006")
def test_scans_that_do_not_fit_are_refused(luna16):
    detections, nodules, scans = luna16
    with pytest.raises(StudyDataError, match="listed twice"):
        match_detections(detections, nodules, scan_ids=[*scans, scans[0]])
    with pytest.raises(StudyDataError, match="not in the list"):
        match_detections(detections, nodules, scan_ids=scans[:-1])


@pytest.mark.verifies("SRS-CLIN-006")
def test_points_that_cannot_be_used_are_refused():
    with pytest.raises(StudyDataError, match="different lengths"):
        Detections(scan_ids=("a",), positions_lps_mm=np.zeros((2, 3)), scores=np.zeros(2))
    with pytest.raises(StudyDataError, match="finite"):
        Detections(scan_ids=("a",), positions_lps_mm=np.full((1, 3), np.nan), scores=np.zeros(1))


@pytest.mark.verifies("SRS-CLIN-006")
def test_no_nodule_gives_no_sensitivity():
    nothing = TrueNodules(
        scan_ids=(), positions_lps_mm=np.zeros((0, 3)), diameters_mm=np.zeros(0), excluded=np.zeros(0, dtype=bool)
    )
    marks = Detections(scan_ids=("a",), positions_lps_mm=np.zeros((1, 3)), scores=np.ones(1))
    with pytest.raises(NotEstimableError, match="needs a nodule"):
        froc_curve(match_detections(marks, nothing, scan_ids=["a"]))


@pytest.mark.verifies("SRS-CLIN-006")
def test_the_bootstrap_over_scans_holds_the_estimate_and_repeats(reference):
    data = reference.detection_data(reference.load("froc")[0]["inputs"])
    first, again = (competition_metric_interval(data, seed=4, replicates=200) for _ in range(2))
    assert first == again
    assert first.lower < first.estimate < first.upper
