from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lungai_core.errors import DataSetError
from lungai_core.training.evaluation import evaluate
from lungai_core.training.predictions import (
    Platt,
    calibrate,
    choose_review,
    predict_fold,
    predictions_csv,
    read_predictions,
)
from lungai_core.training.trainee import new_trainee


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
def test_decisions_follow_from_scores_and_the_chosen_numbers(predicted):
    choices, rows = predicted
    for row in rows:
        assert row.probability_as_diagnosis == pytest.approx(choices.diagnosis.probability(row.logit))
        assert row.probability_as_mean_rating == pytest.approx(choices.mean_rating.probability(row.logit))
        # The diameters of the fixture are told apart by any threshold between the two sizes.
        assert row.diameter_as_diagnosis is row.features_as_diagnosis is row.diagnosis
        uncertain = row.entropy_nats >= choices.entropy_limit_nats
        assert row.referred is (uncertain or row.mutual_information_nats >= choices.mutual_information_limit_nats)


@pytest.mark.verifies("SRS-TRAIN-013")
def test_the_choices_count_what_they_rest_on(predicted):
    choices, _ = predicted
    assert choices.nodules == 2
    assert 0 <= choices.coverage <= 0.8
    rates = [rate for rate in (choices.error_rate_kept, choices.error_rate_referred) if rate is not None]
    assert rates
    assert all(0 <= rate <= 1 for rate in rates)


@pytest.mark.verifies("SRS-TRAIN-013")
def test_calibration_recovers_a_known_slope_and_intercept():
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, 4000)
    truth = generator.random(4000) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    fit = calibrate(logits, truth)
    assert fit.slope == pytest.approx(0.5, abs=0.05)
    assert fit.intercept == pytest.approx(-1.0, abs=0.1)
    assert fit.probability(2.0) == pytest.approx(1 / (1 + np.exp(-(fit.slope * 2 + fit.intercept))))


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
    assert calibrate(logits, truth) == Platt(slope=1.0, intercept=0.0)


@pytest.mark.verifies("SRS-TRAIN-013")
def test_separable_scores_and_scores_that_are_upside_down_keep_slope_one():
    logits = np.arange(20.0) - 9.5
    assert calibrate(logits, logits > 0) == Platt()
    generator = np.random.default_rng(1)
    assert calibrate(logits, generator.random(20) < 1 / (1 + np.exp(logits / 3))) == Platt()


@pytest.mark.verifies("SRS-TRAIN-013")
@given(st.lists(st.tuples(st.floats(0, 0.69), st.floats(0, 0.3)), min_size=5, max_size=200, unique=True))
def test_the_review_limits_refer_at_least_a_fifth_and_the_next_higher_ones_fewer(pairs):
    entropies, information = np.asarray(pairs).T
    high, wide = choose_review(entropies, information)
    referred = (entropies >= high) | (information >= wide)
    assert referred.mean() >= 0.2
    level = next(q for q in np.linspace(1, 0, 201) if np.quantile(entropies, q) == high)
    if level < 1:
        stricter = level + 0.005
        fewer = (entropies >= np.quantile(entropies, stricter)) | (information >= np.quantile(information, stricter))
        assert fewer.mean() < 0.2


@pytest.mark.verifies("SRS-TRAIN-013")
def test_the_table_has_one_row_a_nodule(predicted):
    _, rows = predicted
    table = list(csv.DictReader(io.StringIO(predictions_csv(rows))))
    assert [row["sample_id"] for row in table] == [row.sample_id for row in rows]
    assert float(table[0]["logit"]) == rows[0].logit


@pytest.mark.verifies("SRS-TRAIN-018")
def test_predictions_are_read_as_they_were_written(predicted, tmp_path):
    _, rows = predicted
    bare = rows[0].model_copy(update={"diagnosis": None, "diameter_mm": None, "dice": None})
    table = tmp_path / "predictions.csv"
    table.write_text(predictions_csv([*rows[1:], bare]), encoding="utf-8")
    assert read_predictions(table) == (*rows[1:], bare)


@pytest.mark.verifies("SRS-TRAIN-018")
@pytest.mark.parametrize("content", ["sample_id\nx\n", "\xff", None], ids=["columns missing", "not UTF-8", "no file"])
def test_a_table_that_holds_no_predictions_is_refused(content, tmp_path):
    if content is not None:
        (tmp_path / "table.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(DataSetError, match="cannot be read") as caught:
        read_predictions(tmp_path / "table.csv")
    assert "--cross-validate" in caught.value.remedy


@pytest.mark.verifies("SRS-TRAIN-013", "SRS-TRAIN-019")
def test_a_data_set_without_ratings_diameters_or_masks_is_predicted_without_their_baselines(plan, samples):
    """As records of readers may be: proof alone, no mean rating; every second nodule neither drawn nor measured."""
    bare = [
        replace(
            sample,
            mask=sample.mask if index % 4 < 2 else None,
            labels=sample.labels.model_copy(
                update={
                    "mean_rating": None,
                    "readings": (),
                    "diameter_mm": sample.labels.diameter_mm if index % 4 < 2 else None,
                }
            ),
        )
        for index, sample in enumerate(samples)
    ]
    _, rows = predict_fold(new_trainee(plan), bare, plan=plan, fold=0, folds=4)
    assert {row.diameter_as_mean_rating for row in rows} == {row.features_score_mean_rating for row in rows} == {None}
    for row in rows:
        known = row.diameter_mm is not None
        assert (row.diameter_score is not None) == (row.features_as_diagnosis is not None) == known
        assert (row.diameter_as_diagnosis is not None) == known
    assert {figure.label for figure in evaluate(rows, seed=1)} <= {"diagnosis", "mask", "diameter_mm"}
