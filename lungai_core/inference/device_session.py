"""ONNX Runtime on a GPU: fixed batch sizes, buffers that stay on the device, and no silent fallback.

A batch is padded to the next of a few sizes, so that cuDNN and TensorRT choose their algorithms once for each and not
in the middle of a case. Inputs and outputs of each size are bound to buffers on the device that live as long as the
session.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lungai_core.errors import OutputFolderError
from lungai_core.inference.graph_checks import (
    GraphTensor,
    ProviderRefusedError,
    first_line,
    run_failure,
    session_tensors,
)
from lungai_core.inference.providers import Precision, Provider, load_runtime
from lungai_core.inference.session_info import SessionInfo

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lungai_core.inference.providers import ProviderPolicy
    from lungai_core.modelpack.pack import ModelPack

__all__ = ["DeviceSession"]

_DEVICE = "cuda"
_DEVICE_ID = 0
_HALF_GRAPH = "model_fp16.onnx"
_CACHE_KEY_DIGITS = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Binding:
    """One batch size: the runtime's binding, its input buffer and its output buffers, all on the device."""

    handle: Any
    patches: Any
    outputs: tuple[Any, ...]


class DeviceSession:
    """A network on a GPU.

    :implements: SRS-INFER-002, SRS-INFER-012, SDS-INFER-002, SDS-INFER-011

    One run at a time: the buffers are shared, and a GPU computes one batch after the other anyway.

    Parameters
    ----------
    pack
        A verified pack.
    provider
        CUDA or TensorRT.
    policy
        Precision, batch sizes, memory limit, engine cache.
    fallback
        Why providers before this one were not used.
    """

    def __init__(self, pack: ModelPack, /, *, provider: Provider, policy: ProviderPolicy, fallback: str) -> None:
        self._runtime = load_runtime()
        options = self._runtime.SessionOptions()
        options.log_severity_level = 4
        # Without this entry ONNX Runtime runs on the CPU and says so in a log only.
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        names, settings = _provider_options(provider, pack, policy=policy)
        try:
            session = self._runtime.InferenceSession(
                _graph(pack, provider, precision=policy.precision),
                sess_options=options,
                providers=names,
                provider_options=settings,
            )
        # ONNX Runtime's exceptions share no base class but RuntimeError and Exception.
        except Exception as error:
            raise ProviderRefusedError(first_line(error)) from error
        used = session.get_providers()
        if not used or used[0] != provider.value:
            message = f"the session runs on {used} instead"
            raise ProviderRefusedError(message)
        session_tensors(
            pack.contract,
            inputs=[GraphTensor(t.name, t.type, tuple(t.shape)) for t in session.get_inputs()],
            outputs=[GraphTensor(t.name, t.type, tuple(t.shape)) for t in session.get_outputs()],
        )
        self._session = session
        self._contract = pack.contract
        self._sizes = policy.gpu_batch_sizes
        self._bindings: dict[int, _Binding] = {}
        self._lock = threading.Lock()
        self._info = SessionInfo(provider, "onnxruntime", str(self._runtime.__version__), fallback, policy.precision)

    @property
    def info(self) -> SessionInfo:
        """What it runs on."""
        return self._info

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The sizes that a batch is padded to, ascending."""
        return self._sizes

    def run(self, batch: NDArray[np.float32], /) -> tuple[NDArray[np.float32], ...]:
        """Run the network on at most as many patches as the largest batch size.

        :implements: SRS-INFER-012, SDS-INFER-011

        Parameters
        ----------
        batch
            ``(N, 1, z, y, x)`` float32 in [0, 1].

        Raises
        ------
        DeviceMemoryError
            If the device has too little memory for the batch.
        ModelTensorError
            If the runtime cannot run the network.
        """
        count = len(batch)
        size = next(size for size in self._sizes if size >= count)
        padded = np.zeros((size, *batch.shape[1:]), self._contract.input_tensor.dtype)
        padded[:count] = batch
        with self._lock:
            try:
                binding = self._bindings.get(size) or self._bind(size)
                binding.patches.update_inplace(padded)
                self._session.run_with_iobinding(binding.handle)
                binding.handle.synchronize_outputs()
                answers = [output.numpy()[:count] for output in binding.outputs]
            # As above; ``run_failure`` tells want of memory from the rest.
            except Exception as error:
                self._bindings.pop(size, None)
                raise run_failure(error, patches=size) from error
        return tuple(np.array(answer, dtype=np.float32) for answer in answers)

    def _bind(self, size: int, /) -> _Binding:
        handle = self._session.io_binding()
        patches = self._buffer(size, self._contract.input_tensor.shape, self._contract.input_tensor.dtype)
        handle.bind_ortvalue_input(self._contract.input_tensor.name, patches)
        outputs: list[Any] = []
        for tensor in self._contract.outputs.tensors():
            outputs.append(self._buffer(size, tensor.shape, tensor.dtype))
            handle.bind_ortvalue_output(tensor.name, outputs[-1])
        self._bindings[size] = _Binding(handle, patches, tuple(outputs))
        return self._bindings[size]

    def _buffer(self, size: int, shape: tuple[int | None, ...], dtype: str, /) -> Any:  # noqa: ANN401 - an OrtValue
        kind = np.dtype(dtype).type
        return self._runtime.OrtValue.ortvalue_from_shape_and_type([size, *shape[1:]], kind, _DEVICE, _DEVICE_ID)


def _graph(pack: ModelPack, provider: Provider, /, *, precision: Precision) -> bytes:
    # TensorRT makes its own half precision from the full graph.
    if precision is Precision.FLOAT32 or provider is Provider.TENSORRT:
        return pack.onnx
    if _HALF_GRAPH not in pack.attachments:
        message = f"float16 was asked for and the model pack holds no {_HALF_GRAPH}"
        raise ProviderRefusedError(message)
    return pack.attachments[_HALF_GRAPH]


def _provider_options(
    provider: Provider, pack: ModelPack, /, *, policy: ProviderPolicy
) -> tuple[list[str], list[dict[str, str]]]:
    cuda = {
        "device_id": str(_DEVICE_ID),
        "gpu_mem_limit": str(policy.gpu_memory_limit_mib << 20),
        # Grow by what is asked for and not to the next power of two: the limit is a limit.
        "arena_extend_strategy": "kSameAsRequested",
        "use_tf32": "0",
    }
    if provider is Provider.CUDA:
        return [provider.value], [cuda]
    # Operators that TensorRT does not know go to CUDA; none may go to the CPU.
    return [provider.value, Provider.CUDA.value], [_tensorrt_options(pack, policy=policy), cuda]


def _tensorrt_options(pack: ModelPack, /, *, policy: ProviderPolicy) -> dict[str, str]:
    tensor = pack.contract.input_tensor
    sizes = "x".join(str(size) for size in tensor.shape[1:])
    largest = policy.gpu_batch_sizes[-1]
    options = {
        "device_id": str(_DEVICE_ID),
        "trt_fp16_enable": "1" if policy.precision is Precision.FLOAT16 else "0",
        # One engine for every batch size: without a stated range each new size builds an engine again.
        "trt_profile_min_shapes": f"{tensor.name}:1x{sizes}",
        "trt_profile_opt_shapes": f"{tensor.name}:{largest}x{sizes}",
        "trt_profile_max_shapes": f"{tensor.name}:{largest}x{sizes}",
    }
    if policy.engine_cache_dir is None:
        return options
    folder = policy.engine_cache_dir / pack.model_sha256[:_CACHE_KEY_DIGITS]
    try:
        # An engine is code that will run: nobody else may write here.
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise OutputFolderError(
            f"The folder for TensorRT engines cannot be made ({error.strerror}).",
            where=str(folder),
            allowed="a folder in which this user may create files",
            remedy="Choose another engine_cache_dir, or none.",
        ) from error
    return options | {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
    }
