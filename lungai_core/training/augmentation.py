"""Variations of a training patch, drawn as a value first, so that they can be repeated and looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from monai.networks.layers.spatial_transforms import AffineTransform
from monai.transforms.intensity.array import AdjustContrast
from monai.transforms.utils import create_rotate

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
    shift_zyx_voxels
        Where the patch's centre comes to lie, from the nodule's centre.
    gamma
        The exponent by which values are raised.
    noise_sigma, noise_seed
        Gaussian noise and where it starts.
    """

    rotation_zyx_rad: tuple[float, float, float]
    scale: float
    flips: tuple[int, ...]
    shift_zyx_voxels: tuple[float, float, float]
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
    down, back, left = generator.uniform(-plan.shift_mm, plan.shift_mm, size=3).tolist()
    return Augmentation(
        rotation_zyx_rad=(z, y, x),
        scale=float(generator.uniform(*plan.scale)),
        flips=tuple(axis for axis in range(3) if generator.random() < 0.5),  # noqa: PLR2004 - one half
        shift_zyx_voxels=(down, back, left),
        gamma=float(generator.uniform(*plan.gamma)),
        noise_sigma=float(generator.uniform(0.0, plan.noise_sigma)),
        noise_seed=int(generator.integers(2**63)),
    )


def apply_augmentation(
    values: NDArray[np.float32], mask: NDArray[np.bool_] | None, augmentation: Augmentation, /, *, edge: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Vary a patch and its mask together with MONAI's transforms.

    :implements: SRS-TRAIN-008, SDS-TRAIN-006

    Parameters
    ----------
    values
        ``(z, y, x)`` float32 in [0, 1]; best larger than the result, so that what turns or moves in is real.
    mask
        ``(z, y, x)`` bool, or ``None``.
    augmentation
        The variation.
    edge
        Voxels along each edge of the result, which has the same centre.

    Returns
    -------
    tuple
        Values (linear interpolation, edge voxels repeated, within [0, 1]) and mask (the same interpolation, at least
        one half).
    """
    layers = [values] if mask is None else [values, mask.astype(np.float32)]
    pull = _pull(augmentation, size=values.shape[0], edge=edge)
    turned = _RESAMPLE(torch.from_numpy(np.stack(layers))[None], pull, spatial_size=(edge, edge, edge))
    image = turned[:, 0]
    if float(image.max()) > float(image.min()):
        image = torch.as_tensor(AdjustContrast(gamma=augmentation.gamma)(image))
    noise = np.random.default_rng(augmentation.noise_seed).standard_normal((edge, edge, edge), dtype=np.float32)
    varied = np.clip(image[0].numpy() + np.float32(augmentation.noise_sigma) * noise, 0.0, 1.0)
    return varied, None if mask is None else turned[0, 1].numpy() >= 0.5  # noqa: PLR2004 - half of the voxel


# Coordinates run from -1 to 1 between the outer faces of the patch, in the order z, y, x.
_RESAMPLE = AffineTransform(mode="bilinear", padding_mode="border", normalized=True, align_corners=False)


def _pull(augmentation: Augmentation, /, *, size: int, edge: int) -> torch.Tensor:
    # From a place in the result to the place in the patch that it is taken from: a step below 1 makes things larger.
    mirror = np.diag([-1.0 if axis in augmentation.flips else 1.0 for axis in range(3)] + [1.0])
    pull = create_rotate(3, augmentation.rotation_zyx_rad) @ mirror
    pull[:3, :3] *= edge / size / augmentation.scale
    pull[:3, 3] = np.asarray(augmentation.shift_zyx_voxels) * 2 / size
    return torch.from_numpy(pull.astype(np.float32))
