"""A small project, written file by file, as the tests of the trace want it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from lungai_core.trace import RunRecord
from lungai_core.trace.record import Environment

REPOSITORY = Path(__file__).resolve().parents[3]

PYPROJECT = """
[tool.lungai_trace]
packages = ["pkg"]
tests = ["tests"]
items = ["items"]
lock = "trace.lock"
gaps = "trace.gaps"
records = "records"
chinese = true

[tool.lungai_trace.kinds.need]
title = "Need"
title_zh = "需求"
id = 'UN-\\d{3}'
children = ["software"]

[tool.lungai_trace.kinds.hazard]
title = "Hazard"
id = 'HAZ-\\d{3}'
children = ["control"]

[tool.lungai_trace.kinds.control]
title = "Control"
id = 'RC-\\d{3}'
parents = ["hazard"]
children = ["software"]
verified = true
shall = true

[tool.lungai_trace.kinds.software]
title = "Software requirement"
id = 'SRS-\\d{3}'
parents = ["need", "control"]
children = ["design"]
verified = true
implemented = true
shall = true

[tool.lungai_trace.kinds.design]
title = "Design"
id = 'SDS-\\d{3}'
parents = ["software"]
implemented = true
"""

ITEMS = {
    "UN-001": ("A need", "", "A user needs a sum.", "用户需要求和。"),
    "HAZ-001": ("A hazard", 'severity = "serious"', "A sum is wrong.", "求和错误。"),
    "RC-001": ("A control", 'parents = ["HAZ-001"]', "The library shall refuse text.", "库应拒绝文本。"),
    "SRS-001": (
        "Sum",
        'parents = ["UN-001"]\nmethod = "test"',
        "The library shall add 2 numbers.",
        "库应将 2 个数相加。",
    ),
    "SRS-002": (
        "Refusal",
        'parents = ["UN-001", "RC-001"]',
        "The library shall raise TypeError.",
        "库应引发 TypeError。",
    ),
    "SDS-001": ("Plus", 'parents = ["SRS-001", "SRS-002"]', "`add` uses the plus sign.", "`add` 使用加号。"),
}

CODE = '''"""A package."""


def add(first, second):
    """Add two numbers.

    :implements: SRS-001, SRS-002, SDS-001
    """
    if isinstance(first, str):
        raise TypeError
    return first + second
'''

TESTS = """import pytest

from pkg import add


@pytest.mark.verifies("SRS-001")
def test_sum():
    assert add(1, 2) == 3


@pytest.mark.verifies("SRS-002", "RC-001")
def test_text_is_refused():
    with pytest.raises(TypeError):
        add("1", "2")
"""


def item_markdown(item_id: str, title: str, block: str, text: str, text_zh: str) -> str:
    return f"## {item_id} · {title}\n\n```toml\n{block}\n```\n\n{text}\n\n> **zh** {text_zh}\n"


class Project:
    """A folder with items, code and tests."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("pyproject.toml", PYPROJECT)
        self.items = dict(ITEMS)
        self.write_items()
        self.write("pkg/__init__.py", CODE)
        self.write("tests/test_pkg.py", TESTS)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def write_items(self) -> None:
        self.write(
            "items/all.md", "# Items\n\n" + "\n".join(item_markdown(key, *self.items[key]) for key in self.items)
        )

    def change(self, name: str, old: str, new: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def commit(self, message: str = "change") -> str:
        if not (self.root / ".git").exists():
            self.git("init", "-q", "-b", "main")
            self.write(".gitignore", "__pycache__/\nbuild/\n.pytest_cache/\n.coverage*\n")
        self.git("add", "-A")
        self.git("-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD").strip()

    def environment(self) -> dict[str, str]:
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))},
            "PYTHONPATH": os.pathsep.join([str(self.root), str(REPOSITORY)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def pytest(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run pytest in the project with the plugin, as a user who has installed it would."""
        installed = any(entry.name == "lungai_trace" for entry in entry_points(group="pytest11"))
        plugin = [] if installed else ["-p", "lungai_core.trace.pytest_plugin"]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *plugin, *words],
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def pytest_inside(self, *words: str) -> tuple[int, str]:
        """Run pytest in this process: quicker than a process of its own, and seen by coverage."""
        installed = any(entry.name == "lungai_trace" for entry in entry_points(group="pytest11"))
        plugin = [] if installed else ["-p", "lungai_core.trace.pytest_plugin"]
        before, paths, folder = set(sys.modules), list(sys.path), Path.cwd()
        output = io.StringIO()
        os.chdir(self.root)
        sys.path.insert(0, str(self.root))
        try:
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                code = pytest.main([*plugin, "-p", "no:cacheprovider", "--capture=no", "-q", *words])
        finally:
            os.chdir(folder)
            sys.path[:] = paths
            for name in set(sys.modules) - before:
                if str(getattr(sys.modules[name], "__file__", "")).startswith(str(self.root)):
                    del sys.modules[name]
        return int(code), output.getvalue()

    def git(self, *words: str) -> str:
        # Committed on the day of the tests' reviews: a review looks for what stood there at the end of its day.
        day = {"GIT_AUTHOR_DATE": "2026-11-22T12:00:00Z", "GIT_COMMITTER_DATE": "2026-11-22T12:00:00Z"}
        run = subprocess.run(
            ["git", *words], cwd=self.root, check=True, capture_output=True, text=True, env=os.environ | day
        )
        return run.stdout


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path / "host")


@pytest.fixture
def run_record() -> RunRecord:
    """Give a complete run without results."""
    return RunRecord(
        commit="c" * 40,
        dirty=(),
        sources_sha256="s" * 64,
        started="2026-11-22T00:00:00+00:00",
        duration_s=1.0,
        command=("pytest",),
        tool="pytest 9",
        seeds=(),
        tester="T",
        complete=True,
        incomplete_because=(),
        exit_status=0,
        coverage_core="",
        coverage_sha256="",
        environment=Environment("CPython 3", "Linux", "x86_64", "cpu", 2, "", "", (), "e" * 64),
        results=(),
    )
