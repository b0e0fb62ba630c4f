"""Checks that a model keeps its contract, for the test suite of whoever exports a network of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import ConformanceError
from lungai_core.inference.engine import InferenceEngine, require_finite
from lungai_core.inference.providers import ProviderPolicy
from lungai_core.inference.session import open_session
from lungai_core.preprocess.patch import extract_patch
from lungai_core.testing.phantom import PhantomNodule, PhantomSpec, make_phantom

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.domain.patch import Patch
    from lungai_core.inference.engine import NetworkAnswer
    from lungai_core.modelpack.pack import ModelPack

__all__ = ["ConformanceCheck", "require_conformance"]

_SPEC = PhantomSpec(
    shape_zyx=(40, 128, 128),
    spacing_zyx_mm=(6.0, 2.7, 2.7),
    nodules=(
        PhantomNodule(nodule_id="right", center_lps_mm=(-80.0, 5.0, 10.0), diameter_mm=14.0),
        PhantomNodule(nodule_id="left", center_lps_mm=(80.0, 5.0, -20.0), diameter_mm=8.0),
    ),
)


class ConformanceCheck(FrozenModel):
    """One promise of a contract and how far the model is from it.

    :implements: SRS-TEST-004, SDS-TEST-003

    ``difference`` is the largest one found, in the unit of the output; ``allowed`` the largest that passes.
    """

    name: str
    difference: float
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether the promise is kept; a value that is not a number keeps none."""
        return self.difference <= self.allowed


def require_conformance(pack: ModelPack, /, *, policy: ProviderPolicy | None = None) -> tuple[ConformanceCheck, ...]:
    """Run a model on phantom patches and raise unless it keeps each promise of its contract.

    :implements: SRS-TEST-004, SDS-TEST-003

    Two patches of a phantom are computed. Whether the answers are right is not asked: a phantom cannot tell.

    Parameters
    ----------
    pack
        A verified pack, from :func:`lungai_core.modelpack.pack.open_pack`.
    policy
        Which providers are allowed; the default policy where absent.

    Returns
    -------
    tuple of ConformanceCheck
        ``repeatable``: the same patches again give the same answer. ``batch``: patches in one batch answer as each
        alone. ``diameter``: no diameter is negative. ``head``: features times the contract's weights give the logit.
        ``evidence``: the mean of the evidence map plus the bias gives the logit. Those without such an output are
        left out.

    Raises
    ------
    ConformanceError
        If a promise is broken; it names each of them.
    ModelOutputError
        If an output is not a finite number.
    LungaiError
        As :meth:`lungai_core.inference.engine.InferenceEngine.open`.
    """
    phantom = make_phantom(_SPEC)
    candidates = phantom.candidates.candidates
    patches = tuple(extract_patch(phantom.volume, each, contract=pack.contract.input) for each in candidates)
    policy = policy or ProviderPolicy()
    with InferenceEngine.open(pack, policy=policy) as engine:
        answers, again = engine.infer(patches), engine.infer(patches)
    for candidate, answer in zip(candidates, answers, strict=True):
        require_finite(answer, candidate_id=candidate.candidate_id)
    checks = _checks(pack, answers, again, batch=_batch_logits(pack, patches, policy=policy))
    broken = [check for check in checks if not check.passed]
    if broken:
        raise ConformanceError(
            "The model breaks promises of its contract.",
            where="; ".join(f"{check.name}: {check.difference:.3g}" for check in broken),
            allowed="; ".join(f"{check.name}: {check.allowed:.3g}" for check in broken),
            remedy="Compare contract.json with the graph that was exported, and export the pack again.",
        )
    return checks


def _batch_logits(pack: ModelPack, patches: tuple[Patch, ...], /, *, policy: ProviderPolicy) -> NDArray[np.float64]:
    outputs = open_session(pack, policy=policy).run(np.stack([patch.values for patch in patches]))
    names = [tensor.name for tensor in pack.contract.outputs.tensors()]
    return np.asarray(outputs[names.index(pack.contract.outputs.malignancy_logit.name)], dtype=np.float64)


def _checks(
    pack: ModelPack,
    answers: tuple[NetworkAnswer, ...],
    again: tuple[NetworkAnswer, ...],
    /,
    *,
    batch: NDArray[np.float64],
) -> tuple[ConformanceCheck, ...]:
    logits = np.array([answer.malignancy_logit for answer in answers])
    tolerance = pack.reference.absolute_tolerance + pack.reference.relative_tolerance * float(np.abs(logits).max())
    diameters_mm = [answer.diameter_mm for answer in answers if answer.diameter_mm is not None]
    differences = {
        "repeatable": logits - np.array([answer.malignancy_logit for answer in again]),
        "batch": logits - batch,
        "diameter": np.minimum(diameters_mm, 0.0),
        **_parts_of_the_logit(pack, answers, logits),
    }
    return tuple(
        ConformanceCheck(name=name, difference=float(np.abs(values).max()), allowed=tolerance)
        for name, values in differences.items()
        if len(values)
    )


def _parts_of_the_logit(
    pack: ModelPack, answers: tuple[NetworkAnswer, ...], logits: NDArray[np.float64], /
) -> dict[str, NDArray[np.float64]]:
    head = pack.contract.head
    if head is None:
        return {}
    features = [answer.features for answer in answers if answer.features is not None]
    maps = [answer.evidence for answer in answers if answer.evidence is not None]
    found = {"head": logits - np.array([np.dot(values, head.weights) + head.bias for values in features])}
    if maps:
        found["evidence"] = logits - np.array([np.mean(values, dtype=np.float64) + head.bias for values in maps])
    return found
