from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lungai_core.cli import doctor
from lungai_core.cli.app import main
from lungai_core.cli.doctor import examine
from lungai_core.inference import devices
from lungai_core.modelpack.pack import bundled_pack, open_pack


@pytest.mark.verifies("SRS-CLI-004")
def test_the_doctor_names_versions_and_runs_the_self_test(capsys):
    assert main(["doctor", "--json"]) == 0
    findings = {(f["topic"], f["name"]): f for f in json.loads(capsys.readouterr().out)}
    assert findings["software", "lungai-core"]["state"] == "ok"
    assert findings["package", "numpy"]["state"] == "ok"
    assert "self-test passed" in findings["provider", "CPUExecutionProvider"]["detail"]
    assert all(f["state"] == "ok" or f["detail"] for f in findings.values())


@pytest.mark.verifies("SRS-CLI-004")
def test_the_doctor_prints_a_table(capsys):
    assert main(["doctor"]) == 0
    assert "lungai-core" in capsys.readouterr().out


@pytest.mark.verifies("SRS-CLI-004", "RC-INFER-002")
def test_a_self_test_that_fails_is_told(monkeypatch):
    pack = open_pack(bundled_pack())
    first, *others = pack.reference.outputs
    moved = first.model_copy(update={"values": tuple(value + 1 for value in first.values)})
    broken = replace(pack, reference=pack.reference.model_copy(update={"outputs": (moved, *others)}))
    states = {finding.name: finding for finding in examine(broken)}
    assert states["CPUExecutionProvider"].state == "broken"
    assert "LAI-PACK-006" in states["CPUExecutionProvider"].detail
    monkeypatch.setattr("lungai_core.modelpack.pack.open_pack", lambda _: broken)
    assert main(["doctor"]) == 6


class _Driver:
    """The three calls of the NVIDIA driver that list devices."""

    def __init__(self, count=1, status=0):
        self.count, self.status = count, status

    def cuInit(self, _):  # noqa: N802  # NVIDIA's name
        return self.status

    def cuDeviceGetCount(self, count):  # noqa: N802  # NVIDIA's name
        count._obj.value = self.count
        return 0

    def cuDeviceGet(self, handle, index):  # noqa: N802  # NVIDIA's name
        handle._obj.value = index

    def cuDeviceGetName(self, name, size, _):  # noqa: N802  # NVIDIA's name
        name.value = b"NVIDIA H100 80GB HBM3"[:size]

    def cuDeviceTotalMem_v2(self, memory, _):  # noqa: N802  # NVIDIA's name
        memory._obj.value = 80 << 30


@pytest.mark.verifies("SRS-CLI-004")
def test_each_gpu_is_listed_with_its_memory_and_its_absence_with_the_reason(monkeypatch):
    drivers = {"one": _Driver(), "none": _Driver(count=0), "mute": _Driver(status=100)}
    found = {}
    for name, driver in drivers.items():
        monkeypatch.setattr(devices.ctypes, "CDLL", lambda _, driver=driver: driver)
        found[name] = devices.gpu_devices()
    assert found["one"] == (devices.GpuDevice(name="NVIDIA H100 80GB HBM3", memory_mib=81920),)
    assert (found["none"], found["mute"]) == ("the NVIDIA driver shows no GPU", "the NVIDIA driver does not answer")
    assert [finding.state for finding in doctor._gpus()] == ["absent"]
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda _: drivers["one"])
    assert [(f.name, f.detail) for f in doctor._gpus()] == [("NVIDIA H100 80GB HBM3", "81920 MiB of memory")]


@pytest.mark.verifies("SRS-CLI-004")
def test_a_missing_driver_is_named(monkeypatch):
    def absent(name):
        raise OSError(name)

    monkeypatch.setattr(devices.ctypes, "CDLL", absent)
    assert "cannot be loaded" in devices.gpu_devices()
