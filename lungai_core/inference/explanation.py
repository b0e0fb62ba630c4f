"""The class-activation map of a patch as a map in patient space."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.domain.case_report import ExplanationMap, Grid
from lungai_core.domain.geometry import Geometry

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.inference.masks import NoduleVoxels

__all__ = ["explanation_map"]

_LEVELS = 255


def explanation_map(
    evidence: NDArray[np.float32], /, *, patch: Geometry, nodule: NoduleVoxels, volume: Geometry
) -> ExplanationMap:
    """Place the network's evidence for malignancy in the patient.

    :implements: SRS-INFER-007, SDS-INFER-007

    For a linear head on pooled features the class-activation map equals Grad-CAM at the pooled layer (Zhou et al. 2016,
    Selvaraju et al. 2017) and needs no gradient: it is an output of the graph. Its positive part is kept.

    Parameters
    ----------
    evidence
        ``(z, y, x)`` float32; its voxels cover the patch, each as large as several of the patch's.
    patch
        Grid of the patch.
    nodule
        The nodule's voxels, for the share of the map that lies in them.
    volume
        Grid of the CT.
    """
    positive = np.maximum(evidence.astype(np.float64), 0)
    scale = float(positive.max())
    levels = np.rint(positive * (_LEVELS / scale)).astype(np.uint8) if scale > 0 else positive.astype(np.uint8)
    grid = _coarse_grid(patch, shape=evidence.shape)
    return ExplanationMap(
        method="class_activation_map",
        grid=Grid.from_geometry(grid),
        scale=float(f"{scale:.6g}"),
        values=tuple(levels.reshape(-1).tolist()),
        mass_inside_mask=_mass_inside(positive, grid=grid, nodule=nodule, volume=volume),
    )


def _coarse_grid(patch: Geometry, /, *, shape: tuple[int, ...]) -> Geometry:
    z, y, x = shape
    ratio = np.asarray(patch.shape_zyx) / np.asarray(shape)
    spacing = tuple(float(step) for step in np.asarray(patch.spacing_zyx_mm) * ratio)
    # The first coarse voxel's centre lies amid the patch voxels that it covers.
    origin = patch.lps_from_index((ratio - 1) / 2)
    return Geometry(
        shape_zyx=(z, y, x),
        spacing_zyx_mm=(spacing[0], spacing[1], spacing[2]),
        origin_lps_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        axes_zyx_lps=patch.axes_zyx_lps,
    )


def _mass_inside(
    positive: NDArray[np.float64], *, grid: Geometry, nodule: NoduleVoxels, volume: Geometry
) -> float | None:
    total = float(positive.sum())
    if total <= 0 or not nodule.inside.any():
        return None
    # The axes of the two grids are parallel, so that each index of a coarse voxel depends on one index of the nodule's.
    origin = grid.index_from_lps(volume.lps_from_index(nodule.lower_zyx))
    step = grid.index_from_lps(volume.lps_from_index(np.asarray(nodule.lower_zyx) + 1)) - origin
    places = [
        np.clip(np.rint(origin[axis] + step[axis] * found), 0, size - 1).astype(np.intp)
        for axis, (found, size) in enumerate(zip(np.nonzero(nodule.inside), grid.shape_zyx, strict=True))
    ]
    counts = np.bincount(np.ravel_multi_index(places, grid.shape_zyx), minlength=positive.size).reshape(positive.shape)
    share = np.minimum(counts * (math.prod(volume.spacing_zyx_mm) / math.prod(grid.spacing_zyx_mm)), 1)
    return round(float((positive * share).sum()) / total, 6)
