"""The verb ``lungai doctor``: what this machine can run, and why not the rest."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lungai_core.domain.model import FrozenModel
from lungai_core.errors import ExitCode, LungaiError
from lungai_core.version import __version__

if TYPE_CHECKING:
    from lungai_core.modelpack.pack import ModelPack

__all__ = ["Finding", "examine", "register"]

_PACKAGES = (
    "numpy",
    "pydantic",
    "pydicom",
    "onnxruntime-gpu",
    "onnxruntime",
    "openvino",
    "numba",
    "highdicom",
    "torch",
    "monai",
)
_CODECS = {
    "JPEG 2000": "pylibjpeg-openjpeg",
    "JPEG-LS": "pyjpegls",
    "JPEG lossless": "python-gdcm",
    "RLE (fast)": "pylibjpeg-rle",
}


class Finding(FrozenModel):
    """One thing that was looked at.

    :implements: SRS-CLI-004, SDS-CLI-004

    ``state`` is ``"ok"``, ``"absent"`` (something optional) or ``"broken"``.
    """

    topic: str
    name: str
    state: str
    detail: str


def register(app: typer.Typer) -> None:
    """Add the verb ``doctor``.

    :implements: SRS-CLI-004, SDS-CLI-004

    Parameters
    ----------
    app
        The application.
    """
    app.command("doctor")(_doctor)


def _doctor(
    *,
    model: Annotated[Path | None, typer.Option(help="Folder or zip of a model pack; default: the bundled one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")] = False,
) -> None:
    """Show versions, codecs and providers, and run the model's self-test on each provider that works."""
    from rich.console import Console
    from rich.table import Table

    from lungai_core.modelpack.pack import bundled_pack, open_pack

    findings = examine(open_pack(bundled_pack() if model is None else model))
    if as_json:
        typer.echo(json.dumps([finding.model_dump() for finding in findings], indent=1))
    else:
        table = Table("topic", "name", "state", "detail")
        for finding in findings:
            table.add_row(finding.topic, finding.name, finding.state, finding.detail)
        Console().print(table)
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(ExitCode.RESOURCE)


def examine(pack: ModelPack, /) -> tuple[Finding, ...]:
    """Look at this machine.

    :implements: SRS-CLI-004, SDS-CLI-004

    Parameters
    ----------
    pack
        The model whose self-test is run.
    """
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    head = Finding(topic="software", name="lungai-core", state="ok", detail=f"{__version__} on {system}")
    packages = [_package("package", name, name) for name in _PACKAGES]
    codecs = [_package("codec", name, package) for name, package in _CODECS.items()]
    return (head, *packages, *codecs, *_gpus(), *_providers(pack))


def _package(topic: str, name: str, package: str, /) -> Finding:
    try:
        return Finding(topic=topic, name=name, state="ok", detail=metadata.version(package))
    except metadata.PackageNotFoundError:
        return Finding(topic=topic, name=name, state="absent", detail=f"{package} is not installed")


def _gpus() -> list[Finding]:
    from lungai_core.inference.devices import gpu_devices

    devices = gpu_devices()
    if isinstance(devices, str):
        return [Finding(topic="gpu", name="NVIDIA", state="absent", detail=devices)]
    return [
        Finding(topic="gpu", name=device.name, state="ok", detail=f"{device.memory_mib} MiB of memory")
        for device in devices
    ]


def _providers(pack: ModelPack, /) -> list[Finding]:
    from lungai_core.inference.engine import InferenceEngine
    from lungai_core.inference.providers import ProviderPolicy, provider_states

    found: list[Finding] = []
    for state in provider_states():
        if state.reason:
            found.append(Finding(topic="provider", name=state.provider.value, state="absent", detail=state.reason))
            continue
        try:
            with InferenceEngine.open(pack, policy=ProviderPolicy(providers=(state.provider,))) as engine:
                detail = f"self-test passed, largest difference {engine.self_test_difference:.2g}"
            found.append(Finding(topic="provider", name=state.provider.value, state="ok", detail=detail))
        except LungaiError as error:
            detail = f"{error.code} {error.what}"
            found.append(Finding(topic="provider", name=state.provider.value, state="broken", detail=detail))
    return found
