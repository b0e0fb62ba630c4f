from __future__ import annotations

import numpy as np
import pytest

from lungai_core.errors import DataSetError
from lungai_core.training.evaluation import compare, evaluate
from lungai_core.training.figures import render_figures
from lungai_core.training.predictions import read_predictions
from support.predictions import made_predictions


def by_name(figures, **wanted):
    return [f for f in figures if all(getattr(f, key) == value for key, value in wanted.items())]


@pytest.mark.verifies("SRS-TRAIN-013")
def test_each_figure_has_its_n_patients_method_and_an_interval_around_it():
    rows = made_predictions()
    figures = evaluate(rows, seed=1)
    parts = [f for f in figures if "where" in f.name]
    assert all((f.n, f.patients, f.unit) == (80, 40, "nodules") and f.method for f in figures if f not in parts)
    assert [f.n for f in parts] == [64, 16]
    assert all(f.interval_95[0] <= f.value <= f.interval_95[1] for f in figures if f.interval_95)
    (auc,) = by_name(figures, who="network", name="AUC")
    pairs = [a.logit > b.logit for a in rows if a.diagnosis for b in rows if not b.diagnosis]
    assert auc.value == pytest.approx(np.mean(pairs))
    (accuracy,) = by_name(figures, who="network", name="accuracy")
    assert accuracy.value == np.mean([(row.logit >= 1) == row.diagnosis for row in rows])
    (kept,) = by_name(figures, name="accuracy where not referred")
    assert kept.value == np.mean([(row.logit >= 1) == row.diagnosis for row in rows if not row.referred])
    (share,) = by_name(figures, name="share not referred to a second reading")
    assert share.value == 0.8
    (error,) = by_name(figures, name="diameter MAE, mm")
    assert error.value == pytest.approx(np.mean([abs(r.predicted_diameter_mm - r.diameter_mm) for r in rows]))
    (bias,) = by_name(figures, name="diameter bias, mm")
    assert bias.value == pytest.approx(np.mean([r.predicted_diameter_mm - r.diameter_mm for r in rows]))


@pytest.mark.verifies("SRS-TRAIN-013")
def test_each_label_is_judged_by_the_numbers_that_were_chosen_for_it():
    rows = made_predictions(mean_rating=True)
    rows = [
        row.model_copy(update={"mean_rating": not row.diagnosis, "probability_as_mean_rating": 0.9}) for row in rows
    ]
    figures = evaluate(rows, seed=1)
    (accuracy,) = by_name(figures, who="network", name="accuracy", label="mean_rating")
    assert accuracy.value == 0.5
    (diameter,) = by_name(figures, who="diameter alone", name="accuracy", label="mean_rating")
    assert diameter.value == np.mean([row.diameter_as_mean_rating == row.mean_rating for row in rows])


@pytest.mark.verifies("SRS-TRAIN-013")
def test_the_difference_to_the_diameter_is_that_of_the_two_areas():
    figures = evaluate(made_predictions(), seed=1)
    (network,), (diameter,) = (by_name(figures, who=who, name="AUC") for who in ("network", "diameter alone"))
    (difference,) = by_name(figures, name="AUC difference")
    assert difference.value == pytest.approx(network.value - diameter.value)
    assert 0 <= difference.p_value <= 1


@pytest.mark.verifies("SRS-TRAIN-013")
def test_data_sets_are_not_pooled_and_labels_without_two_classes_give_no_area():
    rows = made_predictions() + made_predictions(20, data_set="lidc_context", diagnosis=None, mean_rating=True)
    figures = evaluate(rows, seed=1)
    context = by_name(figures, data_set="lidc_context")
    assert {f.name for f in context} == {
        "Dice",
        "diameter MAE, mm",
        "diameter bias, mm",
        "diameter lower limit of agreement, mm",
        "diameter upper limit of agreement, mm",
    }
    assert all(f.n == 20 for f in context)
    assert {f.label for f in by_name(figures, name="AUC")} == {"diagnosis"}


@pytest.mark.verifies("SRS-TRAIN-013")
def test_what_the_data_do_not_allow_is_left_out():
    assert evaluate(made_predictions(2, diagnosis=None, dice=None), seed=1) == ()
    constant = evaluate(
        made_predictions(10, diagnosis=None, dice=None, diameter_mm=5.0, predicted_diameter_mm=5.0), seed=1
    )
    assert [f.name for f in constant] == ["diameter MAE, mm"]


@pytest.mark.verifies("SRS-TRAIN-013")
def test_the_same_seed_gives_the_same_intervals_and_the_table_shows_them():
    rows = made_predictions(30)
    figures = evaluate(rows, seed=3)
    assert figures == evaluate(rows, seed=3)
    text = render_figures(figures)
    assert text.count("\n") == len(figures) + 2
    assert f"| {figures[0].value:.3f} | {figures[0].interval_95[0]:.3f} to" in text


