"""The part of a model's contract that says what its input looks like. It is the only place where these numbers live."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from lungai_core.domain.geometry import Shape, Vector
from lungai_core.domain.model import FrozenModel

__all__ = ["InputContract"]

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
