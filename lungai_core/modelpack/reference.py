"""What a model must answer to a known input: the self-test that tells a broken runtime from a sound one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import ReferenceMismatchError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lungai_core.domain.contract import InputContract

__all__ = ["ReferenceOutputs", "ReferenceTensor", "check_reference", "reference_input", "sample_reference"]

_SAMPLES_PER_TENSOR = 64
_LATTICE_PERIOD = 997


class ReferenceTensor(FrozenModel):
    """Expected values of one output at evenly spread flat (C order) indices.

    :implements: SRS-PACK-005, SDS-PACK-003
    """

    name: str
    shape: tuple[int, ...]
    indices: tuple[Annotated[int, Field(ge=0)], ...]
    values: tuple[float, ...]


class ReferenceOutputs(FrozenModel):
    """The expected answer to :func:`reference_input`.

    :implements: SRS-PACK-005, SDS-PACK-003

    A value passes when it differs by at most ``absolute_tolerance + relative_tolerance * |expected|``.
    """

    schema_version: Literal["lungai-reference/1"] = "lungai-reference/1"
    input: Literal["lungai-lattice-sphere/1"] = "lungai-lattice-sphere/1"
    absolute_tolerance: Annotated[float, Field(gt=0)]
    relative_tolerance: Annotated[float, Field(ge=0)]
    outputs: Annotated[tuple[ReferenceTensor, ...], Field(min_length=1)]


def reference_input(contract: InputContract, /) -> NDArray[np.float32]:
    """Make the input ``lungai-lattice-sphere/1`` of the self-test.

    :implements: SRS-PACK-005, SDS-PACK-003

    A lattice of integers modulo 997 as texture, and a bright sphere of 10 mm radius in the middle. It is made of exact
    integer arithmetic and one division, so that every machine gives the same bits.

    Parameters
    ----------
    contract
        Gives the size and spacing.

    Returns
    -------
    numpy.ndarray
        ``(1, 1, z, y, x)`` float32 in [0, 1].
    """
    z, y, x = np.ogrid[tuple(slice(size) for size in contract.size_zyx)]
    lattice = (z * 283 + y * 151 + x * 73) % _LATTICE_PERIOD
    steps_um = [round(step * 1000) for step in contract.spacing_zyx_mm]
    offsets_um = [
        (2 * axis - (size - 1)) * step for axis, size, step in zip((z, y, x), contract.size_zyx, steps_um, strict=True)
    ]
    # Offsets are doubled to stay whole numbers, so the radius of 10 mm is 20 000 here.
    inside = sum(offset.astype(np.int64) ** 2 for offset in offsets_um) <= 20_000**2
    values = np.where(inside, 3 * _LATTICE_PERIOD + lattice, lattice).astype(np.float32)
    patch: NDArray[np.float32] = values / np.float32(4 * _LATTICE_PERIOD)
    return patch[np.newaxis, np.newaxis]


def sample_reference(name: str, values: NDArray[np.float32], /) -> ReferenceTensor:
    """Keep at most 64 evenly spread values of an output.

    :implements: SRS-PACK-005, SDS-PACK-003

    Parameters
    ----------
    name
        The output's tensor name.
    values
        The output for :func:`reference_input`, with its batch axis of size 1.
    """
    flat = values.reshape(-1)
    indices = np.unique(np.linspace(0, flat.size - 1, num=min(_SAMPLES_PER_TENSOR, flat.size)).round().astype(np.int64))
    return ReferenceTensor(
        name=name,
        shape=tuple(int(size) for size in values.shape),
        indices=tuple(int(index) for index in indices),
        values=tuple(float(value) for value in flat[indices]),
    )


def check_reference(expected: ReferenceOutputs, outputs: Mapping[str, NDArray[np.float32]], /) -> float:
    """Compare a runtime's outputs with the expected ones.

    :implements: SRS-PACK-005, SDS-PACK-003

    Parameters
    ----------
    expected
        The pack's ``reference.json``.
    outputs
        Each output by its tensor name, for :func:`reference_input`.

    Returns
    -------
    float
        The largest absolute difference found.

    Raises
    ------
    ReferenceMismatchError
        If an output is absent, has another shape, is not finite, or differs by more than the tolerance.
    """
    worst = 0.0
    for tensor in expected.outputs:
        found = outputs.get(tensor.name)
        if found is None or found.shape != tensor.shape:
            shape = "absent" if found is None else str(found.shape)
            raise _mismatch(f"The output has another shape than expected ({shape}).", tensor.name, f"{tensor.shape}")
        wanted = np.asarray(tensor.values)
        difference = np.abs(found.reshape(-1)[list(tensor.indices)].astype(np.float64) - wanted)
        limit = expected.absolute_tolerance + expected.relative_tolerance * np.abs(wanted)
        # Written so that NaN fails.
        if not bool(np.all(difference <= limit)):
            largest = float(np.max(difference))
            raise _mismatch(
                f"The model does not give its reference outputs here (largest difference {largest:.3g}).",
                tensor.name,
                f"at most {expected.absolute_tolerance:g} + {expected.relative_tolerance:g} x |expected|",
            )
        worst = max(worst, float(np.max(difference)))
    return worst


def _mismatch(what: str, tensor: str, allowed: str, /) -> ReferenceMismatchError:
    return ReferenceMismatchError(
        what,
        where=f"output {tensor}",
        allowed=allowed,
        remedy="Use no result of this runtime: update or replace the ONNX Runtime, driver or device, and try again.",
    )
