import pytest

from lungai_core.cli.app import main
from lungai_core.trace import check_project, full_matrix, load_graph, read_config, read_record


def findings(project):
    return [(each.rule.code, each.subject) for each in check_project(load_graph(read_config(project.root)))]


def lungai(project, *words):
    return main(["trace", *words, "--root", str(project.root)])


@pytest.fixture
def reviewed(project):
    project.commit("first")
    assert lungai(project, "review", "--accept", "--reviewer", "A. Reviewer", "--day", "2026-11-22") == 0
    return project


@pytest.mark.verifies("SRS-TRACE-011")
def test_a_reviewed_project_has_no_finding_and_a_sorted_lock(reviewed):
    lines = (reviewed.root / "trace.lock").read_text(encoding="utf-8").splitlines()
    assert findings(reviewed) == []
    assert lines[1:] == sorted(lines[1:])
    assert len(lines) == 1 + 6 + 6 + 3 + 3  # header, links between items, translations, code, tests


@pytest.mark.verifies("SRS-TRACE-011")
def test_changed_text_makes_exactly_its_links_suspect_and_its_translation_stale(reviewed):
    reviewed.change("items/all.md", "shall add 2 numbers", "shall add 3 numbers")
    assert findings(reviewed) == [
        ("TRC-406", "SRS-001 -> zh"),
        ("TRC-501", "SRS-001 -> UN-001"),
        ("TRC-501", "SDS-001 -> SRS-001"),
        ("TRC-501", "pkg.add -> SRS-001"),
        ("TRC-501", "tests/test_pkg.py::test_sum -> SRS-001"),
    ]


@pytest.mark.verifies("SRS-TRACE-011")
def test_reflowed_white_space_changes_nothing(reviewed):
    reviewed.change("items/all.md", "shall add 2 numbers", "shall\nadd  2\nnumbers")
    reviewed.change("items/all.md", "用户需要求和。", " 用户需要求和。 ")
    reviewed.change("pkg/__init__.py", "    return first", "\n    return first")
    assert findings(reviewed) == []


@pytest.mark.verifies("SRS-TRACE-011")
@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("tests/test_pkg.py", "== 3", "== 4 - 1", [("TRC-501", "tests/test_pkg.py::test_sum -> SRS-001")]),
        ("items/all.md", "库应将 2 个数相加。", "库应求和。", [("TRC-406", "SRS-001 -> zh")]),
        (
            "pkg/__init__.py",
            "Add two numbers",
            "Sum two numbers",
            [("TRC-501", f"pkg.add -> {item_id}") for item_id in ("SDS-001", "SRS-001", "SRS-002")],
        ),
    ],
)
def test_a_change_at_the_lower_end_makes_its_links_suspect(reviewed, name, old, new, expected):
    reviewed.change(name, old, new)
    assert findings(reviewed) == expected


@pytest.mark.verifies("SRS-TRACE-011")
def test_new_and_vanished_links_ask_for_a_review(reviewed):
    reviewed.change("tests/test_pkg.py", '"SRS-002", "RC-001"', '"SRS-002", "RC-001", "SRS-001"')
    reviewed.change("tests/test_pkg.py", '@pytest.mark.verifies("SRS-001")\n', '@pytest.mark.verifies("SRS-002")\n')
    assert [code for code, _ in findings(reviewed)] == ["TRC-502", "TRC-502", "TRC-503"]


@pytest.mark.verifies("SRS-TRACE-011")
def test_a_broken_lock_is_named_by_line(reviewed):
    lock = reviewed.root / "trace.lock"
    lines = lock.read_text(encoding="utf-8").splitlines(keepends=True)
    lock.write_text("".join([*lines, "rubbish\n", lines[-1]]), encoding="utf-8")
    assert [code for code, _ in findings(reviewed)] == ["TRC-504", "TRC-504"]


@pytest.mark.verifies("SRS-TRACE-011")
def test_review_shows_the_difference_and_accepts_only_what_it_is_asked_to(reviewed, capsys):
    reviewed.change("items/all.md", "shall add 2 numbers", "shall add 3 numbers")
    assert lungai(reviewed, "review", "SRS-001") == 0
    shown = capsys.readouterr().out
    assert "-The library shall add 2 numbers." in shown
    assert "+The library shall add 3 numbers." in shown
    assert "Nothing was accepted" in shown
    assert lungai(reviewed, "review", "SDS-001", "--accept", "--reviewer", "B", "--day", "2026-11-23") == 0
    assert ("TRC-501", "SDS-001 -> SRS-001") not in findings(reviewed)
    assert ("TRC-501", "pkg.add -> SRS-001") in findings(reviewed)
    assert "2026-11-23 B" in (reviewed.root / "trace.lock").read_text(encoding="utf-8")


@pytest.mark.verifies("SRS-TRACE-011")
def test_a_review_needs_a_reviewer(reviewed):
    assert lungai(reviewed, "review", "--accept") == 2


@pytest.mark.verifies("SRS-TRACE-007", "SRS-TRACE-011", "RC-TRACE-003")
def test_an_item_at_either_end_of_a_suspect_link_is_not_verified(reviewed):
    reviewed.change("tests/test_pkg.py", "== 3", "== 4 - 1")
    reviewed.commit()
    reviewed.pytest_inside("--trace-record")
    record = read_record(reviewed.root / "build/trace/record.json")
    verdicts = full_matrix(load_graph(read_config(reviewed.root)), record).verdicts.of
    assert {item_id: str(each.verdict) for item_id, each in verdicts.items()} == {
        "UN-001": "SUSPECT", "HAZ-001": "VERIFIED", "RC-001": "VERIFIED",
        "SRS-001": "SUSPECT", "SRS-002": "VERIFIED", "SDS-001": "n/a",
    }  # fmt: skip
    assert lungai(reviewed, "check", "--verified") == 1


@pytest.mark.verifies("SRS-TRACE-012")
def test_accepted_gaps_are_silent_and_the_list_only_shrinks(project, capsys):
    project.change("tests/test_pkg.py", '@pytest.mark.verifies("SRS-001")\n', "")
    assert [code for code, _ in findings(project)] == ["TRC-303", "TRC-302"]
    assert lungai(project, "accept") == 0
    assert findings(project) == []
    project.change("items/all.md", '["HAZ-001"]', '["HAZ-001", "HAZ-001"]')
    assert [code for code, _ in findings(project)] == ["TRC-109"]
    project.change("tests/test_pkg.py", "def test_sum", '@pytest.mark.verifies("SRS-001")\ndef test_sum')
    assert [code for code, _ in findings(project)] == ["TRC-109", "TRC-701", "TRC-701"]
    assert lungai(project, "accept") == 0
    assert "0 accepted, 2 closed" in capsys.readouterr().out
    assert [code for code, _ in findings(project)] == ["TRC-109"]


@pytest.mark.verifies("SRS-TRACE-012")
def test_a_line_that_is_no_gap_is_a_finding(project):
    project.write("trace.gaps", "# header\n\nTRC-303\n")
    assert findings(project) == [("TRC-702", "TRC-303")]
