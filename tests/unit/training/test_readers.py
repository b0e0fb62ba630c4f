from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from lungai_core.domain.geometry import Geometry
from lungai_core.domain.volume import CtVolume
from lungai_core.errors import DataSetError
from lungai_core.training.figures import render_figures
from lungai_core.training.lidc import load_lidc_context, load_lidc_nodules
from lungai_core.training.predictions import Prediction, read_predictions
from lungai_core.training.readers import beside_readers, find_twins
from lungai_core.training.samples import NoduleLabels, NoduleSample
from support.predictions import made_predictions
from support.volumes import series_of


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
    volume = CtVolume(stored=hu, rescale_slope=1.0, rescale_intercept=0.0, geometry=geometry, series=series_of())
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


def by_name(figures, label=""):
    return {(f.data_set, f.who, f.name): f for f in figures if label in f.label}


@pytest.mark.verifies("SRS-TRAIN-020")
def test_reader_and_network_are_judged_by_the_other_readings_alone():
    values = body(0)
    low = cut(values, data_set="a", patient="P1", readings=(1, 1, 2))
    high = cut(values, data_set="a", patient="P2", readings=(5, 4, 2))
    alone = cut(values, data_set="a", patient="P3", readings=(5,))
    rows = [
        predicted(low, -1.0, diameter_score=9.0),
        predicted(high, 1.0, diameter_score=5.0),
        predicted(alone, -9.0),
    ]
    figures = beside_readers(rows, [low, high, alone], seed=0)
    found = by_name(figures, "5 readings that decide")
    # 1, 1 and 2 are judged by the two others (below); of 5, 4 and 2 the 5 has no truth, since 4 and 2 lie on 3; the 4
    # and the 2 are judged by 5 and 2, and by 5 and 4 (above). So the reader is wrong once, in the last.
    assert found["a", "one reader", "accuracy"].value == pytest.approx(4 / 5)
    # Pairs (1, 4), (1, 4), (2, 4), (1, 2), (1, 2) are in order, (2, 2) is a tie.
    assert found["a", "one reader", "AUC"].value == pytest.approx(5.5 / 6)
    assert found["a", "network", "accuracy"].value == found["a", "network", "AUC"].value == pytest.approx(1.0)
    assert found["a", "network minus one reader", "accuracy difference"].value == pytest.approx(1 / 5)
    assert found["a", "network minus one reader", "AUC difference"].value == pytest.approx(0.5 / 6)
    assert found["a", "diameter alone", "AUC"].value == pytest.approx(0.0)
    assert found["a", "network minus diameter alone", "AUC difference"].value == pytest.approx(1.0)
    assert all((f.n, f.patients) == (2, 2) for f in figures)


@pytest.mark.verifies("SRS-TRAIN-020")
def test_a_reading_in_the_middle_decides_nothing():
    values = body(0)
    low = cut(values, data_set="a", patient="P1", readings=(3, 1, 1))
    high = cut(values, data_set="a", patient="P2", readings=(3, 5, 5))
    rows = [predicted(low, 1.0, diameter_score=None), predicted(high, 1.0)]
    figures = beside_readers(rows, [low, high], seed=0)
    assert by_name(figures)["a", "one reader", "share of readings that decide"].value == pytest.approx(4 / 6)
    assert by_name(figures, "4 readings that decide")["a", "one reader", "accuracy"].value == pytest.approx(1.0)
    assert by_name(figures, "4 readings that decide")["a", "network", "accuracy"].value == pytest.approx(0.5)
    assert not [f for f in figures if "diameter" in f.who]


@pytest.mark.verifies("SRS-TRAIN-020")
def test_what_the_readings_do_not_allow_is_left_out():
    values = body(0)
    repeated = cut(values, data_set="a", patient="P1", readings=(5, 5, 1, 5, 5, 1))
    neutral = cut(values, data_set="a", patient="P2", readings=(3, 3))
    agreed = cut(values, data_set="a", patient="P3", readings=(3, 5))
    rows = [predicted(sample, 0.0) for sample in (repeated, neutral, agreed)]
    # Six readings of four readers hold some twice; two of 3 have no truth; of 3 and 5 the 3 alone has one.
    assert beside_readers(rows[:2], [repeated, neutral], seed=0) == ()
    (only,) = beside_readers(rows, [repeated, neutral, agreed], seed=0)
    assert (only.name, only.value, only.n) == ("share of readings that decide", 0.0, 1)
    assert len(beside_readers(rows[:1], [repeated], seed=0, readers=6)) > 1
    with pytest.raises(DataSetError, match="that the data do not hold") as caught:
        beside_readers(rows, [repeated], seed=0)
    assert caught.value.where == "2 of 3 predictions"


