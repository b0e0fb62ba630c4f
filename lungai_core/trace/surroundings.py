"""Where a run takes place: git commit, machine, packages, and the hash of everything the run is about."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import shutil
import subprocess  # nosec B404
from pathlib import Path
from typing import TYPE_CHECKING

from lungai_core.trace.record import Environment, Package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lungai_core.trace.config import TraceConfig

__all__ = ["git_commit", "git_lines", "read_environment", "sources_sha256", "uncommitted_files"]

_TIMEOUT_S = 60


def git_lines(root: Path, /, *arguments: str) -> tuple[str, ...] | None:
    """Run git in a folder and return its lines, or nothing where git or a repository is absent.

    :implements: SRS-TRACE-005, SDS-TRACE-006

    Parameters
    ----------
    root
        Where to run.
    arguments
        The words after ``git``; never text from a user of the device.
    """
    git = shutil.which("git")
    if git is None:
        return None
    result = subprocess.run(  # noqa: S603  # nosec B603
        [git, "-c", "core.quotepath=off", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=_TIMEOUT_S,
    )
    return tuple(result.stdout.splitlines()) if result.returncode == 0 else None


def git_commit(root: Path, /) -> str:
    """Return the commit that is checked out, or nothing outside of git.

    :implements: SRS-TRACE-005, SDS-TRACE-006
    """
    lines = git_lines(root, "rev-parse", "HEAD")
    return lines[0] if lines else ""


def uncommitted_files(config: TraceConfig, /) -> tuple[str, ...]:
    """Return the files that differ from the commit, the output folder excepted.

    :implements: SRS-TRACE-005, SDS-TRACE-006
    """
    exclude = f":(exclude){config.output}"
    lines = git_lines(config.root, "status", "--porcelain", "--untracked-files=all", "--", ".", exclude)
    return tuple(sorted(line[3:] for line in lines or ()))


def sources_sha256(config: TraceConfig, /) -> str:
    """Return one hash over the configuration and all files of items, code and tests.

    :implements: SRS-TRACE-006, SDS-TRACE-006

    Parameters
    ----------
    config
        Which folders count.
    """
    digest = hashlib.sha256()
    for path in _source_files(config):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{content} {path.relative_to(config.root).as_posix()}\n".encode())
    return digest.hexdigest()


def read_environment() -> Environment:
    """Describe the machine and the installed packages.

    :implements: SRS-TRACE-005, SDS-TRACE-006
    """
    python = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.release()}"
    packages = _packages()
    digest = hashlib.sha256(repr((python, platform.system(), platform.machine(), packages)).encode()).hexdigest()
    gpu, driver = _gpu()
    return Environment(
        python=python,
        os=system,
        machine=platform.machine(),
        cpu=_cpu(),
        cpu_count=os.cpu_count() or 0,
        gpu=gpu,
        gpu_driver=driver,
        packages=packages,
        sha256=digest,
    )


def _source_files(config: TraceConfig, /) -> Iterator[Path]:
    files = {config.root / "pyproject.toml"}
    for folder in (*config.items, *config.packages, *config.tests):
        base = config.root / folder
        for path in [base] if base.is_file() else base.rglob("*"):
            parts = path.relative_to(config.root).parts
            if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in parts):
                files.add(path)
    yield from sorted(files)


def _packages() -> tuple[Package, ...]:
    found: dict[str, Package] = {}
    for distribution in importlib.metadata.distributions():
        name = distribution.metadata["Name"]
        if name and name not in found:  # the first on the path is the one that is imported
            listing = distribution.read_text("RECORD") or ""
            digest = hashlib.sha256(listing.encode()).hexdigest() if listing else ""
            found[name] = Package(name, distribution.version, digest)
    return tuple(sorted(found.values(), key=lambda package: package.name.lower()))


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _gpu() -> tuple[str, str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return "", ""
    result = subprocess.run(  # noqa: S603  # nosec B603
        [program, "--query-gpu=name,driver_version", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    lines = [line.partition(", ") for line in result.stdout.splitlines()] if result.returncode == 0 else []
    return "; ".join(name for name, _, _ in lines), lines[0][2] if lines else ""
