"""Static tools run on a project, with version, command and number of findings of each."""

from __future__ import annotations

import json
import re
import subprocess  # nosec B404
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from lungai_core.evidence.material import TOOL

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SECRETS_SCAN", "StaticCheck", "measure_project", "measurements_json"]

_TIMEOUT_S = 900
# Hashes and UIDs stand everywhere in such a project, so that what only looks random is no sign; weights and generated
# tables are left out. No secret that is found is tried out: that would need a network.
SECRETS_SCAN = (
    "-m", "detect_secrets", "scan", "--no-verify",
    "--exclude-files", r"\.onnx$|/tables/.*\.json$|/profiles/.*\.json$|/vectors/",
    "--disable-plugin", "HexHighEntropyString", "--disable-plugin", "Base64HighEntropyString",
)  # fmt: skip
# Name, distribution, words after the interpreter, and what one finding looks like in the output.
_TOOLS = (
    ("ruff", "ruff", ("-m", "ruff", "check", "--output-format", "concise", "."), r"(?m)^\S+:\d+:\d+: "),
    ("mypy", "mypy", ("-m", "mypy"), r"(?m)^\S+:\d+: error: "),
    ("bandit", "bandit", ("-m", "bandit", "-q", "-r", "{packages}", "-c", "pyproject.toml"), r"(?m)^>> Issue: "),
    ("detect-secrets", "detect-secrets", SECRETS_SCAN, r'"hashed_secret": '),
    (
        "import-linter",
        "import-linter",
        ("-c", "from importlinter.cli import lint_imports_command as c; c()"),
        r"(?m) BROKEN$",
    ),
)


@dataclass(frozen=True, slots=True)
class StaticCheck:
    """What one tool found.

    :implements: SRS-EVID-003, SDS-EVID-010

    Parameters
    ----------
    tool, version, command
        Name, version and words of the command.
    exit_code, findings
        What it returned, and how many findings its output lists.
    """

    tool: str
    version: str
    command: str
    exit_code: int
    findings: int


def measure_project(root: Path, /) -> tuple[StaticCheck, ...]:
    """Run the static tools that are installed, with the settings of the project.

    :implements: SRS-EVID-003, SRS-EVID-036, SRS-EVID-040, SDS-EVID-010

    Parameters
    ----------
    root
        The folder of ``pyproject.toml``. Its first package is what bandit reads.

    Returns
    -------
    tuple of StaticCheck
        One for each tool that is installed; a tool that is not gives no row, and its document says NOT MEASURED.
    """
    packages = next((path.parent.name for path in sorted(root.glob("*/__init__.py"))), ".")
    checks = []
    for name, distribution, words, finding in _TOOLS:
        try:
            edition = version(distribution)
        except PackageNotFoundError:
            continue
        command = [word.replace("{packages}", packages) for word in words]
        ran = subprocess.run(  # noqa: S603  # nosec B603
            [sys.executable, *command], cwd=root, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
        )
        found = len(re.findall(finding, ran.stdout))
        checks.append(StaticCheck(name, edition, " ".join(("python", *command)), ran.returncode, found))
    return tuple(checks)


def measurements_json(checks: tuple[StaticCheck, ...], /, *, time: str) -> str:
    """Return measurements as JSON, the content of ``static.json``.

    :implements: SRS-EVID-003, SDS-EVID-010

    Parameters
    ----------
    checks
        From :func:`measure_project`.
    time
        When they were made, ISO 8601.
    """
    content = {"tool": TOOL, "time": time, "checks": [{**asdict(check), "time": time} for check in checks]}
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
