import pytest

from lungai_core.trace import check, load_graph, read_config


def findings(project):
    return check(load_graph(read_config(project.root)))


def codes(project):
    return [(each.rule.code, each.place.path, each.place.line) for each in findings(project)]


@pytest.mark.verifies("SRS-TRACE-004")
def test_a_project_without_a_defect_gives_no_finding(project):
    assert findings(project) == ()


@pytest.mark.verifies("SRS-TRACE-004")
def test_a_finding_prints_code_place_message_and_remedy(project):
    project.change("items/all.md", '"UN-001", "RC-001"', '"UN-001", "RC-001", "UN-009"')
    (finding,) = findings(project)
    assert str(finding) == (
        "TRC-101 items/all.md:44 SRS-002 links up to UN-009, which does not exist. "
        "Write the missing item, or correct the ID in `parents`."
    )


ITEM_DEFECTS = {
    "a parent that does not exist": ('parents = ["UN-001"]', 'parents = ["UN-001", "UN-002"]', "TRC-101"),
    "a parent of the wrong kind": ('parents = ["HAZ-001"]', 'parents = ["HAZ-001", "UN-001"]', "TRC-104"),
    "a parent named twice": ('parents = ["HAZ-001"]', 'parents = ["HAZ-001", "HAZ-001"]', "TRC-109"),
    "a requirement without a parent": ('parents = ["UN-001"]\nmethod', "parents = []\nmethod", "TRC-105"),
    "a heading without the dot": ("## UN-001 · A need", "## UN-001 A need", "TRC-106"),
    "an ID of no kind": ("## HAZ-001 · A", "## HAZ-1 · A", "TRC-106"),
    "a block that is no toml": ('severity = "serious"', 'severity = "serious', "TRC-107"),
    "a status that is no text": ('severity = "serious"', "status = 3", "TRC-107"),
    "parents that are no list": ('parents = ["HAZ-001"]', 'parents = "HAZ-001"', "TRC-107"),
    "parents that are numbers": ('parents = ["HAZ-001"]', "parents = [1]", "TRC-107"),
    "an obsolete parent": ('severity = "serious"', 'status = "obsolete"', "TRC-110"),
    "two shalls": ("The library shall add", "The library shall count and shall add", "TRC-402"),
    "no shall": ("The library shall add", "The library adds", "TRC-402"),
    "a vague word": ("shall add 2 numbers", "shall add some numbers", "TRC-403"),
    "no text": ("A user needs a sum.\n\n", "", "TRC-401"),
    "no Chinese text": ("> **zh** 用户需要求和。\n", "", "TRC-404"),
    "a Chinese text in English": ("用户需要求和。", "A user needs a sum.", "TRC-405"),
    "a method that does not exist": ('method = "test"', 'method = "faith"', "TRC-601"),
    "a file that does not exist": ('method = "test"', 'method = "test"\nimplemented_by = ["no.toml"]', "TRC-206"),
}


@pytest.mark.verifies("SRS-TRACE-004")
@pytest.mark.parametrize("name", ITEM_DEFECTS)
def test_each_defect_of_an_item_is_found_at_its_line(project, name):
    old, new, code = ITEM_DEFECTS[name]
    project.change("items/all.md", old, new)
    found = findings(project)
    hits = [each for each in found if each.rule.code == code]
    assert hits
    line = (project.root / "items/all.md").read_text(encoding="utf-8").split("\n")[hits[0].place.line - 1]
    assert line.startswith("## ")
    assert hits[0].subject.split(" ")[0] in line


CODE_DEFECTS = {
    "an unknown ID": ("SRS-001, SRS-002, SDS-001", "SRS-001, SRS-002, SDS-001, SRS-009", ["TRC-201"]),
    "an ID that code cannot implement": ("SRS-001, SRS", "UN-001, SRS-001, SRS", ["TRC-203"]),
    "no ID": ("    :implements: SRS-001, SRS-002, SDS-001\n", "", ["TRC-204", "TRC-204", "TRC-204", "TRC-202"]),
    "no Python": ("def add(", "def add((", ["TRC-204", "TRC-204", "TRC-204", "TRC-205"]),
}


@pytest.mark.verifies("SRS-TRACE-002", "SRS-TRACE-004")
@pytest.mark.parametrize("name", CODE_DEFECTS)
def test_each_defect_of_the_code_is_found(project, name):
    old, new, expected = CODE_DEFECTS[name]
    project.change("pkg/__init__.py", old, new)
    assert [code for code, _, _ in codes(project)] == expected


TEST_DEFECTS = {
    "an unknown ID": ('verifies("SRS-001")', 'verifies("SRS-001", "SRS-009")', ["TRC-301"]),
    "an ID that tests cannot verify": ('verifies("SRS-001")', 'verifies("SRS-001", "UN-001")', ["TRC-305"]),
    "no ID": ('@pytest.mark.verifies("SRS-001")\n', "", ["TRC-303", "TRC-302"]),
    "an ID that is not literal": ('verifies("SRS-001")', 'verifies("SRS-001", str())', ["TRC-304"]),
    "two tests of one name": ("test_text_is_refused", "test_sum", ["TRC-303", "TRC-307"]),
    "no Python": ("def test_sum(", "def test_sum((", ["TRC-303", "TRC-303", "TRC-303", "TRC-306"]),
}


@pytest.mark.verifies("SRS-TRACE-003", "SRS-TRACE-004")
@pytest.mark.parametrize("name", TEST_DEFECTS)
def test_each_defect_of_the_tests_is_found(project, name):
    old, new, expected = TEST_DEFECTS[name]
    project.change("tests/test_pkg.py", old, new)
    assert [code for code, _, _ in codes(project)] == expected


@pytest.mark.verifies("SRS-TRACE-004")
def test_a_circle_of_links_is_named_once_with_its_members(project):
    project.change("pyproject.toml", 'parents = ["software"]', 'parents = ["software", "design"]')
    block = project.items["SDS-001"]
    project.items["SDS-001"] = (block[0], 'parents = ["SRS-001", "SRS-002", "SDS-002"]', *block[2:])
    project.items["SDS-002"] = ("More", 'parents = ["SDS-001"]', "More.", "更多。")
    project.write_items()
    project.change("pkg/__init__.py", "SDS-001", "SDS-001, SDS-002")
    (finding,) = findings(project)
    assert finding.rule.code == "TRC-102"
    assert "SDS-001 -> SDS-002 -> SDS-001" in finding.message


@pytest.mark.verifies("SRS-TRACE-004")
def test_an_item_needs_children_of_each_required_kind(project):
    del project.items["SDS-001"]
    project.write_items()
    project.change("pkg/__init__.py", ", SDS-001", "")
    assert [(each.rule.code, each.subject) for each in findings(project)] == [
        ("TRC-108", "SRS-001 design"),
        ("TRC-108", "SRS-002 design"),
    ]


@pytest.mark.verifies("SRS-TRACE-004")
def test_an_obsolete_item_needs_nothing(project):
    project.items["SRS-003"] = ("Old", 'parents = ["UN-001"]\nstatus = "obsolete"', "It shall be old.", "旧。")
    project.write_items()
    assert findings(project) == ()


@pytest.mark.verifies("SRS-TRACE-004")
def test_a_repeated_id_names_the_first_place(project):
    project.write("items/more.md", (project.root / "items/all.md").read_text(encoding="utf-8"))
    found = [each for each in findings(project) if each.rule.code == "TRC-103"]
    assert len(found) == 6
    assert all(each.place.path == "items/more.md" and "items/all.md:" in each.message for each in found)
