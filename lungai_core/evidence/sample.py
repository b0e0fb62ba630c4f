"""A small project with a real git history and a real test run: what the tool is checked on."""

from __future__ import annotations

import os
import shutil
import subprocess  # nosec B404
import sys
from typing import TYPE_CHECKING

from lungai_core.errors import EvidenceInputError
from lungai_core.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SAMPLE_FILES", "commit_all", "run_sample", "write_sample"]

_TIMEOUT_S = 120
_AUTHOR = ("Sample Author", "author@example.invalid")
_WHEN = "2026-01-05T09:00:00+00:00"

SAMPLE_FILES = {
    "pyproject.toml": """\
[project]
name = "sample"
version = "1.2.3"

[tool.importlinter]
root_package = "sample"

[[tool.importlinter.contracts]]
name = "floors"
type = "layers"
layers = ["report", "measure", "values | errors"]

[[tool.importlinter.contracts]]
name = "measuring knows no report values"
type = "forbidden"
source_modules = ["sample.measure"]
forbidden_modules = ["sample.values"]

[tool.lungai_evidence.documents]
sdp = ["design/development.md", "design/development.zh.md"]

[tool.lungai_trace]
packages = ["sample"]
tests = ["tests"]
items = ["requirements", "risk", "design"]
output = "build/trace"

[tool.lungai_trace.kinds.user_need]
title = "User need"
title_zh = "用户需求"
id = 'UN-\\d{3}'

[tool.lungai_trace.kinds.hazard]
title = "Hazard"
title_zh = "危害"
id = 'HAZ-\\d{3}'

[tool.lungai_trace.kinds.control]
title = "Risk control"
title_zh = "风险控制"
id = 'RC-\\d{3}'
parents = ["hazard"]
verified = true

[tool.lungai_trace.kinds.software]
title = "Software requirement"
title_zh = "软件需求"
id = 'SRS-\\d{3}'
parents = ["user_need", "control"]
verified = true
implemented = true

[tool.lungai_trace.kinds.design]
title = "Software design"
title_zh = "软件设计"
id = 'SDS-\\d{3}'
parents = ["software"]
implemented = true

[tool.lungai_trace.kinds.protocol]
title = "Test protocol"
title_zh = "测试规程"
id = 'VP-\\d{3}'
parents = ["software", "control"]
""",
    "requirements/needs.md": """\
# Needs

## UN-001 · A diameter

```toml
status = "approved"
```

A reader needs the diameter of a nodule in mm.

> **zh** 读片者需要以 mm 为单位的结节直径。
""",
    "requirements/software.md": """\
# Software requirements

## SRS-001 · Diameter of a ball

```toml
parents = ["UN-001"]
method = "test"
status = "approved"
```

The software shall give the diameter of a ball of known volume within 0.1 mm.

> **zh** 软件应以不超过 0.1 mm 的误差给出已知体积球体的直径。

## SRS-002 · Refusal

```toml
parents = ["RC-001"]
method = "test"
status = "approved"
```

The software shall refuse a volume that is not greater than 0 mm³.

> **zh** 软件应拒绝不大于 0 mm³ 的体积。
""",
    "requirements/protocols.md": """\
# Protocols

## VP-001 · Diameter and refusal

```toml
parents = ["SRS-001", "SRS-002", "RC-001"]
status = "approved"
```

Balls of known volume are measured and a volume of 0 mm³ is given. Pass: error at most 0.1 mm; refusal.

> **zh** 测量已知体积的球体,并输入 0 mm³ 的体积。通过准则:误差不超过 0.1 mm;予以拒绝。
""",
    "risk/hazards.md": """\
# Risk

## HAZ-001 · Wrong size

```toml
severity = "serious"
cause = "a volume of the wrong sign is taken as it is"
status = "approved"
```

A nodule is followed too late because its size is wrong.

> **zh** 因尺寸错误,结节未及时随访。

## RC-001 · Refuse what is not a volume

```toml
parents = ["HAZ-001"]
method = "test"
status = "approved"
```

The software shall refuse a volume that no body can have.

> **zh** 软件应拒绝任何物体都不可能具有的体积。
""",
    "design/design.md": """\
# Design

## SDS-001 · One formula

```toml
parents = ["SRS-001", "SRS-002"]
status = "approved"
```

`diameter_mm` computes the diameter of the ball of equal volume, after it has checked the sign.

> **zh** `diameter_mm` 在检查符号后计算等体积球体的直径。
""",
    "design/development.md": """\
# Development plan

## Life cycle

<!-- answers: SW-G.1 -->

Every change is a commit that carries its requirement, its code and its test together.

| Stage | Record |
|---|---|
| requirement | a file under version control |
""",
    "design/development.zh.md": """\
# 开发计划

## 生存周期

<!-- answers: SW-G.1 -->

每次变更为一个提交,同时包含其需求、代码和测试。

| 阶段 | 记录 |
|---|---|
| 需求 | 纳入版本控制的文件 |
""",
    "design/soup.toml": """\
[[package]]
name = "pytest"
manufacturer = "pytest-dev"
licence = "MIT"
purpose = "running tests"
in_device = false
anomalies = "NOT READ"
anomalies_read = "NOT READ"
""",
    "sample/__init__.py": '"""Sample."""\n',
    "sample/measure.py": '''\
"""Measures."""


def diameter_mm(volume_mm3):
    """Return the diameter of the ball of equal volume.

    :implements: SRS-001, SRS-002, SDS-001
    """
    if volume_mm3 <= 0:
        raise ValueError("volume")
    return (6 * volume_mm3 / 3.141592653589793) ** (1 / 3)
''',
    "tests/unit/test_measure.py": """\
import pytest

from sample.measure import diameter_mm


@pytest.mark.verifies("SRS-001")
@pytest.mark.parametrize("volume, diameter", [(523.599, 10.0), (4188.79, 20.0)])
def test_the_diameter_of_a_ball_is_found_again(volume, diameter):
    assert abs(diameter_mm(volume) - diameter) <= 0.1


@pytest.mark.verifies("SRS-002", "RC-001")
def test_a_volume_of_nothing_is_refused():
    with pytest.raises(ValueError):
        diameter_mm(0)
""",
    "tests/system/test_sample.py": """\
import pytest

from sample.measure import diameter_mm


@pytest.mark.verifies("SRS-001")
def test_a_larger_volume_has_a_larger_diameter():
    assert diameter_mm(2) > diameter_mm(1)
""",
    ".gitignore": "build/\n__pycache__/\n.pytest_cache/\n",
}


