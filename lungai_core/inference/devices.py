"""Which NVIDIA GPUs the driver shows, asked of the driver itself."""

from __future__ import annotations

import ctypes
import sys

from lungai_core.domain.model import FrozenModel

__all__ = ["GpuDevice", "gpu_devices"]

_NAME_BYTES = 256
_MIB = 1 << 20


class GpuDevice(FrozenModel):
    """A GPU and its memory.

    :implements: SRS-CLI-004, SDS-CLI-004
    """

    name: str
    memory_mib: int


def gpu_devices() -> tuple[GpuDevice, ...] | str:
    """List the GPUs of this machine, or tell why there is none.

    :implements: SRS-CLI-004, SDS-CLI-004

    Returns
    -------
    tuple of GpuDevice or str
        The devices in the driver's order; a reason where the driver is absent or does not answer.
    """
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return f"the NVIDIA driver's library {name} cannot be loaded"
    count = ctypes.c_int()
    # The driver's functions return 0 for success.
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return "the NVIDIA driver does not answer"
    return tuple(_device(driver, index) for index in range(count.value)) or "the NVIDIA driver shows no GPU"


def _device(driver: ctypes.CDLL, index: int, /) -> GpuDevice:
    handle, memory, name = ctypes.c_int(), ctypes.c_size_t(), ctypes.create_string_buffer(_NAME_BYTES)
    driver.cuDeviceGet(ctypes.byref(handle), index)
    driver.cuDeviceGetName(name, _NAME_BYTES, handle)
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), handle)
    return GpuDevice(name=name.value.decode("utf-8", "replace"), memory_mib=memory.value // _MIB)
