"""One network on one provider: opened only there, checked against its contract, and asked for arrays."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lungai_core.errors import ProviderUnavailableError
from lungai_core.inference.device_session import DeviceSession
from lungai_core.inference.graph_checks import (
    GraphTensor,
    ProviderRefusedError,
    first_line,
    run_failure,
    session_tensors,
    unusable_graph,
)
from lungai_core.inference.providers import Provider, load_runtime, unavailable_reason
from lungai_core.inference.session_info import SessionInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.inference.providers import ProviderPolicy
    from lungai_core.modelpack.pack import ModelPack

__all__ = ["NetworkSession", "open_session"]


class NetworkSession(Protocol):
    """A loaded network.

    :implements: SRS-INFER-001, SDS-INFER-001
    """

    @property
    def info(self) -> SessionInfo:
        """What it runs on."""
        ...

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The batch sizes that it computes, ascending; a smaller batch is padded. One patch at a time on a CPU."""
        ...

    def run(self, batch: NDArray[np.float32], /) -> tuple[NDArray[np.float32], ...]:
        """Return the contract's outputs, in the contract's order, for ``(N, 1, z, y, x)`` float32 in [0, 1].

        :implements: SRS-INFER-001, SDS-INFER-001

        Raises
        ------
        DeviceMemoryError
            If the device has too little memory for the batch.
        """
        ...


def open_session(pack: ModelPack, /, *, policy: ProviderPolicy) -> NetworkSession:
    """Open the network on the first provider of the policy that works.

    :implements: SRS-INFER-002, SDS-INFER-002

    Parameters
    ----------
    policy
        Which providers are allowed, in order.

    Raises
    ------
    ProviderUnavailableError
        If none of the policy's providers works; the message holds the reason for each.
    ModelTensorError
        If the graph's inputs or outputs are not those of the contract.
    """
    reasons: list[str] = []
    for provider in policy.providers:
        reason = unavailable_reason(provider)
        if not reason:
            try:
                return _open_on(provider, pack, policy=policy, fallback="; ".join(reasons))
            except ProviderRefusedError as error:
                reason = str(error)
        reasons.append(f"{provider.value}: {reason}")
    raise ProviderUnavailableError(
        "No provider that the policy allows can run the network here.",
        where="; ".join(reasons),
        allowed=", ".join(provider.value for provider in policy.providers),
        remedy="Install the missing libraries (see `lungai doctor`), or allow the CPU.",
    )


def _open_on(provider: Provider, pack: ModelPack, /, *, policy: ProviderPolicy, fallback: str) -> NetworkSession:
    if provider.is_gpu:
        return DeviceSession(pack, provider=provider, policy=policy, fallback=fallback)
    if provider is Provider.OPENVINO:
        return _OpenVinoSession(pack, streams=policy.workers, fallback=fallback)
    return _CpuSession(pack, fallback=fallback)


class _CpuSession:
    """ONNX Runtime, one thread a patch: from three threads on, its sums differ in their last bits."""

    batch_sizes = (1,)

    def __init__(self, pack: ModelPack, /, *, fallback: str) -> None:
        runtime = load_runtime()
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        try:
            session = runtime.InferenceSession(pack.onnx, sess_options=options, providers=[Provider.CPU.value])
        # ONNX Runtime's exceptions share no base class but RuntimeError and Exception.
        except Exception as error:
            raise unusable_graph(first_line(error)) from error
        inputs = [GraphTensor(t.name, t.type, tuple(t.shape)) for t in session.get_inputs()]
        outputs = [GraphTensor(t.name, t.type, tuple(t.shape)) for t in session.get_outputs()]
        self._outputs = list(session_tensors(pack.contract, inputs=inputs, outputs=outputs))
        self._session = session
        self._input = pack.contract.input_tensor
        (used, *_) = session.get_providers()
        self._info = SessionInfo(Provider(used), "onnxruntime", str(runtime.__version__), fallback)

    @property
    def info(self) -> SessionInfo:
        return self._info

    def run(self, batch: NDArray[np.float32], /) -> tuple[NDArray[np.float32], ...]:
        try:
            answers = self._session.run(self._outputs, {self._input.name: batch.astype(self._input.dtype, copy=False)})
        except Exception as error:
            raise run_failure(error, patches=len(batch)) from error
        return tuple(np.asarray(answer, dtype=np.float32) for answer in answers)


class _OpenVinoSession:
    batch_sizes = (1,)

    def __init__(self, pack: ModelPack, /, *, streams: int, fallback: str) -> None:
        openvino = import_module("openvino")
        core = openvino.Core()
        model = core.read_model(pack.onnx)
        inputs = [GraphTensor(port.any_name, "", ()) for port in model.inputs]
        outputs = [GraphTensor(port.any_name, "", ()) for port in model.outputs]
        self._outputs = session_tensors(pack.contract, inputs=inputs, outputs=outputs)
        # float32 and one thread a stream, stated and not left to the plug-in, which would choose by the machine.
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": streams, "NUM_STREAMS": str(streams)}
        self._model = core.compile_model(model, "CPU", settings)
        self._info = SessionInfo(Provider.OPENVINO, "openvino", str(openvino.__version__), fallback)

    @property
    def info(self) -> SessionInfo:
        return self._info

    def run(self, batch: NDArray[np.float32], /) -> tuple[NDArray[np.float32], ...]:
        answers = self._model.create_infer_request().infer([batch])
        return tuple(np.array(answers[name], dtype=np.float32) for name in self._outputs)
