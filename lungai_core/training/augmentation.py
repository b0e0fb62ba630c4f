"""Variations of a training patch, drawn as a value first, so that they can be repeated and looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from monai.transforms.intensity.array import AdjustContrast
from monai.transforms.spatial.array import Affine, Flip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.training.plan import AugmentationPlan

__all__ = ["Augmentation", "apply_augmentation", "draw_augmentation"]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """One variation.

    :implements: SRS-TRAIN-008, SDS-TRAIN-006

    Parameters
    ----------
    rotation_zyx_rad
        Angles about the axes z, y, x.
    scale
        How much larger the nodule becomes, the same along each axis; its diameter grows by this factor.
    flips
        The axes (0 is z) that are mirrored.
    gamma
        The exponent by which values are raised.
    noise_sigma, noise_seed
        Gaussian noise and where it starts.
    """

    rotation_zyx_rad: tuple[float, float, float]
    scale: float
    flips: tuple[int, ...]
    gamma: float
    noise_sigma: float
    noise_seed: int


def draw_augmentation(plan: AugmentationPlan, /, *, generator: np.random.Generator) -> Augmentation | None:
    """Draw a variation, or ``None`` for a patch that stays as it is.

    :implements: SRS-TRAIN-008, SDS-TRAIN-006

    Parameters
    ----------
    plan
        How far to vary.
    generator
        Draws; its state decides the variation.
    """
    if generator.random() >= plan.probability:
        return None
    limit = math.radians(plan.rotation_degrees)
    z, y, x = generator.uniform(-limit, limit, size=3).tolist()
    return Augmentation(
        rotation_zyx_rad=(z, y, x),
        scale=float(generator.uniform(*plan.scale)),
        flips=tuple(axis for axis in range(3) if generator.random() < 0.5),  # noqa: PLR2004
        gamma=float(generator.uniform(*plan.gamma)),
        noise_sigma=plan.noise_sigma,
        noise_seed=int(generator.integers(2**63)),
    )


def apply_augmentation(
    values: NDArray[np.float32], mask: NDArray[np.bool_] | None, augmentation: Augmentation, /
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Vary a patch and its mask together with MONAI's transforms.

    :implements: SRS-TRAIN-008, SDS-TRAIN-006

    Parameters
    ----------
    values
        ``(z, y, x)`` float32 in [0, 1].
    mask
        ``(z, y, x)`` bool, or ``None``.
    augmentation
        The variation.

    Returns
    -------
    tuple
        Values (linear interpolation, edge voxels repeated, within [0, 1]) and mask (nearest neighbour).
    """
    image = torch.tensor(values)[None]
    image = torch.as_tensor(Flip(augmentation.flips)(_turn(augmentation, "bilinear", "border")(image)[0]))
    if float(image.max()) > float(image.min()):
        image = torch.as_tensor(AdjustContrast(gamma=augmentation.gamma)(image))
    noise = np.random.default_rng(augmentation.noise_seed).standard_normal(values.shape, dtype=np.float32)
    varied = np.clip(image[0].numpy() + np.float32(augmentation.noise_sigma) * noise, 0.0, 1.0)
    if mask is None:
        return varied, None
    label = torch.from_numpy(mask.astype(np.float32))[None]
    label = torch.as_tensor(Flip(augmentation.flips)(_turn(augmentation, "nearest", "zeros")(label)[0]))
    return varied, label[0].numpy() > 0.5  # noqa: PLR2004


def _turn(augmentation: Augmentation, mode: str, padding: str, /) -> Affine:
    # MONAI scales the sampling grid: a factor above 1 there shows more, and makes things smaller.
    step = 1 / augmentation.scale
    return Affine(
        rotate_params=augmentation.rotation_zyx_rad,
        scale_params=(step, step, step),
        mode=mode,
        padding_mode=padding,
    )
