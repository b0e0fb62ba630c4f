import json

import pytest

from lungai_core.cli.app import main
from lungai_core.trace import check_project, load_graph, read_config


@pytest.mark.verifies("SRS-TRACE-018")
def test_an_empty_project_gets_from_init_to_a_verified_matrix(project, tmp_path, capsys):
    root = tmp_path / "new"
    root.mkdir()
    assert main(["trace", "init", "--root", str(root)]) == 0
    assert "greeting/__init__.py" in capsys.readouterr().out
    assert check_project(load_graph(read_config(root))) == ()
    project.root = root
    project.commit()
    code, output = project.pytest_inside("--trace-record")
    assert code == 0, output
    matrix = json.loads((root / "build/trace/matrix.json").read_text(encoding="utf-8"))
    assert {item["verdict"] for item in matrix["items"]} == {"VERIFIED", "n/a"}


@pytest.mark.verifies("SRS-TRACE-018")
def test_an_existing_project_file_is_kept_and_a_traced_project_refused(tmp_path):
    text = '[project]\nname = "mine"\n\n[tool.pytest.ini_options]\npythonpath = ["."]\n'
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    assert main(["trace", "init", "--root", str(tmp_path)]) == 0
    assert (tmp_path / "pyproject.toml").read_text(encoding="utf-8").startswith(text)
    assert read_config(tmp_path).project == "mine"
    assert main(["trace", "init", "--root", str(tmp_path)]) == 6


@pytest.mark.verifies("SRS-TRACE-018")
def test_nothing_is_written_over_a_file_that_exists(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_greeting.py").write_text("mine", encoding="utf-8")
    assert main(["trace", "init", "--root", str(tmp_path)]) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["tests"]
