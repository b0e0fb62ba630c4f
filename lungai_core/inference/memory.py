"""How much memory a batch takes, before it takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lungai_core.errors import DeviceMemoryError
from lungai_core.inference.providers import Precision

if TYPE_CHECKING:
    from lungai_core.inference.providers import ProviderPolicy
    from lungai_core.inference.session_info import SessionInfo
    from lungai_core.modelpack.pack import ModelPack

__all__ = ["fitting_batch_sizes"]

_MIB = 1 << 20


def fitting_batch_sizes(
    sizes: tuple[int, ...], /, *, pack: ModelPack, policy: ProviderPolicy, info: SessionInfo
) -> tuple[int, ...]:
    """Return the batch sizes whose estimated memory lies below the policy's limit.

    :implements: SRS-INFER-012, SDS-INFER-012

    The estimate is the pack's own: weights, and the activations that are alive at one time. The working space of the
    runtime's convolutions is not in it. A pack that states nothing limits nothing.

    Parameters
    ----------
    sizes
        The sizes that the session computes, ascending. On a CPU the policy's workers compute a batch of one each.
    pack
        States its memory, or not.
    policy
        The limits.
    info
        Where the network runs, and in which precision.

    Raises
    ------
    DeviceMemoryError
        If not even the smallest batch fits.
    """
    if pack.memory is None:
        return sizes
    on_gpu = info.provider.is_gpu
    limit_mib = policy.gpu_memory_limit_mib if on_gpu else policy.memory_limit_mib
    at_once = 1 if on_gpu else policy.workers
    halves = 2 if info.precision is Precision.FLOAT16 else 1
    needs = {size: pack.memory.estimate_bytes(patches=size * at_once) // halves for size in sizes}
    fitting = tuple(size for size in sizes if needs[size] <= limit_mib * _MIB)
    if not fitting:
        raise DeviceMemoryError(
            f"The network needs about {needs[sizes[0]] / _MIB:.0f} MiB.",
            where=f"a batch of {sizes[0] * at_once} patches on {info.provider.value}",
            allowed=f"at most {limit_mib} MiB",
            remedy="Raise the policy's memory limit, or lower its workers.",
        )
    return fitting