@pytest.mark.verifies("SRS-TRAIN-020")
@pytest.mark.parametrize("shift_zyx", [(0.0, 0.0, 0.0), (3.0, -2.0, 5.0), (0.5, -1.25, 2.5)])
@pytest.mark.parametrize("turned", [False, True])
def test_a_nodule_cut_twice_is_found_and_its_masks_are_compared_where_they_lie(shift_zyx, turned):
    values = body(1)
    first = cut(values, data_set="a", patient="P1", edge=36)
    second = cut(values, data_set="b", patient="P1", shift_zyx=shift_zyx)
    smaller = cut(values, data_set="b", patient="P1", number=2, shift_zyx=shift_zyx, radius=3.0)
    order = -1 if turned else 1
    (same,) = find_twins([first, second][::order])
    (inner,) = find_twins([first, smaller][::order])
    assert (same.first, same.second) == (first, second)[::order]
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
    assert find_twins([first, cut(np.full((80, 80, 80), -800.0), data_set="b", patient="P1")]) == ()
    assert find_twins([first, replace(first, data_set="b", sample_id="b", mask=None)]) == ()


@pytest.mark.verifies("SRS-TRAIN-020")
def test_a_neighbour_in_the_same_ct_is_no_twin():
    first = cut(body(1), data_set="a", patient="P1", edge=36)
    second = cut(body(1), data_set="b", patient="P1")
    elsewhere = np.roll(second.mask, 12, axis=2)
    assert find_twins([first, replace(second, mask=elsewhere)]) == ()
    x, y, z = second.center_lps_mm
    assert find_twins([first, replace(second, mask=elsewhere, center_lps_mm=(x + 8, y, z))]) == ()


@pytest.mark.verifies("SRS-TRAIN-020")
def test_a_nodule_at_the_edge_of_its_ct_is_compared_as_far_as_there_is_ct():
    values = body(1)
    whole = cut(values, data_set="b", patient="P1")
    first = cut(values, data_set="a", patient="P1", edge=36)
    half = replace(
        first,
        volume=replace(
            first.volume,
            stored=first.volume.stored[18:].copy(),
            geometry=Geometry((18, 36, 36), (1.0, 1.0, 1.0), (0.0, 0.0, 18.0)),
        ),
        mask=first.mask[18:].copy(),
        center_lps_mm=(18.0, 18.0, 17.6),
    )
    (twin,) = find_twins([half, whole])
    assert 0.5 < twin.dice < 0.9


@pytest.mark.verifies("SRS-TRAIN-020")
def test_twins_are_one_to_one_and_both_sides_have_their_figures():
    values = body(1)
    near = values + np.random.default_rng(5).normal(0, 60, values.shape)
    first = cut(values, data_set="a", patient="P1", edge=36)
    blurred = cut(near, data_set="a", patient="P1", number=2, edge=36, radius=2.0)
    second = cut(values, data_set="b", patient="P1")
    samples = [blurred, first, second]
    assert [(twin.first, twin.second) for twin in find_twins(samples)] == [(first, second)]
    rows = [predicted(first, 0.0, dice=0.7), predicted(blurred, 0.0, dice=0.1), predicted(second, 0.0, dice=0.4)]
    found = by_name(beside_readers(rows, samples, seed=0), "mask")
    for data_set, dice in (("a", 0.7), ("b", 0.4)):
        assert found[data_set, "another annotation", "Dice"].value == pytest.approx(1.0)
        assert found[data_set, "network", "Dice"].value == pytest.approx(dice)
        assert found[data_set, "network minus another annotation", "Dice difference"].value == pytest.approx(dice - 1)
    assert all(figure.n == 1 for figure in found.values())


@pytest.mark.verifies("SRS-TRAIN-020")
def test_the_published_table_follows_from_data_and_predictions(shared_data, repository):
    folder = repository / "verification/model/lungai-small"
    samples = [*load_lidc_nodules(shared_data / "lidc_nodules"), *load_lidc_context(shared_data / "lidc_context")]
    figures = beside_readers(read_predictions(folder / "predictions.csv"), samples, seed=0)
    assert render_figures(figures) == (folder / "readers.md").read_text(encoding="utf-8")


@pytest.mark.verifies("SRS-TRAIN-020")
def test_the_twins_are_those_that_the_data_set_names(shared_data):
    with (shared_data / "lidc_context" / "labels.csv").open(encoding="utf-8", newline="") as stream:
        named = {row["id"]: row["match_id"] for row in csv.DictReader(stream) if row["confident"] == "1"}
    samples = [*load_lidc_context(shared_data / "lidc_context"), *load_lidc_nodules(shared_data / "lidc_nodules")]
    assert {twin.first.sample_id: twin.second.sample_id for twin in find_twins(samples)} == named
