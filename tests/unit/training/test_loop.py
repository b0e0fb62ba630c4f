from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from lungai_core.errors import CheckpointMismatchError, DataSetError, NonFiniteLossError, TrainingPlanError
from lungai_core.training.loop import TrainingData, fit
from lungai_core.training.plan import Keep
from lungai_core.training.processes import Processes
from lungai_core.training.split import Part, split_by_fold
from lungai_core.training.trainee import validate

ONE = Processes()


@pytest.fixture(scope="module")
def data(samples):
    split = split_by_fold(samples, test_fold=0, folds=4)
    return TrainingData(split.samples(samples, Part.TRAIN), split.samples(samples, Part.VALIDATION))


def changed(plan, part, **values):
    return plan.model_copy(update={part: getattr(plan, part).model_copy(update=values)})


def weights(folder, epoch):
    return (folder / f"epoch-{epoch:04d}" / "weights.safetensors").read_bytes()


def without_clock(state):
    return [row.model_copy(update={"wall_seconds": 0.0}) for row in state.rows]


@pytest.mark.verifies("SRS-TRAIN-009", "SRS-TRAIN-010")
def test_the_same_plan_gives_the_same_weights_and_an_interrupted_run_ends_with_them(data, plan, tmp_path):
    plan = plan.model_copy(update={"network": plan.network.model_copy(update={"dropout": 0.2})})
    whole = fit(plan, data, tmp_path / "whole", processes=ONE)

    class StopError(Exception):
        pass

    def stop(step):
        if (step.epoch, step.step) == (2, 1):
            raise StopError

    with pytest.raises(StopError):
        fit(plan, data, tmp_path / "cut", processes=ONE, watch=stop)
    assert [path.name for path in (tmp_path / "cut").iterdir()] == ["epoch-0001"]
    torch.rand(5)
    resumed = fit(plan, data, tmp_path / "cut", processes=ONE)
    assert weights(tmp_path / "cut", 2) == weights(tmp_path / "whole", 2)
    assert without_clock(resumed) == without_clock(whole)


@pytest.mark.verifies("SRS-TRAIN-009")
def test_the_loss_falls_and_every_step_is_told(data, plan, tmp_path):
    steps = []
    longer = changed(plan, "optimizer", epochs=6, learning_rate=3e-3)
    state = fit(longer, data, tmp_path, processes=ONE, watch=steps.append)
    assert state.rows[-1].train_total < state.rows[0].train_total
    assert [(step.epoch, step.step, step.steps) for step in steps[:3]] == [(1, 1, 3), (1, 2, 3), (1, 3, 3)]
    assert all(np.isfinite([s.total, s.malignancy, s.mask, s.diameter]).all() for s in steps)
    first = steps[0]
    assert first.total == pytest.approx(first.malignancy + 0.5 * first.mask + 0.2 * first.diameter, rel=1e-5)


@pytest.mark.verifies("SRS-TRAIN-009")
def test_the_learning_rate_falls_as_a_cosine_to_zero(data, plan, tmp_path):
    state = fit(changed(plan, "optimizer", epochs=2), data, tmp_path, processes=ONE)
    # Three steps an epoch: the rates of steps 3 and 6 of 6 stand in the rows.
    expected = [3e-4 * 0.5 * (1 + np.cos(np.pi * done / 6)) for done in (2, 5)]
    assert np.allclose([row.learning_rate for row in state.rows], expected)


@pytest.mark.verifies("SRS-TRAIN-009")
def test_the_learning_rate_first_grows_over_the_warm_up(data, plan, tmp_path):
    warm = changed(plan, "optimizer", epochs=1, warmup_steps=6)
    rate = fit(warm, data, tmp_path, processes=ONE).rows[0].learning_rate
    assert rate == pytest.approx(3e-4 * 0.5 * 0.5 * (1 + np.cos(np.pi * 2 / 3)))


@pytest.mark.verifies("SRS-TRAIN-009")
def test_a_plan_that_keeps_the_last_epoch_neither_stops_early_nor_looks_at_the_validation_auc(
    data, plan, tmp_path, monkeypatch
):
    real = validate
    aucs = iter([0.9, 0.5, 0.4])
    monkeypatch.setattr(
        "lungai_core.training.loop.validate",
        lambda *args, **named: dataclasses.replace(real(*args, **named), auc=next(aucs)),
    )
    last = changed(plan, "optimizer", epochs=3, patience=1, keep=Keep.LAST)
    state = fit(last, data, tmp_path, processes=ONE)
    assert (state.epoch, state.best_epoch) == (3, 3)


@pytest.mark.verifies("SRS-TRAIN-009")
def test_training_stops_when_the_validation_auc_has_not_grown_for_the_patience(data, plan, tmp_path, monkeypatch):
    aucs = iter([0.5, 0.7, 0.7, 0.6, 0.9])
    real = validate

    def scripted(trainee, samples, *, plan):
        return dataclasses.replace(real(trainee, samples[:1], plan=plan), auc=next(aucs), losses=(1.0, 1.0, 1.0))

    monkeypatch.setattr("lungai_core.training.loop.validate", scripted)
    state = fit(changed(plan, "optimizer", epochs=9, patience=2), data, tmp_path, processes=ONE)
    assert (state.epoch, state.best_epoch) == (4, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-0002", "epoch-0004"]


@pytest.mark.verifies("SRS-TRAIN-009")
def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_checkpoint(data, plan, tmp_path):
    fit(changed(plan, "optimizer", epochs=1), data, tmp_path / "a", processes=ONE)
    sick = changed(plan, "optimizer", epochs=3, learning_rate=1e30)
    with pytest.raises(NonFiniteLossError, match=r"epoch \d, step \d"):
        fit(sick, data, tmp_path / "b", processes=ONE)
    assert (tmp_path / "a" / "epoch-0001").is_dir()


@pytest.mark.verifies("SRS-TRAIN-010")
def test_a_checkpoint_of_another_plan_is_not_gone_on_with(data, plan, tmp_path):
    fit(changed(plan, "optimizer", epochs=1), data, tmp_path, processes=ONE)
    with pytest.raises(CheckpointMismatchError):
        fit(plan, data, tmp_path, processes=ONE)


@pytest.mark.verifies("SRS-TRAIN-009")
def test_too_few_nodules_and_a_missing_gpu_are_refused(data, plan, tmp_path, monkeypatch):
    with pytest.raises(DataSetError, match="too small to train on"):
        fit(plan, TrainingData(data.train[:1], data.validation), tmp_path, processes=ONE)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainingPlanError, match="asks for a GPU"):
        fit(changed(plan, "compute", device="cuda"), data, tmp_path, processes=ONE)


@pytest.mark.verifies("SRS-TRAIN-009")
def test_settings_of_torch_are_put_back_after_a_run(data, plan, tmp_path):
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.get_rng_state()
    fit(changed(plan, "optimizer", epochs=1), data, tmp_path, processes=ONE)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before[:2]
    assert torch.equal(torch.get_rng_state(), before[2])


@pytest.mark.verifies("SRS-TRAIN-009")
def test_reduced_precision_trains_with_finite_losses(data, plan, tmp_path):
    half = changed(changed(plan, "optimizer", epochs=1), "compute", precision="bfloat16")
    half = type(plan).model_validate_json(half.model_dump_json(warnings=False))
    state = fit(half, data, tmp_path, processes=ONE)
    assert np.isfinite(state.rows[0].train_total)
