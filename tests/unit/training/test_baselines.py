from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lungai_core.training.baselines import best_threshold, diameter_scores, feature_scores, nodule_features
from lungai_core.training.plan import Target


@pytest.mark.verifies("SRS-TRAIN-013")
def test_the_features_are_diameter_volume_and_values_inside_the_mask(samples):
    features = nodule_features(samples[1])
    assert features.shape == (10,)
    assert features[0] == samples[1].labels.diameter_mm
    assert features[1] == pytest.approx(np.pi / 6 * features[0] ** 3, rel=0.15)
    assert 0.5 < features[2] < 0.8
    assert (np.diff(features[5:]) >= 0).all()
    bare = dataclasses.replace(samples[1], mask=None, labels=samples[1].labels.model_copy(update={"diameter_mm": None}))
    assert (nodule_features(bare) == 0).all()


@pytest.mark.verifies("SRS-TRAIN-013")
def test_both_baselines_tell_large_from_small_nodules(samples):
    truth = np.asarray([bool(sample.labels.diagnosis) for sample in samples])
    assert diameter_scores(samples)[truth].min() > diameter_scores(samples)[~truth].max()
    scores = feature_scores(samples[:12], samples[12:], target=Target.DIAGNOSIS, seed=1)
    assert scores.shape == (4,)
    assert scores[truth[12:]].min() > 0.5 > scores[~truth[12:]].max()
    assert np.array_equal(scores, feature_scores(samples[:12], samples[12:], target=Target.DIAGNOSIS, seed=1))


@pytest.mark.verifies("SRS-TRAIN-013")
@pytest.mark.parametrize(
    ("scores", "truth", "accuracy"),
    [([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], 1.0), ([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1], 0.75), ([1.0, 1.0], [1, 1], 1.0)],
)
def test_the_best_threshold_has_the_highest_accuracy_that_a_threshold_can_have(scores, truth, accuracy):
    scores, truth = np.asarray(scores), np.asarray(truth, dtype=bool)
    assert np.mean((scores >= best_threshold(scores, truth)) == truth) == accuracy


@pytest.mark.verifies("SRS-TRAIN-013")
def test_where_nobody_is_positive_the_threshold_lies_above_all():
    assert best_threshold(np.asarray([0.2, 0.4]), np.asarray([False, False])) > 0.4
