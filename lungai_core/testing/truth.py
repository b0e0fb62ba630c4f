"""The truth in place of the network: an engine whose masks and diameters are those of the phantom's nodules.

What such an engine reports depends on no training. Whatever is then wrong in a result was done by the software around
the network: reading, patches, placing on the CT, measures, files.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lungai_core.inference.engine import InferenceEngine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lungai_core.domain.geometry import Geometry
    from lungai_core.domain.patch import Patch
    from lungai_core.inference.engine import NetworkAnswer
    from lungai_core.inference.providers import ProviderPolicy
    from lungai_core.inference.session import NetworkSession
    from lungai_core.modelpack.pack import ModelPack
    from lungai_core.testing.phantom import PhantomNodule, PhantomSpec

__all__ = ["TruthEngine", "depth_mm"]


class TruthEngine(InferenceEngine):
    """An engine that is told the truth of the phantom at hand. It serves one case at a time.

    :implements: SRS-TEST-006, SDS-TEST-005

    The network runs all the same: malignancy, explanation and features are its own, and its own masks and diameters are
    kept in :attr:`answers`.
    """

    def __init__(self, pack: ModelPack, session: NetworkSession, *, policy: ProviderPolicy, self_test: float) -> None:
        super().__init__(pack, session, policy=policy, self_test=self_test)
        self._nodules: dict[str, PhantomNodule] = {}
        self._answers: dict[str, tuple[Patch, NetworkAnswer]] = {}

    def tell(self, spec: PhantomSpec, /) -> None:
        """Take a phantom's nodules as the truth from now on, and forget the answers of the case before.

        :implements: SRS-TEST-006, SDS-TEST-005

        Parameters
        ----------
        spec
            Of the phantom; a candidate has the identifier of its nodule.
        """
        self._nodules = {nodule.nodule_id: nodule for nodule in spec.nodules}
        self._answers = {}

    @property
    def answers(self) -> Mapping[str, tuple[Patch, NetworkAnswer]]:
        """What the network itself said since the last :meth:`tell`, by candidate, with its patch."""
        return self._answers

    def infer(self, patches: Sequence[Patch], /) -> tuple[NetworkAnswer, ...]:
        """Run the network, keep its answers, and return them with the true masks and diameters.

        :implements: SRS-TEST-006, SDS-TEST-005

        Parameters
        ----------
        patches
            Patches of candidates whose nodules were told.
        """
        answers = super().infer(patches)
        self._answers |= {patch.candidate_id: (patch, answer) for patch, answer in zip(patches, answers, strict=True)}
        return tuple(self._true(patch, answer) for patch, answer in zip(patches, answers, strict=True))

    def _true(self, patch: Patch, answer: NetworkAnswer, /) -> NetworkAnswer:
        nodule = self._nodules[patch.candidate_id]
        # The mask's border is where the logit reaches the contract's threshold, whatever that is.
        threshold = self.pack.contract.mask_probability.probability
        logit = depth_mm(nodule, patch.geometry) + np.float32(math.log(threshold / (1 - threshold)))
        return replace(
            answer,
            mask_logit=None if answer.mask_logit is None else logit,
            diameter_mm=None if answer.diameter_mm is None else nodule.diameter_mm,
        )


def depth_mm(nodule: PhantomNodule, geometry: Geometry, /) -> NDArray[np.float32]:
    """Return how deep each voxel centre lies under the nodule's surface, in mm; negative outside.

    :implements: SRS-TEST-006, SDS-TEST-005

    Parameters
    ----------
    nodule
        The truth; spicules do not count.
    geometry
        The grid.

    Returns
    -------
    numpy.ndarray
        ``geometry.shape_zyx`` float32.
    """
    center = geometry.index_from_lps(nodule.center_lps_mm)
    # Axes are orthogonal, so that squared distances along them add up.
    z, y, x = (
        ((np.arange(size) - middle) * spacing) ** 2
        for size, middle, spacing in zip(geometry.shape_zyx, center, geometry.spacing_zyx_mm, strict=True)
    )
    distance_mm = np.sqrt(z[:, None, None] + y[None, :, None] + x[None, None, :])
    depth: NDArray[np.float32] = (nodule.diameter_mm / 2 - distance_mm).astype(np.float32)
    return depth
