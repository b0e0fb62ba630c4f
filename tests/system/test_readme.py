from __future__ import annotations

import doctest
import re

import pytest

from lungai_core.cli.demo import run_demo
from lungai_core.testing.phantom import PhantomSpec

pytest.importorskip("onnxruntime", reason="the README runs a model: extra [inference]")


@pytest.mark.verifies("SRS-CLI-010")
def test_the_code_of_the_readme_gives_what_the_readme_says(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_demo(PhantomSpec(), tmp_path / "lungai-demo")
    outcome = doctest.testfile(str(repository / "README.md"), module_relative=False)
    assert outcome.attempted > 5
    assert outcome.failed == 0


@pytest.mark.verifies("SRS-CLI-010")
def test_ci_runs_the_test_command_of_the_readme(repository):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^```sh\n(.+)\n```$", readme, flags=re.MULTILINE)
    script = (repository / ".ci" / "run").read_text(encoding="utf-8")
    assert "pip install tox && tox" in commands
    assert re.search(r"^pip install (--quiet )?tox && tox$", script, flags=re.MULTILINE)