@pytest.mark.verifies("SRS-TRAIN-018")
def test_a_better_network_gains_by_as_much_as_it_is_better():
    first = made_predictions(60)
    second = [
        row.model_copy(
            update={
                "logit": row.logit + 3 * row.diagnosis,
                "dice": row.dice + 0.05,
                "predicted_diameter_mm": row.diameter_mm + 0.5 * (row.predicted_diameter_mm - row.diameter_mm),
            }
        )
        for row in first
    ]
    gained = {figure.name: figure for figure in compare(first, second[::-1], seed=2)}
    before, after = (by_name(evaluate(rows, seed=2), name="AUC", who="network")[0] for rows in (first, second))
    assert gained["AUC difference"].value == pytest.approx(after.value - before.value)
    assert gained["AUC difference"].p_value < 0.01
    assert gained["Dice difference"].value == pytest.approx(0.05)
    halved = np.mean([abs(row.predicted_diameter_mm - row.diameter_mm) for row in first]) / 2
    assert gained["diameter MAE difference, mm"].value == pytest.approx(-halved)
    assert gained["diameter MAE difference, mm"].interval_95[1] < 0
    assert {figure.who for figure in gained.values()} == {"second minus first"}


@pytest.mark.verifies("SRS-TRAIN-018")
def test_a_network_gains_nothing_on_itself_and_missing_labels_are_left_out():
    rows = made_predictions(20, diagnosis=None, dice=None)
    (only,) = compare(rows, rows, seed=2)
    assert (only.name, only.value, only.interval_95) == ("diameter MAE difference, mm", 0.0, (0.0, 0.0))


@pytest.mark.verifies("SRS-TRAIN-018")
@pytest.mark.parametrize(
    "second",
    [
        made_predictions(19),
        made_predictions(21),
        [*made_predictions(19), made_predictions(1)[0]],
        [row.model_copy(update={"diagnosis": True}) for row in made_predictions(20)],
        [row.model_copy(update={"dice": None}) for row in made_predictions(20)],
    ],
    ids=["one missing", "one more", "one twice", "other labels", "no masks"],
)
def test_predictions_of_other_nodules_or_labels_are_not_compared(second):
    with pytest.raises(DataSetError, match="not of the same nodules"):
        compare(made_predictions(20), second, seed=2)
    with pytest.raises(DataSetError, match="not of the same nodules"):
        compare(second, made_predictions(20), seed=2)


@pytest.mark.verifies("SRS-TRAIN-018")
def test_no_predictions_are_not_compared():
    with pytest.raises(DataSetError, match="not of the same nodules"):
        compare([], [], seed=2)


@pytest.mark.verifies("SRS-TRAIN-018")
def test_a_label_with_one_positive_nodule_has_no_difference_and_costs_no_other_figure():
    rows = [row.model_copy(update={"diagnosis": index == 3}) for index, row in enumerate(made_predictions(20))]
    names = {figure.name for figure in compare(rows, rows, seed=2)}
    assert {"Dice difference", "diameter MAE difference, mm"} <= names


@pytest.mark.verifies("SRS-TRAIN-013")
def test_a_baseline_speaks_for_the_nodules_that_have_what_it_reads():
    """Every second nodule without a diameter: the others' area is that of them alone, and so is the difference."""
    rows = made_predictions(160)
    blank = {"diameter_mm", "diameter_score", "diameter_as_diagnosis", "diameter_as_mean_rating"}
    blind = [row if index % 4 < 2 else row.model_copy(update=dict.fromkeys(blank)) for index, row in enumerate(rows)]
    seen = [row for row in blind if row.diameter_score is not None]
    mixed, alone = evaluate(blind, seed=1), evaluate(seen, seed=1)
    for who in ("diameter alone", "network minus diameter alone"):
        found, wanted = by_name(mixed, who=who), by_name(alone, who=who)
        assert [(f.name, f.value, f.n) for f in found] == [(f.name, f.value, f.n) for f in wanted]
        assert all(f.n == 80 for f in found)
    assert all(f.n == 160 for f in by_name(mixed, who="network", name="AUC"))
    none = evaluate([row.model_copy(update=dict.fromkeys(blank)) for row in rows], seed=1)
    assert by_name(none, who="diameter alone") == []


@pytest.mark.verifies("SRS-TRAIN-018", "SRS-MODEL-002")
@pytest.mark.parametrize(
    ("second", "first"), [("channel", "none"), ("position_channel", "none"), ("position_channel", "channel")]
)
def test_the_tables_of_the_ablation_follow_from_its_predictions(repository, second, first):
    folder = repository / "verification/model/attention"
    before, after = (read_predictions(folder / name / "predictions.csv") for name in (first, second))
    table = (folder / f"{second}-on-{first}.md").read_text(encoding="utf-8")
    assert render_figures(compare(before, after, seed=0)) == table
