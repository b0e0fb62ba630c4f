from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from lungai_core.training.loop import new_trainee
from lungai_core.training.predictions import FoldChoices, choose, predict_fold, predictions_csv


@pytest.fixture(scope="module")
def predicted(plan, samples):
    return predict_fold(new_trainee(plan), samples, plan=plan, fold=2, folds=4)


@pytest.mark.verifies("SRS-TRAIN-013")
def test_exactly_the_nodules_of_the_fold_are_predicted_with_their_labels(predicted, samples):
    _, rows = predicted
    own = [sample for sample in samples if sample.fold == 2]
    assert [row.sample_id for row in rows] == [sample.sample_id for sample in own]
    assert [row.diagnosis for row in rows] == [sample.labels.diagnosis for sample in own]
    assert all(row.fold == 2 and row.data_set == "lidc_nodules" and 0 <= row.dice <= 1 for row in rows)


@pytest.mark.verifies("SRS-TRAIN-013")
def test_decisions_follow_from_scores_and_the_chosen_thresholds(predicted):
    choices, rows = predicted
    for row in rows:
        assert row.probability == pytest.approx(choices.probability(row.logit))
        assert row.suspicious is (row.probability >= choices.threshold)
        # The diameters of the fixture are told apart by any threshold between the two sizes.
        assert row.baseline_diameter_suspicious is row.diagnosis


@pytest.mark.verifies("SRS-TRAIN-013")
def test_calibration_recovers_a_known_slope_and_intercept():
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, 4000)
    truth = generator.random(4000) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    choices = choose(logits, truth)
    assert choices.slope == pytest.approx(0.5, abs=0.05)
    assert choices.intercept == pytest.approx(-1.0, abs=0.1)
    assert 0.35 < choices.threshold < 0.65


@pytest.mark.verifies("SRS-TRAIN-013")
@pytest.mark.parametrize(
    ("logits", "truth"),
    [
        (np.arange(5.0), np.arange(5) > 2),
        (np.arange(20.0), np.zeros(20, dtype=bool)),
        (np.arange(20.0), np.ones(20, dtype=bool)),
    ],
)
def test_too_few_nodules_or_one_class_give_no_calibration(logits, truth):
    assert choose(logits, truth) == FoldChoices(slope=1.0, intercept=0.0, threshold=0.5)


@pytest.mark.verifies("SRS-TRAIN-013")
def test_separable_scores_and_scores_that_are_upside_down_keep_slope_one():
    logits = np.arange(20.0) - 9.5
    separable = choose(logits, logits > 0)
    assert (separable.slope, separable.intercept) == (1.0, 0.0)
    generator = np.random.default_rng(1)
    upside_down = choose(logits, generator.random(20) < 1 / (1 + np.exp(logits / 3)))
    assert (upside_down.slope, upside_down.intercept) == (1.0, 0.0)


@pytest.mark.verifies("SRS-TRAIN-013")
def test_the_table_has_one_row_a_nodule(predicted):
    _, rows = predicted
    table = list(csv.DictReader(io.StringIO(predictions_csv(rows))))
    assert [row["sample_id"] for row in table] == [row.sample_id for row in rows]
    assert float(table[0]["logit"]) == rows[0].logit
