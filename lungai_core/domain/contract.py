"""The part of a model's contract that says what its input looks like. It is the only place where these numbers live."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from lungai_core.domain.geometry import Shape, Vector
from lungai_core.domain.model import FrozenModel

__all__ = [
    "PREPROCESSING_ALGORITHM",
    "InputContract",
    "InputLimits",
    "KernelLimit",
    "LimitAction",
    "RangeLimit",
    "preprocessing_sha256",
]

# Names how `preprocess` turns a contract into voxels: trilinear between centres, clip, linear map. A change of any
# output bit there needs a new name here, and then every released model refuses to run until it has been verified again.
PREPROCESSING_ALGORITHM = "lungai-patch/1"

_Positive = Annotated[float, Field(gt=0)]


class InputContract(FrozenModel):
    """How a CT volume becomes a network's input patch.

    :implements: SRS-DOM-005, SDS-DOM-005

    A patch has ``size_zyx`` voxels of ``spacing_zyx_mm``, centred on the candidate. HU are clipped to
    ``[lower_hu, upper_hu]`` and mapped linearly to ``[0, 1]``; voxels outside the volume count as ``fill_hu``.
    """

    size_zyx: Shape
    spacing_zyx_mm: tuple[_Positive, _Positive, _Positive]
    lower_hu: float
    upper_hu: float
    fill_hu: float

    @model_validator(mode="after")
    def _window_is_not_empty(self) -> Self:
        if self.lower_hu >= self.upper_hu or min(self.size_zyx) < 1:
            message = "lower_hu must be below upper_hu, and each size at least 1"
            raise ValueError(message)
        return self

    @property
    def extent_zyx_mm(self) -> Vector:
        """The edge lengths of a patch in mm, voxel border to voxel border."""
        z, y, x = (size * step for size, step in zip(self.size_zyx, self.spacing_zyx_mm, strict=True))
        return z, y, x


class LimitAction(StrEnum):
    """What happens to a case that lies outside a limit.

    :implements: SRS-DOM-007, SDS-DOM-007
    """

    REFUSE = "refuse"
    FLAG = "flag"


class RangeLimit(FrozenModel):
    """The closed range in which a measured property of a CT volume must lie.

    :implements: SRS-DOM-007, SDS-DOM-007

    ``lower`` or ``upper`` may be absent, not both. Their unit is that of the property.
    """

    action: LimitAction
    lower: float | None = None
    upper: float | None = None

    @model_validator(mode="after")
    def _range_is_not_empty(self) -> Self:
        if self.lower is None and self.upper is None:
            message = "a limit needs lower or upper"
            raise ValueError(message)
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            message = "lower must not exceed upper"
            raise ValueError(message)
        return self

    def contains(self, value: float, /) -> bool:
        """Tell whether a measured value lies in the range, its ends included.

        :implements: SRS-DOM-007, SDS-DOM-007
        """
        return (self.lower is None or value >= self.lower) and (self.upper is None or value <= self.upper)


class KernelLimit(FrozenModel):
    """The convolution kernels of a reconstruction that a model was verified with.

    :implements: SRS-DOM-007, SDS-DOM-007

    A kernel is accepted if it equals one of ``accepted``; upper and lower case are the same.
    """

    action: LimitAction
    accepted: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]


class InputLimits(FrozenModel):
    """Which CT volumes a model was verified with, and what happens to others. An absent limit limits nothing.

    :implements: SRS-DOM-007, SDS-DOM-007

    ``slice_spacing_mm`` is the distance between neighbouring slices, ``slice_thickness_mm`` the SliceThickness
    (0018,0050) of the series, ``scan_length_mm`` the extent along the slice normal. ``lowest_hu`` and ``highest_hu``
    limit the smallest and the largest HU of the volume (padding apart). ``lung_air_fraction`` is the share of voxels
    between -950 and -700 HU: aerated lung.
    """

    slice_spacing_mm: RangeLimit | None = None
    slice_thickness_mm: RangeLimit | None = None
    pixel_spacing_mm: RangeLimit | None = None
    scan_length_mm: RangeLimit | None = None
    lowest_hu: RangeLimit | None = None
    highest_hu: RangeLimit | None = None
    lung_air_fraction: RangeLimit | None = None
    convolution_kernel: KernelLimit | None = None


def preprocessing_sha256(contract: InputContract, /) -> str:
    """Return the identity of a preprocessing: its numbers and the name of its algorithm.

    :implements: SRS-DOM-009, SDS-DOM-009

    Parameters
    ----------
    contract
        The input contract.

    Returns
    -------
    str
        64 hexadecimal digits: the SHA-256 of the canonical JSON (sorted keys, no spaces, ASCII) of the contract and
        ``PREPROCESSING_ALGORITHM``.
    """
    identity = {"algorithm": PREPROCESSING_ALGORITHM, "input": contract.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(identity, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
