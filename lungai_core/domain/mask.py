"""A nodule's voxels as run lengths on the CT's own grid: exact, readable, and small enough for a JSON file."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.domain.geometry import Shape

__all__ = ["MaskBox", "box_voxels", "decode_mask", "encode_mask"]

_Count = Annotated[int, Field(ge=0)]
_Size = Annotated[int, Field(ge=1)]


class MaskBox(FrozenModel):
    """The voxels of one nodule inside their bounding box on the grid of the CT series.

    :implements: SRS-DOM-010, SDS-DOM-010

    ``lower_zyx`` is the box's first voxel in the CT's array, ``shape_zyx`` its size. ``runs`` are the lengths of
    alternating runs of outside and inside voxels in C order, beginning with outside (the first run may be 0).
    """

    lower_zyx: tuple[_Count, _Count, _Count]
    shape_zyx: tuple[_Size, _Size, _Size]
    runs: tuple[_Count, ...]

    @model_validator(mode="after")
    def _runs_fill_the_box(self) -> Self:
        z, y, x = self.shape_zyx
        if sum(self.runs) != z * y * x:
            message = "the runs must add up to the number of voxels of the box"
            raise ValueError(message)
        return self

    @property
    def voxel_count(self) -> int:
        """The number of voxels inside the nodule."""
        return sum(self.runs[1::2])


def encode_mask(mask: NDArray[np.bool_], /) -> MaskBox | None:
    """Return the bounding box and run lengths of a mask; ``None`` where no voxel is set.

    :implements: SRS-DOM-010, SDS-DOM-010

    Parameters
    ----------
    mask
        ``(z, y, x)`` bool on the grid of the CT series.
    """
    if not mask.any():
        return None
    extents = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    lower = [int(extent[0]) for extent in extents]
    upper = [int(extent[-1]) + 1 for extent in extents]
    flat = mask[tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))].reshape(-1)
    borders = [0, *(np.flatnonzero(flat[1:] != flat[:-1]) + 1).tolist(), flat.size]
    runs = [after - before for before, after in pairwise(borders)]
    if flat[0]:
        runs.insert(0, 0)
    return MaskBox(
        lower_zyx=(lower[0], lower[1], lower[2]),
        shape_zyx=(upper[0] - lower[0], upper[1] - lower[1], upper[2] - lower[2]),
        runs=tuple(runs),
    )


def decode_mask(box: MaskBox, /, *, shape_zyx: Shape) -> NDArray[np.bool_]:
    """Return the mask on the whole grid of the CT series.

    :implements: SRS-DOM-010, SDS-DOM-010

    Parameters
    ----------
    shape_zyx
        Shape of the CT volume; the box must lie inside it.

    Returns
    -------
    numpy.ndarray
        ``(z, y, x)`` bool.

    Raises
    ------
    ValueError
        If the box reaches beyond ``shape_zyx``.
    """
    upper = [low + size for low, size in zip(box.lower_zyx, box.shape_zyx, strict=True)]
    if any(end > size for end, size in zip(upper, shape_zyx, strict=True)):
        message = f"the mask's box ends at {tuple(upper)}, beyond the volume's shape {shape_zyx}"
        raise ValueError(message)
    mask = np.zeros(shape_zyx, dtype=np.bool_)
    window = tuple(slice(low, end) for low, end in zip(box.lower_zyx, upper, strict=True))
    mask[window] = box_voxels(box)
    return mask


def box_voxels(box: MaskBox, /) -> NDArray[np.bool_]:
    """Return the mask inside its bounding box.

    :implements: SRS-DOM-010, SDS-DOM-010

    Returns
    -------
    numpy.ndarray
        ``box.shape_zyx`` bool.
    """
    inside = np.arange(len(box.runs)) % 2 == 1
    return np.repeat(inside, box.runs).reshape(box.shape_zyx)
