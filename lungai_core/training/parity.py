"""On which patches an export is compared with its network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.modelpack.reference import reference_input
from lungai_core.training.lidc import load_lidc_nodules
from lungai_core.training.samples import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from lungai_core.domain.contract import InputContract

__all__ = ["Patches", "parity_patches"]

_SEED = 0
_FOLDS = 4


@dataclass(frozen=True, slots=True)
class Patches:
    """How many patches of which kind.

    :implements: SRS-TRAIN-002, SDS-TRAIN-001

    Parameters
    ----------
    random
        Patches of uniform random values.
    real
        Patches of real nodules; 0 are taken where ``nodules`` is absent.
    nodules
        A folder of the layout ``lidc_nodules``.
    """

    random: int
    real: int = 0
    nodules: Path | None = None


def parity_patches(patches: Patches, /, *, contract: InputContract) -> Iterator[NDArray[np.float32]]:
    """Make the reference input, seeded random patches, and patches of real nodules.

    :implements: SRS-TRAIN-002, SDS-TRAIN-001

    Parameters
    ----------
    patches
        How many.
    contract
        Size, spacing and window.

    Yields
    ------
    numpy.ndarray
        ``(1, 1, z, y, x)`` float32 in [0, 1].
    """
    yield reference_input(contract)
    generator = np.random.default_rng(_SEED)
    for _ in range(patches.random):
        yield generator.random((1, 1, *contract.size_zyx), dtype=np.float32)
    if patches.nodules is None or patches.real == 0:
        return
    samples = load_lidc_nodules(patches.nodules, limit_per_fold=-(-patches.real // _FOLDS))
    for sample in samples[: patches.real]:
        yield prepare(sample, contract=contract).values[np.newaxis, np.newaxis].copy()
