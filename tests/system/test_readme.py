from __future__ import annotations

import re

import pytest


@pytest.mark.verifies("SRS-CLI-010")
def test_ci_runs_the_test_command_of_the_readme(repository):
    readme = (repository / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^```sh\n(.+)\n```$", readme, flags=re.MULTILINE)
    script = (repository / ".ci" / "run").read_text(encoding="utf-8")
    assert "pip install tox && tox" in commands
    assert re.search(r"^pip install (--quiet )?tox && tox$", script, flags=re.MULTILINE)
