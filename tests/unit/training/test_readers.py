from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtSeries, CtVolume
from lungai_core.training.figures import render_figures
from lungai_core.training.lidc import load_lidc_context, load_lidc_nodules
from lungai_core.training.predictions import Prediction, read_predictions
from lungai_core.training.readers import beside_readers, find_twins
from lungai_core.training.samples import NoduleLabels, NoduleSample
from support.predictions import made_predictions

CT = CtSeries(
    study_instance_uid="",
    series_instance_uid="",
    frame_of_reference_uid="",
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    sop_instance_uids=(),
)


def body(seed):
    """Make 80 mm of lung with tissue in it, and a ball of 8 mm in the middle."""
    random = np.random.default_rng(seed)
    texture = gaussian_filter(random.normal(0, 1, (80, 80, 80)), 2)
    values = -800 + 1500 * texture / np.abs(texture).max()
    z, y, x = np.indices(values.shape) - 40
    return np.where(z**2 + y**2 + x**2 <= 16, 50.0, values)


def cut(values, *, data_set, patient, number=1, edge=50, shift_zyx=(0.0, 0.0, 0.0), radius=4.0, readings=()):
    """Cut a cube with its own origin, whose voxel centres lie ``shift_zyx`` beside those of the body."""
    low = 40 - edge // 2
    at = np.indices((edge,) * 3).reshape(3, -1) + low + np.asarray(shift_zyx)[:, None]
    hu = np.rint(map_coordinates(values, at, order=1, mode="nearest")).reshape((edge,) * 3).astype(np.int16)
    centre = 40 - low - np.asarray(shift_zyx)
    inside = ((np.indices((edge,) * 3) - centre[:, None, None, None]) ** 2).sum(axis=0) <= radius**2
    geometry = Geometry(shape_zyx=hu.shape, spacing_zyx_mm=(1.0, 1.0, 1.0), origin_lps_mm=(0.0, 0.0, 0.0))
    volume = CtVolume(stored=hu, rescale_slope=1.0, rescale_intercept=0.0, geometry=geometry, series=CT)
    return NoduleSample(
        data_set=data_set,
        sample_id=f"{data_set}-{patient}-{number}",
        patient_id=patient,
        volume=volume,
        center_lps_mm=tuple(volume.geometry.lps_from_index(np.rint(centre)).tolist()),
        mask=inside,
        labels=NoduleLabels(readings=readings),
        fold=0,
    )


def predicted(sample, logit, **changes):
    (row,) = made_predictions(1, data_set=sample.data_set, sample_id=sample.sample_id, patient_id=sample.patient_id)
    probability = float(1 / (1 + np.exp(-logit)))
    return Prediction.model_validate(
        row.model_dump() | {"logit": logit, "probability_as_mean_rating": probability, **changes}
    )


@pytest.mark.verifies("SRS-TRAIN-020")
def test_reader_and_network_are_judged_by_the_other_readings_alone():
    values = body(0)
    # Others of each reading: (1, 1) (1, 1) (1, 1) | (5, 4) (5, 2) (4, 2: on 3, no truth) (5: 4, 2; 4: 5, 2; 2: 5, 4)
    low = cut(values, data_set="a", patient="P1", readings=(1, 1, 1))
    high = cut(values, data_set="a", patient="P2", readings=(5, 4, 2))
    alone = cut(values, data_set="a", patient="P3", readings=(5,))
    rows = [predicted(low, -1.0), predicted(high, 1.0), predicted(alone, -9.0)]
    figures = {(f.who, f.name): f for f in beside_readers(rows, [low, high, alone], seed=0)}
    # 5 is judged by 4 and 2 (no truth), 4 by 5 and 2 (above), 2 by 5 and 4 (above); the three 1 by 1 and 1 (below).
    assert figures["one reader", "accuracy"].value == pytest.approx(4 / 5)
    assert figures["one reader", "AUC"].value == pytest.approx(1.0)
    assert figures["network", "accuracy"].value == figures["network", "AUC"].value == pytest.approx(1.0)
    assert figures["network minus one reader", "AUC difference"].value == pytest.approx(0.0)
    assert all((f.n, f.patients) == (2, 2) for f in figures.values())


