import json

import pytest

from lungai_core.errors import TraceConfigError
from lungai_core.trace import check_project, load_graph, load_hooks, read_config, write_views

HOOKS = """
from lungai_core.trace import Item, Place


def add_items(config):
    yield Item("UN-002", "need", "Remote", "A need of another tool.", "另一工具的需求。", "", (), "", "", (), (),
               Place("jama", 1), 1)


def waive(finding):
    return "kept in the other tool" if finding.subject.startswith("UN-002") else ""


def report(matrix, folder):
    (folder / "ids.txt").write_text(" ".join(row.item.item_id for row in matrix.rows), encoding="utf-8")
"""


@pytest.fixture
def hooked(project):
    name = f"hooks_{project.root.parent.name}".replace("-", "_")
    project.write(f"{name}.py", HOOKS)
    project.change("pyproject.toml", "chinese = true", f'chinese = true\nhooks = ["{name}"]')
    return project


@pytest.mark.verifies("SRS-TRACE-019")
def test_hooks_add_items_waive_findings_with_a_reason_and_write_reports(hooked):
    graph = load_graph(read_config(hooked.root))
    assert graph.items.by_id["UN-002"].title == "Remote"
    assert check_project(graph) == ()
    folder = hooked.root / "build/trace"
    write_views(graph, None, folder)
    matrix = json.loads((folder / "matrix.json").read_text(encoding="utf-8"))
    assert matrix["waived"] == [{"code": "TRC-108", "subject": "UN-002 software", "reason": "kept in the other tool"}]
    assert (folder / "ids.txt").read_text(encoding="utf-8").endswith("UN-002")


@pytest.mark.verifies("SRS-TRACE-019")
@pytest.mark.parametrize("name", ["no_such_module_here", "json"])
def test_a_module_that_is_no_hook_is_refused(project, name):
    project.change("pyproject.toml", "chinese = true", f'chinese = true\nhooks = ["{name}"]')
    with pytest.raises(TraceConfigError, match=name):
        load_hooks(read_config(project.root))
