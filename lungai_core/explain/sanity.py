"""Does a map depend on what the network has learned? A map that survives the loss of its weights explains nothing."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
from pydantic import Field

from lungai_core.domain.model import FrozenModel
from lungai_core.explain.saliency import signed_evidence

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from lungai_core.model.net import MultitaskNet

__all__ = ["CascadeStep", "mass_inside", "randomisation_cascade", "rank_correlation"]


class CascadeStep(FrozenModel):
    """How alike the map still is when a part and all parts above it have random weights.

    :implements: SRS-EXPL-002, SDS-EXPL-002

    ``rank_correlation`` is Spearman's, of the signed map with that of the intact network, voxel by voxel.
    """

    part: str
    rank_correlation: Annotated[float, Field(ge=-1, le=1)]


def randomisation_cascade(net: MultitaskNet, patch: torch.Tensor, /, *, seed: int) -> tuple[CascadeStep, ...]:
    """Give the network random weights from the head down to the stem, and follow the map.

    :implements: SRS-EXPL-002, SDS-EXPL-002

    Cascading parameter randomisation: Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018.

    Parameters
    ----------
    net
        The network; it is left as it is.
    patch
        ``(1, 1, z, y, x)`` float32 in [0, 1].
    seed
        Of the random weights; the same seed gives the same steps.

    Returns
    -------
    tuple of CascadeStep
        One for each part, from the head to the stem.
    """
    intact = signed_evidence(net, patch)
    broken = copy.deepcopy(net)
    steps: list[CascadeStep] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name in _parts_from_head_to_stem(net):
            broken.get_submodule(name).apply(_reset)
            correlation = rank_correlation(intact, signed_evidence(broken, patch))
            steps.append(CascadeStep(part=name, rank_correlation=correlation))
    return tuple(steps)


def _parts_from_head_to_stem(net: MultitaskNet, /) -> list[str]:
    trunk = [f"trunk.{name}" for name, _ in net.trunk.named_children()]
    decoder = ["smooth", "lateral", "top", "attention"]
    return ["malignancy", "expand", "focus", *decoder, *reversed(trunk)]


def _reset(module: nn.Module, /) -> None:
    reset = getattr(module, "reset_parameters", None)
    if callable(reset):
        reset()


def rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32], /) -> float:
    """Return Spearman's rank correlation of two maps, voxel by voxel.

    :implements: SRS-EXPL-002, SDS-EXPL-002

    Returns
    -------
    float
        -1 to 1; 0 where one of the maps is constant. Ties get their mean rank.
    """
    one, other = (_mean_ranks(values.reshape(-1)) for values in (first, second))
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.clip(np.corrcoef(one, other)[0, 1], -1, 1))


def _mean_ranks(values: NDArray[np.float32], /) -> NDArray[np.float64]:
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle: NDArray[np.float64] = last - (counts - 1) / 2
    return middle[group]


def mass_inside(saliency: NDArray[np.float32], mask: NDArray[np.bool_], /) -> float:
    """Return which share of a map lies in a nodule's mask.

    :implements: SRS-EXPL-002, SDS-EXPL-002

    Parameters
    ----------
    saliency
        ``(z, y, x)`` not negative, on a grid whose voxels are whole multiples of the mask's.
    mask
        ``(Z, Y, X)`` bool on the patch grid.

    Returns
    -------
    float
        0 to 1; 0 where the map is empty.
    """
    factors = [whole // part for whole, part in zip(mask.shape, saliency.shape, strict=True)]
    z, y, x = saliency.shape
    share = mask.reshape(z, factors[0], y, factors[1], x, factors[2]).mean(axis=(1, 3, 5))
    total = float(saliency.sum())
    return float((saliency * share).sum()) / total if total > 0 else 0.0
