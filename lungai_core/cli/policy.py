"""From the options of a command to a provider policy; ``run`` and ``batch`` share it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lungai_core.inference.providers import ProviderPolicy
    from lungai_core.preprocess.kernels import Kernel

__all__ = ["Float16", "RequireGpu", "TensorRtEngines", "policy_of"]

RequireGpu = Annotated[bool, typer.Option("--require-gpu", help="Refuse to run on a CPU.")]
Float16 = Annotated[bool, typer.Option("--fp16", help="Compute in half precision on a GPU; a CPU keeps float32.")]
TensorRtEngines = Annotated[
    Path | None, typer.Option("--tensorrt", help="Try TensorRT first; keep its engines in this folder.")
]


def policy_of(*, require_gpu: bool, fp16: bool, tensorrt: Path | None, workers: int, kernel: Kernel) -> ProviderPolicy:
    """Return the policy that a command's options ask for.

    :implements: SRS-CLI-002, SDS-CLI-002

    Parameters
    ----------
    require_gpu
        Whether a CPU is refused.
    fp16
        Whether a GPU computes in half precision.
    tensorrt
        Where TensorRT keeps its engines; ``None`` where it is not tried.
    workers
        How many patches a CPU computes at a time.
    kernel
        What samples the patches.
    """
    from lungai_core.inference.providers import Precision, Provider, ProviderPolicy

    allowed = ProviderPolicy.gpu_only() if require_gpu else ProviderPolicy()
    first = () if tensorrt is None else (Provider.TENSORRT,)
    return ProviderPolicy(
        providers=(*first, *allowed.providers),
        workers=workers,
        kernel=kernel,
        precision=Precision.FLOAT16 if fp16 else Precision.FLOAT32,
        engine_cache_dir=None if tensorrt is None else tensorrt.resolve(),
    )
