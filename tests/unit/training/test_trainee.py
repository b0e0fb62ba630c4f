from __future__ import annotations

import dataclasses

import pytest
import torch

from lungai_core.training.batches import evaluation_batches
from lungai_core.training.plan import Precision
from lungai_core.training.trainee import arithmetic, look_at, new_trainee, on_device, validate


@pytest.mark.verifies("SRS-TRAIN-009")
def test_validation_without_labels_gives_no_figure(samples, plan):
    bare = [
        dataclasses.replace(s, mask=None, labels=s.labels.model_copy(update={"diagnosis": None, "diameter_mm": None}))
        for s in samples[:4]
    ]
    found = validate(new_trainee(plan), [without_readings(sample) for sample in bare], plan=plan)
    assert (found.auc, found.dice, found.mae_mm) == (None, None, None)
    assert found.losses == (0.0, 0.0, 0.0)


def without_readings(sample):
    return dataclasses.replace(sample, labels=sample.labels.model_copy(update={"readings": ()}))


@pytest.mark.verifies("SRS-TRAIN-009")
def test_a_look_gives_what_the_network_gives_and_needs_no_gradient(samples, plan):
    trainee = new_trainee(plan).eval()
    (batch,) = evaluation_batches(samples[:1], plan=plan)
    output, truth = look_at(trainee, batch, plan=plan)
    assert torch.equal(output.malignancy_logit, trainee.net(batch.patches).malignancy_logit)
    assert not output.malignancy_logit.requires_grad
    assert truth is batch.truth
    assert on_device(batch, "cpu") is batch


@pytest.mark.verifies("SRS-TRAIN-009", "SRS-TRAIN-013")
def test_a_network_trained_in_reduced_precision_is_measured_in_single(samples, plan):
    half = plan.model_copy(update={"compute": plan.compute.model_copy(update={"precision": Precision.BFLOAT16})})
    trainee = new_trainee(half).eval()
    (batch,) = evaluation_batches(samples[:1], plan=half)
    output, _ = look_at(trainee, batch, plan=half)
    assert output.features.dtype == torch.float32
    assert torch.equal(output.malignancy_logit, trainee.net(batch.patches).malignancy_logit)


@pytest.mark.verifies("SRS-TRAIN-009")
def test_threads_and_random_state_are_put_back_after_a_block(plan):
    threads, state, coarse = torch.get_num_threads(), torch.get_rng_state(), torch.backends.cudnn.allow_tf32
    with arithmetic(plan.compute):
        assert torch.get_num_threads() == plan.compute.threads
        assert not torch.backends.cudnn.allow_tf32
        torch.rand(3)
    assert torch.backends.cudnn.allow_tf32 == coarse
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state)
