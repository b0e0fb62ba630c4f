"""A network, loaded once and used for many cases from any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np

from lungai_core.domain.case_report import ComputeMode, Execution, ModelIdentity
from lungai_core.errors import DeviceMemoryError, EngineClosedError, ModelOutputError
from lungai_core.inference.memory import fitting_batch_sizes
from lungai_core.inference.providers import OnOutOfMemory, Precision, ProviderPolicy
from lungai_core.inference.session import open_session
from lungai_core.modelpack.reference import check_reference, reference_input
from lungai_core.preprocess.kernels import Kernel, block_function

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from numpy.typing import NDArray

    from lungai_core.domain.patch import Patch
    from lungai_core.inference.session import NetworkSession
    from lungai_core.modelpack.pack import ModelPack
    from lungai_core.modelpack.reference import ReferenceOutputs

__all__ = ["InferenceEngine", "NetworkAnswer", "require_finite"]

# How far float16 may be from the float32 reference, absolute and relative: measured differences are below 0.01.
_HALF_TOLERANCE = 0.02
# So many patches and answers are held at a time, whatever the number of candidates: 7 MB each for 96 voxels a side.
_GROUP_SIZE = 40


@dataclass(frozen=True, slots=True, eq=False)
class NetworkAnswer:
    """The network's outputs for one patch; ``None`` where the model has no such output.

    :implements: SRS-INFER-001, SDS-INFER-001

    Parameters
    ----------
    malignancy_logit
        Before calibration.
    diameter_mm
        The diameter head's value, mm.
    mask_logit
        ``(z, y, x)`` float32 on the patch grid.
    evidence
        ``(z, y, x)`` float32 class-activation map on a coarser grid that covers the patch.
    features
        ``(F,)`` float32 pooled features.
    texture_logits
        ``(3,)`` float32: solid, part-solid, ground-glass.
    """

    malignancy_logit: float
    diameter_mm: float | None
    mask_logit: NDArray[np.float32] | None
    evidence: NDArray[np.float32] | None
    features: NDArray[np.float32] | None
    texture_logits: NDArray[np.float32] | None = None


class InferenceEngine:
    """A verified network on a provider that was found to work, with its self-test passed.

    :implements: SRS-INFER-001, SRS-INFER-002, SDS-INFER-001

    Use :meth:`open` in a ``with`` statement. One engine serves any number of threads.
    """

    def __init__(self, pack: ModelPack, session: NetworkSession, *, policy: ProviderPolicy, self_test: float) -> None:
        self._pack = pack
        self._session: NetworkSession | None = session
        self._policy = policy
        self._info = session.info
        self._sizes = fitting_batch_sizes(session.batch_sizes, pack=pack, policy=policy, info=session.info)
        self._self_test = self_test
        self._pool = ThreadPoolExecutor(max_workers=policy.workers, thread_name_prefix="lungai-engine")

    @classmethod
    def open(cls, pack: ModelPack, /, *, policy: ProviderPolicy | None = None) -> Self:
        """Load a network and run its self-test.

        :implements: SRS-INFER-001, SRS-INFER-003, SDS-INFER-001

        Parameters
        ----------
        pack
            A verified pack, from :func:`lungai_core.modelpack.pack.open_pack`.
        policy
            Which providers are allowed; CUDA before CPU where absent.

        Raises
        ------
        ProviderUnavailableError
            If none of the allowed providers works.
        ModelTensorError
            If the graph does not fit its contract.
        ReferenceMismatchError
            If the network does not give the pack's reference outputs on this provider.
        MissingDependencyError
            If the runtime or the kernel of the policy is not installed.
        DeviceMemoryError
            If by the pack's own statement one patch needs more memory than the policy allows.
        """
        policy = policy or ProviderPolicy()
        block_function(policy.kernel)  # loaded, or refused, before the first case
        session = open_session(pack, policy=policy)
        sizes = fitting_batch_sizes(session.batch_sizes, pack=pack, policy=policy, info=session.info)
        difference = max(_self_test(pack, session, size=size, policy=policy) for size in sizes)
        return cls(pack, session, policy=policy, self_test=difference)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the network. Calling it twice is allowed.

        :implements: SRS-INFER-001, SDS-INFER-001
        """
        self._session = None
        self._pool.shutdown()

    @property
    def pack(self) -> ModelPack:
        """The model."""
        return self._pack

    @property
    def model(self) -> ModelIdentity:
        """The model's identity, as it stands in each report."""
        return ModelIdentity(
            name=self._pack.contract.model_name,
            version=self._pack.contract.model_version,
            trained=self._pack.card.trained,
            sha256=self._pack.sha256,
            contract_sha256=self._pack.contract_sha256,
        )

    @property
    def kernel(self) -> Kernel:
        """What samples the patches for this engine."""
        return self._policy.kernel

    @property
    def execution(self) -> Execution:
        """What the network runs on, as it stands in each report."""
        on_gpu = self._info.provider.is_gpu
        return Execution(
            runtime=self._info.runtime,
            runtime_version=self._info.runtime_version,
            provider=self._info.provider.value,
            fallback=self._info.fallback,
            mode=ComputeMode.FAST if on_gpu else ComputeMode.REPRODUCIBLE,
            batch_size=self._sizes[-1],
            threads=0 if on_gpu else 1,
            kernel=self.kernel.value,
            precision=self._info.precision.value,
        )

    @property
    def group_size(self) -> int:
        """How many patches a caller shall sample and give at a time, so that its memory does not grow with the case."""
        largest = self._sizes[-1]
        return largest * max(1, _GROUP_SIZE // largest)

    @property
    def self_test_difference(self) -> float:
        """The largest difference from the pack's reference outputs when the engine was opened."""
        return self._self_test

    def infer(self, patches: Sequence[Patch], /) -> tuple[NetworkAnswer, ...]:
        """Run the network on patches.

        :implements: SRS-INFER-001, SRS-INFER-004, SDS-INFER-001, SDS-INFER-003

        On the CPU the patches are spread over the policy's workers, each patch computed by one thread on its own, so
        that neither their number nor their order changes a bit. On a GPU they go in batches of fixed sizes; where a
        batch does not fit the memory, the next smaller size is tried, or an error raised, as the policy says.

        Parameters
        ----------
        patches
            Patches of the contract's size; may be empty.

        Returns
        -------
        tuple of NetworkAnswer
            One for each patch, in the same order. Values are not checked: see :func:`require_finite`.

        Raises
        ------
        EngineClosedError
            If the engine was closed.
        DeviceMemoryError
            If one patch alone does not fit the device, or a batch where the policy allows no smaller one.
        """
        session = self._session
        if session is None:
            raise EngineClosedError(
                "The inference engine was closed.",
                where="InferenceEngine.infer",
                allowed="calls inside the `with` block",
                remedy="Open a new engine with InferenceEngine.open.",
            )
        if self._info.provider.is_gpu:
            return self._in_batches(session, patches)
        runs = self._pool.map(lambda patch: session.run(patch.values[np.newaxis]), patches)
        return tuple(_answer(self._pack, outputs, index=0) for outputs in runs)

    def _in_batches(self, session: NetworkSession, patches: Sequence[Patch], /) -> tuple[NetworkAnswer, ...]:
        answers: list[NetworkAnswer] = []
        size = self._sizes[-1]
        while len(answers) < len(patches):
            batch = patches[len(answers) : len(answers) + size]
            try:
                outputs = session.run(np.stack([patch.values for patch in batch]))
            except DeviceMemoryError:
                smaller = [other for other in self._sizes if other < len(batch)]
                if not smaller or self._policy.on_out_of_memory is OnOutOfMemory.ERROR:
                    raise
                size = smaller[-1]
                continue
            answers.extend(_answer(self._pack, outputs, index=index) for index in range(len(batch)))
        return tuple(answers)


def require_finite(answer: NetworkAnswer, /, *, candidate_id: str) -> None:
    """Raise if an output of the network is not a finite number.

    :implements: SRS-INFER-004, SDS-INFER-003

    Parameters
    ----------
    candidate_id
        Named in the error.

    Raises
    ------
    ModelOutputError
        With the names of the outputs that hold NaN or infinity.
    """
    outputs = {field.name: getattr(answer, field.name) for field in fields(answer)}
    broken = [name for name, values in outputs.items() if values is not None and not np.isfinite(values).all()]
    if broken:
        raise ModelOutputError(
            "The network gave a value that is not a finite number.",
            where=f"candidate {candidate_id}, {', '.join(broken)}",
            allowed="finite numbers",
            remedy="Do not use this result. Run `lungai doctor`; if the self-test passes, report the model's defect.",
        )


def _self_test(pack: ModelPack, session: NetworkSession, /, *, size: int, policy: ProviderPolicy) -> float:
    """Compare every row of a batch of reference inputs; this also makes the runtime choose its algorithms for the size.

    A TensorRT engine is known to have given four answers for four equal rows (NVIDIA/TensorRT#4813).
    """
    expected = pack.reference
    if session.info.precision is Precision.FLOAT16:
        expected = expected.model_copy(
            update={"absolute_tolerance": _HALF_TOLERANCE, "relative_tolerance": _HALF_TOLERANCE}
        )
    batch = np.repeat(reference_input(pack.contract.input), size, axis=0)
    try:
        answers = session.run(batch)
    except DeviceMemoryError:
        if size == 1 or policy.on_out_of_memory is OnOutOfMemory.ERROR:
            raise
        return 0.0
    return max(_row_difference(pack, expected, answers, row=row) for row in range(size))


def _row_difference(
    pack: ModelPack, expected: ReferenceOutputs, answers: tuple[NDArray[np.float32], ...], /, *, row: int
) -> float:
    names = [tensor.name for tensor in pack.contract.outputs.tensors()]
    rows = [answer[row : row + 1] for answer in answers]
    return check_reference(expected, dict(zip(names, rows, strict=True)))


def _answer(pack: ModelPack, outputs: tuple[NDArray[np.float32], ...], /, *, index: int) -> NetworkAnswer:
    specs = pack.contract.outputs
    by_name = {spec.name: values[index] for spec, values in zip(specs.tensors(), outputs, strict=True)}
    diameter = by_name[specs.diameter_mm.name] if specs.diameter_mm else None
    return NetworkAnswer(
        malignancy_logit=float(by_name[specs.malignancy_logit.name]),
        diameter_mm=None if diameter is None else float(diameter),
        mask_logit=by_name[specs.mask_logit.name][0] if specs.mask_logit else None,
        evidence=by_name[specs.evidence.name][0] if specs.evidence else None,
        features=by_name[specs.features.name] if specs.features else None,
        texture_logits=by_name[specs.texture_logits.name] if specs.texture_logits else None,
    )
