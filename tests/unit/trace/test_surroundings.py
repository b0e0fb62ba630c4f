import subprocess
from types import SimpleNamespace

import pytest

from lungai_core.trace import read_config, surroundings


@pytest.mark.verifies("SRS-TRACE-005")
def test_without_git_there_is_no_commit(monkeypatch, tmp_path):
    monkeypatch.setattr(surroundings.shutil, "which", lambda _: None)
    assert surroundings.git_lines(tmp_path, "status") is None
    assert surroundings.git_commit(tmp_path) == ""


@pytest.mark.verifies("SRS-TRACE-005")
def test_a_gpu_is_named_with_its_driver(monkeypatch):
    answer = SimpleNamespace(returncode=0, stdout="NVIDIA H100, 570.1\n")
    monkeypatch.setattr(surroundings.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    environment = surroundings.read_environment()
    assert (environment.gpu, environment.gpu_driver) == ("NVIDIA H100", "570.1")


@pytest.mark.verifies("SRS-TRACE-005")
def test_uncommitted_files_are_named_and_the_output_is_none_of_them(project):
    project.commit()
    project.write("build/trace/record.json", "{}")
    project.write("new file.txt", "x")
    project.change("pkg/__init__.py", "A package", "The package")
    assert surroundings.uncommitted_files(read_config(project.root)) == ('"new file.txt"', "pkg/__init__.py")
