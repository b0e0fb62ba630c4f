"""Which code computes the values of patches and volumes: numpy calls, or the same arithmetic compiled by numba."""

from __future__ import annotations

from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from lungai_core.errors import MissingDependencyError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lungai_core.domain.volume import StoredArray
    from lungai_core.preprocess.interpolation import Plans, ValueMap

__all__ = ["BlockFunction", "Kernel", "block_function"]


class Kernel(StrEnum):
    """What computes interpolated values. Both give the same bits.

    :implements: SRS-PREP-007, SDS-PREP-004

    ``NUMBA`` takes about half the time of ``NUMPY`` a patch, after about a second to load it in each process: it pays
    for a process that samples hundreds of patches, and not for a single case. It needs the extra ``fast``.
    """

    NUMPY = "numpy"
    NUMBA = "numba"


class BlockFunction(Protocol):
    """Computes a block: the rows ``block`` of those inside the native grid, of all slices.

    :implements: SRS-PREP-007, SDS-PREP-004

    ``stored``, ``plans`` and ``out`` are those of :func:`lungai_core.preprocess.interpolation.interpolate`.
    """

    def __call__(
        self, stored: StoredArray, plans: Plans, block: slice, value_map: ValueMap, out: NDArray[np.float32], /
    ) -> None:
        """Write the values into ``out``."""


def block_function(kernel: Kernel, /) -> BlockFunction:
    """Return the function of a kernel. The first call for ``NUMBA`` loads it, or compiles it where no cache has it.

    :implements: SRS-PREP-007, SDS-PREP-004

    Raises
    ------
    MissingDependencyError
        If the kernel is numba's and the extra ``fast`` is not installed.
    """
    try:
        function: BlockFunction = import_module(f"lungai_core.preprocess.{kernel.value}_kernel").sample_block
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "The compiled kernel needs numba, which is not installed.",
            where="the package numba",
            allowed="Kernel.NUMPY, which gives the same values",
            remedy='Run: pip install "lungai-core[fast]"',
        ) from error
    return function
