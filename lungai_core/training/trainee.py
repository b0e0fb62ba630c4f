"""What a run learns, and how good it is: the network with the weighting of its losses, on the plan's device."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from lungai_core.clinical.roc import roc_data
from lungai_core.errors import TrainingPlanError
from lungai_core.model.losses import Truth, task_losses, weighting
from lungai_core.model.net import build_net
from lungai_core.training.batches import evaluation_batches
from lungai_core.training.plan import Precision
from lungai_core.training.samples import target_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from lungai_core.model.net import MultitaskNet, NetOutput
    from lungai_core.training.batches import Batch
    from lungai_core.training.plan import ComputePlan, TrainingPlan
    from lungai_core.training.samples import NoduleSample

__all__ = [
    "Trainee",
    "Validation",
    "arithmetic",
    "autocast",
    "look_at",
    "mask_dice",
    "new_trainee",
    "on_device",
    "validate",
]


@dataclass(frozen=True, slots=True)
class Validation:
    """How good a network is on a part of the data.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    losses
        Malignancy, mask, diameter: means over the labelled patches.
    auc, dice, mae_mm
        ``None`` where they cannot be computed.
    """

    losses: tuple[float, float, float]
    auc: float | None
    dice: float | None
    mae_mm: float | None


class Trainee(nn.Module):
    """A network together with the weighting of its losses: what a run learns and a checkpoint holds.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    net
        The network.
    weigh
        One of the weightings of :mod:`lungai_core.model.losses`.
    """

    def __init__(self, net: MultitaskNet, weigh: nn.Module, /) -> None:
        super().__init__()
        self.net = net
        self.weigh = weigh

    def forward(self, batch: Batch, processes: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss whose gradient, averaged over all processes, is that of the whole batch.

        :implements: SRS-TRAIN-009, SRS-TRAIN-011, SDS-TRAIN-007, SDS-TRAIN-008

        Parameters
        ----------
        batch
            The patches of this process.
        processes
            How many there are.

        Returns
        -------
        tuple
            The loss, and this process's share ``(3,)`` of the mean task losses, without gradient.
        """
        losses = task_losses(self.net(batch.patches), batch.truth)
        shares = torch.stack(
            [
                losses.malignancy.sum() / batch.counts.malignancy,
                losses.mask.sum() / batch.counts.mask,
                losses.diameter.sum() / batch.counts.diameter,
            ]
        )
        return self.weigh(shares * processes), shares.detach()


def new_trainee(plan: TrainingPlan, /) -> Trainee:
    """Build the network and weighting of a plan, with the plan's first weights.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    plan
        The plan.
    """
    return Trainee(build_net(plan.spec, seed=plan.seed), weighting(plan.loss.weighting, weights=plan.loss.weights))


def mask_dice(output: NetOutput, truth: Truth, /) -> float:
    """Return Dice of the network's mask, where its probability is above one half, and the true one.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    output, truth
        Of one patch that has a mask.
    """
    found, wanted = output.mask_logit > 0, truth.mask > 0
    return 2 * float((found & wanted).sum()) / max(1.0, float(found.sum() + wanted.sum()))


def validate(trainee: Trainee, samples: Sequence[NoduleSample], /, *, plan: TrainingPlan) -> Validation:
    """Measure a network on a part of the data, one patch at a time and without variation.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    trainee
        Network and weighting; put into evaluation mode here.
    samples
        The part.
    plan
        Gives target, patch size and device.
    """
    trainee.eval()
    sums, counts = np.zeros(3), np.zeros(3)
    scores: list[tuple[float, bool]] = []
    dice: list[float] = []
    errors: list[float] = []
    for sample, batch in zip(samples, evaluation_batches(samples, plan=plan), strict=True):
        output, truth = look_at(trainee, batch, plan=plan)
        losses = task_losses(output, truth)
        has = [bool(truth.has_malignant[0]), bool(truth.has_mask[0]), bool(truth.has_diameter[0])]
        sums += [float(losses.malignancy), float(losses.mask), float(losses.diameter)]
        counts += has
        label = target_of(sample.labels, plan.data.target)
        if label is not None:
            scores.append((float(output.malignancy_logit[0]), label))
        if has[1]:
            dice.append(mask_dice(output, truth))
        if has[2]:
            errors.append(abs(float(output.diameter_mm[0]) - float(truth.diameter_mm[0])))
    means = sums / np.maximum(counts, 1)
    return Validation(
        losses=(float(means[0]), float(means[1]), float(means[2])),
        auc=_auc(scores),
        dice=float(np.mean(dice)) if dice else None,
        mae_mm=float(np.mean(errors)) if errors else None,
    )


def look_at(trainee: Trainee, batch: Batch, /, *, plan: TrainingPlan) -> tuple[NetOutput, Truth]:
    """Run the network of a trainee on a batch, on the plan's device, without gradient.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Always in single precision, whatever the training ran in: what is measured is what is released.

    Parameters
    ----------
    trainee
        On the plan's device, in evaluation mode.
    batch
        The patches.
    plan
        The plan.

    Returns
    -------
    tuple
        The outputs and, on the same device, the labels.
    """
    placed = on_device(batch, plan.compute.device)
    with torch.no_grad():
        output: NetOutput = trainee.net(placed.patches)
    return output, placed.truth


@contextmanager
def arithmetic(compute: ComputePlan, /) -> Iterator[None]:
    """Set threads, determinism and full single precision of torch for a block; afterwards all is as it was.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    compute
        Of the plan.

    Raises
    ------
    TrainingPlanError
        If the plan asks for a GPU and torch finds none.
    """
    if compute.device == "cuda" and not torch.cuda.is_available():
        raise TrainingPlanError(
            "The plan asks for a GPU and torch finds none.",
            where="compute.device",
            allowed="cpu here",
            remedy="Run on a machine with a GPU and a CUDA build of torch, or set device to cpu.",
        )
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    # A GPU's convolutions would round single precision to ten bits of mantissa (TF32) unless told not to.
    coarse = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    torch.set_num_threads(compute.threads)
    torch.use_deterministic_algorithms(compute.deterministic)
    try:
        with torch.random.fork_rng(devices=None if compute.device == "cuda" else []):
            yield
    finally:
        torch.use_deterministic_algorithms(strict)
        torch.set_num_threads(threads)
        torch.backends.cudnn.allow_tf32 = coarse


def on_device(batch: Batch, device: str, /) -> Batch:
    """Place a batch and its labels on a device.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    batch
        The patches.
    device
        ``cpu`` or ``cuda``.
    """
    if device == "cpu":
        return batch
    moved = Truth(**{field.name: getattr(batch.truth, field.name).to(device) for field in fields(Truth)})
    return type(batch)(patches=batch.patches.to(device), truth=moved, counts=batch.counts)


def autocast(compute: ComputePlan, /) -> AbstractContextManager[object]:
    """Run a block in the plan's precision.

    :implements: SRS-TRAIN-009, SDS-TRAIN-007

    Parameters
    ----------
    compute
        Of the plan.
    """
    if compute.precision is Precision.FLOAT32:
        return nullcontext()
    return torch.autocast(compute.device, dtype=torch.bfloat16)


def _auc(scores: list[tuple[float, bool]], /) -> float | None:
    truth = [suspicious for _, suspicious in scores]
    if len(set(truth)) <= 1:
        return None
    return roc_data([score for score, _ in scores], truth=[int(suspicious) for suspicious in truth]).auc
