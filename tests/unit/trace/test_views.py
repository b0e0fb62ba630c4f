import csv
import io
import json

import pytest

from lungai_core.cli.app import main
from lungai_core.trace import full_matrix, load_graph, matrix_csv, matrix_html, matrix_json, read_config


@pytest.fixture
def matrix(project):
    project.change("items/all.md", "A user needs a sum.", "A user </script><b>needs</b> a sum.")
    return full_matrix(load_graph(read_config(project.root)), None)


@pytest.mark.verifies("SRS-TRACE-008")
def test_the_csv_has_a_line_an_item_with_mapped_run_and_passed(matrix):
    rows = list(csv.DictReader(io.StringIO(matrix_csv(matrix))))
    assert [row["id"] for row in rows] == ["UN-001", "HAZ-001", "RC-001", "SRS-001", "SRS-002", "SDS-001"]
    assert (rows[4]["mapped"], rows[4]["run"], rows[4]["passed"], rows[4]["verdict"]) == ("1", "0", "0", "NOT VERIFIED")
    assert rows[4]["tests"] == "tests/test_pkg.py::test_text_is_refused"
    assert rows[0]["children"] == "SRS-001; SRS-002"


@pytest.mark.verifies("SRS-TRACE-008")
def test_the_json_holds_both_directions(matrix):
    content = json.loads(matrix_json(matrix))
    assert content["schema"] == "lungai-trace-matrix/1"
    assert content["items"][3]["code"] == ["pkg.add"]
    assert content["tests"][0]["verifies"] == ["SRS-001"]
    assert content["run"] is None


@pytest.mark.verifies("SRS-TRACE-008")
def test_the_page_is_one_file_whose_data_cannot_leave_their_element(matrix):
    page = matrix_html(matrix)
    assert "src=" not in page.split('id="data"')[0]
    assert "://" not in page.split('id="data"')[0]
    data = page.split('type="application/json">')[1].split("</script>")[0]
    assert "A user </script><b>needs</b> a sum." in [item["text"] for item in json.loads(data)["matrix"]["items"]]
    assert "def add(first, second):" in json.loads(data)["page"]["snippets"]["pkg/__init__.py:4"]


@pytest.mark.verifies("SRS-TRACE-009")
def test_the_check_command_returns_0_without_and_1_with_findings(project, capsys):
    assert main(["trace", "check", "--root", str(project.root)]) == 0
    assert "no findings" in capsys.readouterr().out
    project.change("items/all.md", '["HAZ-001"]', '["HAZ-002"]')
    assert main(["trace", "check", "--root", str(project.root)]) == 1
    assert "TRC-101 items/all.md:23 RC-001 links up to HAZ-002" in capsys.readouterr().out
    assert main(["trace", "check", "--root", str(project.root), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[1]["code"] == "TRC-101"


@pytest.mark.verifies("SRS-TRACE-009", "SRS-TRACE-008")
def test_the_matrix_command_writes_three_files(project, capsys):
    assert main(["trace", "matrix", "--root", str(project.root)]) == 0
    assert sorted(path.name for path in (project.root / "build/trace").iterdir()) == [
        "matrix.csv", "matrix.html", "matrix.inputs", "matrix.json",
    ]  # fmt: skip
    assert "No complete run is recorded" in capsys.readouterr().out


@pytest.mark.verifies("SRS-TRACE-008")
def test_nothing_is_written_again_until_an_input_or_output_changes(project, capsys):
    words = ["trace", "matrix", "--root", str(project.root)]
    main(words)
    page = project.root / "build/trace/matrix.html"
    stamp = page.stat().st_mtime_ns
    main(words)
    assert "nothing has changed" in capsys.readouterr().out
    assert page.stat().st_mtime_ns == stamp
    for change in (
        lambda: project.change("items/all.md", "A user needs", "A user wants"),
        lambda: project.write("trace.gaps", "TRC-101 x\n"),
        lambda: project.write("records/a.toml", ""),
        lambda: page.write_text("", encoding="utf-8"),
    ):
        change()
        main(words)
        assert "nothing has changed" not in capsys.readouterr().out
