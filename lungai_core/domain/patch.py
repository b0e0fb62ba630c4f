"""A network's input, with the place it was taken from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lungai_core.domain.geometry import Geometry

__all__ = ["Patch"]


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """One candidate's surroundings on the grid of the model's contract.

    :implements: SRS-DOM-006, SDS-DOM-006

    Parameters
    ----------
    values
        ``(1, z, y, x)`` float32 in [0, 1]; made read-only here.
    geometry
        Where the patch lies in the patient; its axes are those of the volume, its spacing that of the contract.
    candidate_id
        The candidate that the patch is centred on.
    outside_fraction
        Share of the patch's voxels that lie outside the volume and hold the fill value, 0 to 1.
    """

    values: NDArray[np.float32]
    geometry: Geometry
    candidate_id: str
    outside_fraction: float

    def __post_init__(self) -> None:
        self.values.flags.writeable = False
