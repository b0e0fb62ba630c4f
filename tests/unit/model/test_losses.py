from __future__ import annotations

import math

import pytest
import torch
from monai.losses import DiceLoss

from lungai_core.model.losses import (
    FixedWeighting,
    Truth,
    UncertaintyWeighting,
    Weighting,
    task_losses,
    weighting,
)
from lungai_core.model.net import NetOutput


def output(logit, mask, diameter):
    return NetOutput(
        malignancy_logit=logit,
        mask_logit=mask,
        diameter_mm=diameter,
        evidence=torch.zeros(1),
        features=torch.zeros(1),
    )


def truth(**changes):
    values = {
        "malignant": torch.tensor([1.0, 0.0]),
        "has_malignant": torch.ones(2),
        "mask": torch.zeros(2, 1, 4, 4, 4),
        "has_mask": torch.ones(2),
        "diameter_mm": torch.tensor([10.0, 5.0]),
        "has_diameter": torch.ones(2),
    }
    values["mask"][:, :, :2] = 1
    return Truth(**{**values, **changes})


@pytest.mark.verifies("SRS-MODEL-006")
def test_the_three_losses_are_cross_entropy_one_minus_dice_and_smooth_l1():
    generator = torch.Generator().manual_seed(1)
    mask = torch.randn(2, 1, 4, 4, 4, generator=generator)
    losses = task_losses(output(torch.tensor([0.0, 2.0]), mask, torch.tensor([10.5, 9.0])), truth())
    assert torch.allclose(losses.malignancy, torch.tensor([math.log(2), math.log(1 + math.exp(2))]), atol=1e-6)
    # Smooth L1 with beta 1 mm: 0.5 d² below, |d| - 0.5 above.
    assert torch.allclose(losses.diameter, torch.tensor([0.125, 3.5]), atol=1e-6)
    theirs = DiceLoss(sigmoid=True, smooth_nr=1.0, smooth_dr=1.0, reduction="none")(mask, truth().mask)
    assert torch.allclose(losses.mask, theirs.flatten(), atol=1e-6)


@pytest.mark.verifies("SRS-MODEL-006")
@pytest.mark.parametrize("task", ["malignancy", "mask", "diameter"])
def test_a_missing_label_gives_no_loss_and_no_gradient_in_its_task_alone(task):
    name = {"malignancy": "has_malignant", "mask": "has_mask", "diameter": "has_diameter"}[task]
    logit, mask, diameter = torch.zeros(2), torch.zeros(2, 1, 4, 4, 4), torch.full((2,), 3.0)
    inputs = {"malignancy": logit, "mask": mask, "diameter": diameter}
    for value in inputs.values():
        value.requires_grad_()
    losses = task_losses(output(logit, mask, diameter), truth(**{name: torch.tensor([0.0, 1.0])}))
    (losses.malignancy.sum() + losses.mask.sum() + losses.diameter.sum()).backward()
    for other, value in inputs.items():
        first, second = value.grad.flatten(1).abs().sum(1) if value.ndim > 1 else value.grad.abs()
        assert float(second) > 0
        assert (float(first) == 0) is (other == task)


@pytest.mark.verifies("SRS-MODEL-007")
def test_fixed_weights_are_those_of_the_plan_and_one_half_fifth_by_default():
    assert float(FixedWeighting()(torch.tensor([1.0, 1.0, 1.0]))) == pytest.approx(1.7)
    made = weighting(Weighting.FIXED, weights=(2.0, 1.0, 0.5))
    assert float(made(torch.tensor([1.0, 2.0, 4.0]))) == pytest.approx(6.0)


@pytest.mark.verifies("SRS-MODEL-007")
def test_learned_weights_start_as_a_plain_sum_and_settle_at_the_inverse_of_the_loss():
    made = weighting(Weighting.UNCERTAINTY, weights=(1.0, 1.0, 1.0))
    assert isinstance(made, UncertaintyWeighting)
    losses = torch.tensor([0.5, 0.25, 4.0])
    assert float(made(losses).detach()) == pytest.approx(4.75)
    optimizer = torch.optim.SGD(made.parameters(), lr=0.2)
    for _ in range(400):
        optimizer.zero_grad()
        made(losses).backward()
        optimizer.step()
    # The minimum of exp(-s) L + s lies at s = ln L.
    assert torch.allclose(made.log_variance.detach(), losses.log(), atol=1e-3)