def write_sample(folder: Path, /) -> Path:
    """Write the sample project into a folder and commit it.

    :implements: SRS-EVID-029, SDS-EVID-024

    Parameters
    ----------
    folder
        Receives the project.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    EvidenceInputError
        If git is not installed or fails.
    """
    for path, text in SAMPLE_FILES.items():
        write_whole(folder / path, text)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    commit_all(folder, "Write the sample project", when=_WHEN)
    return folder


def commit_all(folder: Path, subject: str, /, *, when: str) -> None:
    """Commit everything in a folder.

    :implements: SRS-EVID-029, SDS-EVID-024

    Parameters
    ----------
    folder
        A git repository.
    subject
        Of the commit.
    when
        ISO 8601: the time that the commit carries.

    Raises
    ------
    EvidenceInputError
        If git fails.
    """
    name, address = _AUTHOR
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", name), ("EMAIL", address), ("DATE", when))
    }
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--no-gpg-sign", "-m", subject, **who)


def run_sample(folder: Path, /, *arguments: str) -> Path:
    """Run the tests of a project with the trace plugin in a process of their own.

    :implements: SRS-EVID-029, SDS-EVID-024

    Parameters
    ----------
    folder
        The project.
    arguments
        More words for pytest.

    Returns
    -------
    Path
        The run record: that of a complete run, or that of a partial one.

    Raises
    ------
    EvidenceInputError
        If no record was written.
    """
    command = [sys.executable, "-m", "pytest", "-q", "--trace-record", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    shutil.rmtree(folder / "build", ignore_errors=True)
    ran = subprocess.run(  # noqa: S603  # nosec B603
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
    )
    for record in (folder / "build/trace/record.json", folder / "build/trace/partial/record.json"):
        if record.is_file():
            return record
    raise EvidenceInputError(
        "The tests of the project left no run record.",
        where=str(folder),
        allowed="a project whose tests can be collected",
        remedy="Read pytest's output: " + ran.stdout[-600:],
    )


def _git(folder: Path, /, *arguments: str, **environment: str) -> None:
    git = shutil.which("git")
    result = git and subprocess.run(  # noqa: S603  # nosec B603
        [git, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    if not result or result.returncode != 0:
        raise EvidenceInputError(
            "git is not installed or fails.",
            where=str(folder),
            allowed="git 2.30 or later",
            remedy="Install git: " + (result.stderr[-300:] if result else "it is not on PATH."),
        )
