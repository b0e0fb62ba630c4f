"""One network on one provider: opened only there, checked against its contract, and asked for arrays."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lungai_core.errors import DeviceMemoryError, ModelTensorError, ProviderUnavailableError
from lungai_core.inference.providers import Provider, load_runtime, unavailable_reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.inference.providers import ProviderPolicy
    from lungai_core.modelpack.contract import ModelContract, TensorSpec
    from lungai_core.modelpack.pack import ModelPack

__all__ = ["NetworkSession", "SessionInfo", "open_session"]

_OUT_OF_MEMORY = ("out of memory", "Failed to allocate memory", "CUDA_ERROR_OUT_OF_MEMORY", "bad allocation")
_ORT_TYPES = {"float32": "tensor(float)", "float16": "tensor(float16)"}


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What a session really runs on.

    :implements: SRS-INFER-002, SDS-INFER-002

    Parameters
    ----------
    provider
        The provider that the loaded session reports.
    runtime, runtime_version
        The library that computes.
    fallback
        Why providers before this one in the policy were not used; empty if it was the first.
    """

    provider: Provider
    runtime: str
    runtime_version: str
    fallback: str


class NetworkSession(Protocol):
    """A loaded network.

    :implements: SRS-INFER-001, SDS-INFER-001
    """

    @property
    def info(self) -> SessionInfo:
        """What it runs on."""
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
            except _ProviderRefusedError as error:
                reason = str(error)
        reasons.append(f"{provider.value}: {reason}")
    raise ProviderUnavailableError(
        "No provider that the policy allows can run the network here.",
        where="; ".join(reasons),
        allowed=", ".join(provider.value for provider in policy.providers),
        remedy="Install the missing libraries (see `lungai doctor`), or allow the CPU.",
    )


class _ProviderRefusedError(Exception):
    """A provider looked available and failed to load the network."""


def _open_on(provider: Provider, pack: ModelPack, /, *, policy: ProviderPolicy, fallback: str) -> NetworkSession:
    if provider is Provider.OPENVINO:
        return _OpenVinoSession(pack, streams=policy.workers, fallback=fallback)
    return _OnnxRuntimeSession(pack, provider=provider, policy=policy, fallback=fallback)


class _OnnxRuntimeSession:
    def __init__(self, pack: ModelPack, /, *, provider: Provider, policy: ProviderPolicy, fallback: str) -> None:
        runtime = load_runtime()
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        # One thread a patch: from three threads on, ONNX Runtime's sums differ in their last bits.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        settings: dict[str, str] = {}
        if provider.is_gpu:
            # Without this entry ONNX Runtime runs on the CPU and says so in a log only.
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
            settings = {"gpu_mem_limit": str(policy.gpu_memory_limit_mib << 20), "use_tf32": "0"}
            settings = settings if provider is Provider.CUDA else {}
        try:
            session = runtime.InferenceSession(
                pack.onnx, sess_options=options, providers=[provider.value], provider_options=[settings]
            )
        # ONNX Runtime's exceptions share no base class but RuntimeError and Exception.
        except Exception as error:
            if provider.is_gpu:
                raise _ProviderRefusedError(_first_line(error)) from error
            raise _unusable_graph(_first_line(error)) from error
        used = session.get_providers()
        if provider.is_gpu and (not used or used[0] != provider.value):
            raise _ProviderRefusedError(f"the session runs on {used} instead")
        inputs = [_Tensor(t.name, t.type, tuple(t.shape)) for t in session.get_inputs()]
        outputs = [_Tensor(t.name, t.type, tuple(t.shape)) for t in session.get_outputs()]
        _require_tensors(pack.contract, inputs=inputs, outputs=outputs)
        self._session = session
        self._input = pack.contract.input_tensor
        self._outputs = [tensor.name for tensor in pack.contract.outputs.tensors()]
        self._info = SessionInfo(
            provider=Provider(used[0]),
            runtime="onnxruntime",
            runtime_version=str(runtime.__version__),
            fallback=fallback,
        )

    @property
    def info(self) -> SessionInfo:
        return self._info

    def run(self, batch: NDArray[np.float32], /) -> tuple[NDArray[np.float32], ...]:
        try:
            answers = self._session.run(self._outputs, {self._input.name: batch.astype(self._input.dtype, copy=False)})
        except Exception as error:
            if any(mark.lower() in str(error).lower() for mark in _OUT_OF_MEMORY):
                raise _out_of_memory(len(batch)) from error
            raise _unusable_graph(_first_line(error)) from error
        return tuple(np.asarray(answer, dtype=np.float32) for answer in answers)


