"""What training makes small: one loss a task, missing labels masked task by task, and how they are weighted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from lungai_core.model.net import NetOutput

__all__ = ["FixedWeighting", "TaskLosses", "Truth", "UncertaintyWeighting", "Weighting", "task_losses", "weighting"]

_SMOOTH = 1.0
_DIAMETER_BETA_MM = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The labels of a batch of N patches; a task whose label is missing has a 0 in its ``has_…`` tensor.

    :implements: SRS-MODEL-006, SDS-MODEL-005

    Parameters
    ----------
    malignant, has_malignant
        ``(N,)`` float of 0 and 1.
    mask, has_mask
        ``(N, 1, z, y, x)`` and ``(N,)`` float of 0 and 1.
    diameter_mm, has_diameter
        ``(N,)`` float; the diameter is 0 where missing.
    """

    malignant: torch.Tensor
    has_malignant: torch.Tensor
    mask: torch.Tensor
    has_mask: torch.Tensor
    diameter_mm: torch.Tensor
    has_diameter: torch.Tensor


@dataclass(frozen=True, slots=True, eq=False)
class TaskLosses:
    """One loss a patch and task: ``(N,)`` each, 0 where the label is missing.

    :implements: SRS-MODEL-006, SDS-MODEL-005

    Parameters
    ----------
    malignancy
        Binary cross-entropy of the logit.
    mask
        1 minus the soft Dice coefficient.
    diameter
        Smooth L1 in mm with a quadratic part below 1 mm.
    """

    malignancy: torch.Tensor
    mask: torch.Tensor
    diameter: torch.Tensor


class Weighting(StrEnum):
    """How the three losses become one.

    :implements: SRS-MODEL-007, SDS-MODEL-005
    """

    FIXED = "fixed"
    UNCERTAINTY = "uncertainty"


def task_losses(output: NetOutput, truth: Truth, /) -> TaskLosses:
    """Compute the loss of each patch and task.

    :implements: SRS-MODEL-006, SDS-MODEL-005

    Dice: Milletari, Navab and Ahmadi, "V-Net" (3DV 2016), with linear terms in the denominator and 1 added to both.

    Parameters
    ----------
    output
        Of the network, for N patches.
    truth
        Their labels.
    """
    malignancy = functional.binary_cross_entropy_with_logits(
        output.malignancy_logit.float(), truth.malignant, reduction="none"
    )
    probability = torch.sigmoid(output.mask_logit.float()).flatten(1)
    mask = truth.mask.flatten(1)
    overlap = (probability * mask).sum(dim=1)
    dice = (2 * overlap + _SMOOTH) / (probability.sum(dim=1) + mask.sum(dim=1) + _SMOOTH)
    diameter = functional.smooth_l1_loss(
        output.diameter_mm.float(), truth.diameter_mm, reduction="none", beta=_DIAMETER_BETA_MM
    )
    return TaskLosses(
        malignancy=malignancy * truth.has_malignant,
        mask=(1 - dice) * truth.has_mask,
        diameter=diameter * truth.has_diameter,
    )


class FixedWeighting(nn.Module):
    """A weighted sum with weights that stay: 1.0 malignancy, 0.5 mask, 0.2 diameter unless told otherwise.

    :implements: SRS-MODEL-007, SDS-MODEL-005

    Parameters
    ----------
    weights
        Malignancy, mask, diameter.
    """

    def __init__(self, weights: tuple[float, float, float] = (1.0, 0.5, 0.2), /) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, losses: torch.Tensor) -> torch.Tensor:
        """Return the sum of three mean losses, each times its weight.

        :implements: SRS-MODEL-007, SDS-MODEL-005

        Parameters
        ----------
        losses
            ``(3,)``: malignancy, mask, diameter.
        """
        return (losses * losses.new_tensor(self.weights)).sum()


class UncertaintyWeighting(nn.Module):
    """A weighted sum with learned weights: ``sum(exp(-s) * loss + s)`` with one ``s`` a task, 0 at the start.

    :implements: SRS-MODEL-007, SDS-MODEL-005

    Kendall, Gal and Cipolla, "Multi-task learning using uncertainty to weigh losses" (CVPR 2018), with ``s`` the
    logarithm of the variance and the common factor of one half for regression left to the learned weight.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log_variance = nn.Parameter(torch.zeros(3))

    def forward(self, losses: torch.Tensor) -> torch.Tensor:
        """Return the sum of three mean losses under the learned weights.

        :implements: SRS-MODEL-007, SDS-MODEL-005

        Parameters
        ----------
        losses
            ``(3,)``: malignancy, mask, diameter.
        """
        return (torch.exp(-self.log_variance) * losses + self.log_variance).sum()


def weighting(kind: Weighting, /, *, weights: tuple[float, float, float]) -> FixedWeighting | UncertaintyWeighting:
    """Build the named weighting.

    :implements: SRS-MODEL-007, SDS-MODEL-005

    Parameters
    ----------
    kind
        Its name.
    weights
        Malignancy, mask, diameter; used by ``fixed``.
    """
    return FixedWeighting(weights) if kind is Weighting.FIXED else UncertaintyWeighting()
