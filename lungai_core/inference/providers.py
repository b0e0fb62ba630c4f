"""Where a network may run, and why a place is not available.

ONNX Runtime answers a request for a GPU that it cannot use with a line in a log and a session on the CPU. Here a
provider is either the one that runs or an error.
"""

from __future__ import annotations

import ctypes
import importlib.util
import io
import sys
from contextlib import redirect_stdout
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import MissingDependencyError
from lungai_core.preprocess.kernels import Kernel

if TYPE_CHECKING:
    from types import ModuleType

__all__ = [
    "OnOutOfMemory",
    "Precision",
    "Provider",
    "ProviderPolicy",
    "ProviderState",
    "load_runtime",
    "provider_states",
    "unavailable_reason",
]

_DEFAULT_MEMORY_LIMIT_MIB = 4096
_BatchSize = Annotated[int, Field(ge=1, le=256)]


class Provider(StrEnum):
    """A place where a network can run, named as the runtime names it.

    :implements: SRS-INFER-002, SDS-INFER-002
    """

    TENSORRT = "TensorrtExecutionProvider"
    CUDA = "CUDAExecutionProvider"
    OPENVINO = "OpenVINO"
    CPU = "CPUExecutionProvider"

    @property
    def is_gpu(self) -> bool:
        """Whether the provider computes on a GPU."""
        return self in {Provider.TENSORRT, Provider.CUDA}


class Precision(StrEnum):
    """Of the numbers inside the network on a GPU; a CPU computes in float32.

    :implements: SRS-INFER-012, SDS-INFER-011
    """

    FLOAT32 = "float32"
    FLOAT16 = "float16"


class OnOutOfMemory(StrEnum):
    """What happens when a batch does not fit a GPU's memory.

    :implements: SRS-INFER-012, SDS-INFER-011
    """

    SMALLER_BATCHES = "smaller_batches"
    ERROR = "error"


class ProviderPolicy(FrozenModel):
    """Which providers are allowed, in the order of preference, and how much may run at a time.

    :implements: SRS-INFER-002, SDS-INFER-002

    A provider that is not listed is never used: a list without the CPU refuses to run where no GPU can be used.
    ``workers`` patches are computed at a time on the CPU, each by one thread, so that their number changes no bit.
    Patches go to a GPU in batches of one of ``gpu_batch_sizes``, padded to the next. What a model pack says of its
    memory is compared with the limits before anything runs; where a batch does not fit a GPU all the same,
    ``on_out_of_memory`` tells what happens. ``engine_cache_dir`` keeps the engines that TensorRT builds; nobody but
    this user may be able to write there, because an engine is code. ``kernel`` samples the patches; it changes no bit.
    """

    providers: Annotated[tuple[Provider, ...], Field(min_length=1)] = (Provider.CUDA, Provider.OPENVINO, Provider.CPU)
    workers: Annotated[int, Field(ge=1, le=256)] = 2
    memory_limit_mib: Annotated[int, Field(ge=64)] = _DEFAULT_MEMORY_LIMIT_MIB
    gpu_batch_sizes: Annotated[tuple[_BatchSize, ...], Field(min_length=1)] = (1, 4, 8, 20)
    gpu_memory_limit_mib: Annotated[int, Field(ge=64)] = _DEFAULT_MEMORY_LIMIT_MIB
    kernel: Kernel = Kernel.NUMPY
    precision: Precision = Precision.FLOAT32
    on_out_of_memory: OnOutOfMemory = OnOutOfMemory.SMALLER_BATCHES
    engine_cache_dir: Path | None = None

    @model_validator(mode="after")
    def _lists_are_in_order(self) -> Self:
        if len(set(self.providers)) != len(self.providers):
            message = "each provider may stand in the list once"
            raise ValueError(message)
        if list(self.gpu_batch_sizes) != sorted(set(self.gpu_batch_sizes)):
            message = "gpu_batch_sizes must ascend, each size once"
            raise ValueError(message)
        return self

    @classmethod
    def gpu_only(cls) -> ProviderPolicy:
        """Return the policy that refuses to run on a CPU.

        :implements: SRS-INFER-002, SDS-INFER-002
        """
        return cls(providers=(Provider.CUDA,))

    @classmethod
    def cpu_only(cls) -> ProviderPolicy:
        """Return the policy that leaves a GPU alone.

        :implements: SRS-INFER-002, SDS-INFER-002
        """
        return cls(providers=(Provider.OPENVINO, Provider.CPU))


class ProviderState(FrozenModel):
    """Whether a provider can be used on this machine; ``reason`` is empty where it can.

    :implements: SRS-INFER-002, SDS-INFER-002
    """

    provider: Provider
    reason: str


def load_runtime() -> ModuleType:
    """Import ONNX Runtime, silenced: what it would log is raised or recorded here.

    :implements: SRS-INFER-001, SDS-INFER-001

    Raises
    ------
    MissingDependencyError
        If the extra ``inference`` is not installed.
    """
    try:
        runtime = import_module("onnxruntime")
    except ImportError as error:
        raise MissingDependencyError(
            "ONNX Runtime is not installed.",
            where="the package onnxruntime",
            remedy='Run: pip install "lungai-core[inference]"',
        ) from error
    runtime.set_default_logger_severity(4)
    return runtime


def unavailable_reason(provider: Provider, /) -> str:
    """Tell why a provider cannot be used here, as far as that shows before a session is made.

    :implements: SRS-INFER-002, SDS-INFER-002

    Returns
    -------
    str
        Empty where nothing speaks against it.
    """
    if provider is Provider.CPU:
        return ""
    if provider is Provider.OPENVINO:
        return "" if importlib.util.find_spec("openvino") else "the package openvino is not installed"
    runtime = load_runtime()
    if provider.value not in runtime.get_available_providers():
        return "this build of ONNX Runtime does not contain it"
    if hasattr(runtime, "preload_dlls"):
        # Loads CUDA and cuDNN from their Python wheels where these are installed; it prints what it cannot load, which
        # the list below says as well.
        with redirect_stdout(io.StringIO()):
            runtime.preload_dlls()
    libraries = _gpu_libraries(str(runtime.__version__))
    if provider is Provider.TENSORRT:
        libraries = (*libraries, "nvinfer_10.dll" if sys.platform == "win32" else "libnvinfer.so.10")
    missing = [name for name in libraries if not _loads(name)]
    return f"these libraries cannot be loaded: {', '.join(missing)}" if missing else ""


def _gpu_libraries(version: str, /) -> tuple[str, ...]:
    if sys.platform == "win32":
        return ("nvcuda.dll",)
    cuda = "13" if tuple(int(part) for part in version.split(".")[:2]) >= (1, 27) else "12"
    return ("libcuda.so.1", f"libcudart.so.{cuda}", f"libcublasLt.so.{cuda}", "libcudnn.so.9")


def _loads(name: str, /) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def provider_states() -> tuple[ProviderState, ...]:
    """List every provider with the reason why it cannot be used here.

    :implements: SRS-INFER-002, SDS-INFER-002
    """
    return tuple(ProviderState(provider=provider, reason=unavailable_reason(provider)) for provider in Provider)