@pytest.mark.verifies("SRS-TRAIN-020")
def test_a_reading_in_the_middle_is_half_right_and_one_class_gives_no_figure():
    values = body(0)
    low = cut(values, data_set="a", patient="P1", readings=(3, 1))
    high = cut(values, data_set="a", patient="P2", readings=(3, 5))
    rows = [predicted(low, 1.0), predicted(high, 1.0)]
    figures = {(f.who, f.name): f.value for f in beside_readers(rows, [low, high], seed=0)}
    # 1 and 5 are judged by a 3 alone, which is no truth; what is left is the two readings of 3.
    assert figures["one reader", "accuracy"] == pytest.approx(0.5)
    assert figures["one reader", "AUC"] == pytest.approx(0.5)
    assert figures["network", "accuracy"] == pytest.approx(0.5)
    assert beside_readers(rows[:1], [low], seed=0) == ()
    assert beside_readers(rows, [], seed=0) == ()


@pytest.mark.verifies("SRS-TRAIN-020")
@pytest.mark.parametrize("shift_zyx", [(0.0, 0.0, 0.0), (3.0, -2.0, 5.0), (0.5, -1.25, 2.5)])
def test_a_nodule_cut_twice_is_found_and_its_masks_are_compared_where_they_lie(shift_zyx):
    values = body(1)
    first = cut(values, data_set="a", patient="P1", edge=36)
    second = cut(values, data_set="b", patient="P1", shift_zyx=shift_zyx)
    smaller = cut(values, data_set="b", patient="P1", number=2, shift_zyx=shift_zyx, radius=3.0)
    (same,) = find_twins([first, second])
    (inner,) = find_twins([first, smaller])
    assert (same.first, same.second) == (first, second)
    assert same.correlation > 0.95
    assert same.dice > 0.9
    # Balls of 3 and 4 mm: 2 * 123 / (123 + 257) voxels.
    assert inner.dice == pytest.approx(2 * 123 / (123 + 257), abs=0.04)


@pytest.mark.verifies("SRS-TRAIN-020")
def test_another_nodule_another_patient_and_the_own_data_set_are_no_twins():
    first = cut(body(1), data_set="a", patient="P1", edge=36)
    assert find_twins([first, cut(body(2), data_set="b", patient="P1")]) == ()
    assert find_twins([first, cut(body(1), data_set="b", patient="P2")]) == ()
    assert find_twins([first, cut(body(1), data_set="a", patient="P1", number=2)]) == ()
    flat = cut(np.full((80, 80, 80), -800.0), data_set="b", patient="P1")
    assert find_twins([first, flat]) == ()


@pytest.mark.verifies("SRS-TRAIN-020")
def test_of_several_places_the_most_alike_is_taken_and_dice_stands_beside_the_networks():
    values = body(1)
    near = values + np.random.default_rng(5).normal(0, 60, values.shape)
    first = cut(values, data_set="a", patient="P1", edge=36)
    blurred = cut(near, data_set="a", patient="P1", number=2, edge=36, radius=2.0)
    second = cut(values, data_set="b", patient="P1")
    rows = [predicted(first, 0.0, dice=0.7), predicted(blurred, 0.0, dice=0.1)]
    figures = {(f.who, f.name): f for f in beside_readers(rows, [blurred, first, second], seed=0)}
    assert figures["network", "Dice"].value == pytest.approx(0.7)
    assert figures["another annotation", "Dice"].value == pytest.approx(1.0)
    assert figures["another annotation", "Dice"].n == 1


@pytest.mark.verifies("SRS-TRAIN-020")
def test_the_published_table_follows_from_data_and_predictions(shared_data, repository):
    folder = repository / "verification/model/lungai-small"
    samples = [*load_lidc_nodules(shared_data / "lidc_nodules"), *load_lidc_context(shared_data / "lidc_context")]
    figures = beside_readers(read_predictions(folder / "predictions.csv"), samples, seed=0)
    assert render_figures(figures) == (folder / "readers.md").read_text(encoding="utf-8")