class _OpenVinoSession:
    def __init__(self, pack: ModelPack, /, *, streams: int, fallback: str) -> None:
        openvino = import_module("openvino")
        core = openvino.Core()
        model = core.read_model(pack.onnx)
        inputs = [_Tensor(port.any_name, "", ()) for port in model.inputs]
        outputs = [_Tensor(port.any_name, "", ()) for port in model.outputs]
        _require_tensors(pack.contract, inputs=inputs, outputs=outputs)
        # float32 and one thread a stream, stated and not left to the plug-in, which would choose by the machine.
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": streams, "NUM_STREAMS": str(streams)}
        self._model = core.compile_model(model, "CPU", settings)
        self._outputs = [tensor.name for tensor in pack.contract.outputs.tensors()]
        self._info = SessionInfo(
            provider=Provider.OPENVINO,
            runtime="openvino",
            runtime_version=str(openvino.__version__),
            fallback=fallback,
        )

    @property
    def info(self) -> SessionInfo:
        return self._info

    def run(self, batch: NDArray[np.float32], /) -> tuple[NDArray[np.float32], ...]:
        answers = self._model.create_infer_request().infer([batch])
        return tuple(np.array(answers[name], dtype=np.float32) for name in self._outputs)


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    kind: str
    shape: tuple[int | str | None, ...]


def _require_tensors(contract: ModelContract, /, *, inputs: list[_Tensor], outputs: list[_Tensor]) -> None:
    wanted_inputs = [contract.input_tensor]
    wanted_outputs = list(contract.outputs.tensors())
    if len(inputs) != 1:
        raise _wrong_tensor(f"The graph has {len(inputs)} inputs.", contract.input_tensor)
    for wanted, found in ((wanted_inputs, inputs), (wanted_outputs, outputs)):
        named = {tensor.name: tensor for tensor in found}
        for spec in wanted:
            tensor = named.get(spec.name)
            if tensor is None:
                raise _wrong_tensor(f"The graph has no tensor of this name; it has {sorted(named)}.", spec)
            if not _fits(tensor, spec):
                raise _wrong_tensor(f"The tensor is {tensor.kind} {tensor.shape}.", spec)


def _fits(tensor: _Tensor, spec: TensorSpec, /) -> bool:
    if not tensor.kind:
        return True
    # A size that the graph leaves open has a name or None there; such a size fits any.
    sizes_fit = len(tensor.shape) == len(spec.shape) and all(
        not isinstance(found, int) or wanted is None or found == wanted
        for found, wanted in zip(tensor.shape, spec.shape, strict=True)
    )
    return sizes_fit and tensor.kind == _ORT_TYPES[spec.dtype]


def _wrong_tensor(what: str, spec: TensorSpec, /) -> ModelTensorError:
    return ModelTensorError(
        what,
        where=f"tensor {spec.name}",
        allowed=f"{spec.dtype} {spec.shape}",
        remedy="Export the model again: its graph and its contract.json do not belong together.",
    )


def _unusable_graph(reason: str, /) -> ModelTensorError:
    return ModelTensorError(
        f"The runtime cannot run the network ({reason}).",
        where="model.onnx",
        allowed="a graph of operators that this runtime knows, with the contract's tensors",
        remedy="Export the model again, or install the runtime version that it was released with.",
    )


def _out_of_memory(patches: int, /) -> DeviceMemoryError:
    return DeviceMemoryError(
        "The device has too little memory for the network.",
        where=f"a batch of {patches} patches",
        allowed="a batch that fits the memory limit of the provider policy",
        remedy="Free the device, raise gpu_memory_limit_mib, or lower gpu_batch_size.",
    )


def _first_line(error: BaseException, /) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
