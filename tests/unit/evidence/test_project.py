from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from lungai_core.errors import EvidenceInputError
from lungai_core.evidence.bundle import BuildOrder, draft
from lungai_core.evidence.document import fields_of
from lungai_core.evidence.project import code_inventory, history_json, read_project


def read(folder):
    return read_project(folder, record=folder / "build/trace/record.json")


@pytest.mark.verifies("SRS-EVID-005", "SRS-EVID-027")
def test_name_version_and_history_are_read_from_the_project(project):
    assert (project.name, project.version) == ("sample", "1.2.3")
    history = json.loads(history_json(project.history))
    assert history["commit"] == project.run.commit
    assert history["log"][0]["subject"] == "Write the sample project"
    assert history["last_change"]["requirements/protocols.md"]["time"].startswith("2026-01-05")
    assert "author@example.invalid" not in history_json(project.history)


@pytest.mark.verifies("SRS-EVID-022")
def test_each_source_file_is_listed_with_its_hash_and_lines(project):
    rows = {row["path"]: row for row in code_inventory(project)}
    assert sorted(rows) == ["sample/__init__.py", "sample/measure.py"]
    assert rows["sample/measure.py"]["lines"] == 11
    assert rows["sample/measure.py"]["lines_not_blank_or_comment"] == 8
    assert len(rows["sample/measure.py"]["sha256"]) == 64


@pytest.mark.verifies("SRS-EVID-027")
def test_a_version_may_stand_in_the_package_and_may_be_absent(project_copy):
    path = project_copy / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('version = "1.2.3"', ""), encoding="utf-8")
    assert read(project_copy).version == ""
    hatch = '\n[tool.hatch.version]\npath = "sample/__init__.py"\n'
    path.write_text(text.replace('version = "1.2.3"', "") + hatch, encoding="utf-8")
    assert read(project_copy).version == ""
    (project_copy / "sample/__init__.py").write_text('__version__ = "4.5.6"\n', encoding="utf-8")
    assert read(project_copy).version == "4.5.6"


@pytest.mark.verifies("SRS-EVID-005", "SRS-EVID-015", "RC-EVID-001")
def test_outside_of_version_control_nothing_counts_as_verified_or_set_beforehand(project_copy, few_regulations):
    shutil.rmtree(project_copy / ".git")
    made = draft(read(project_copy), order=BuildOrder(regulations=few_regulations))
    plan = next(document for document in made.documents if document.artefact == "test_plan")
    assert "NOT UNDER VERSION CONTROL" in [field.text.en for field in fields_of(plan)]
    assert {"SRS-001", "RC-001"} <= {gap.subject for gap in made.material.gaps if gap.kind == "not-verified"}


@pytest.mark.verifies("SRS-EVID-033")
def test_tagged_versions_come_before_the_version_at_hand(project_copy):
    subprocess.run(["git", "tag", "v1.2.2"], cwd=project_copy, check=True)
    made = draft(read(project_copy), order=BuildOrder())
    history = next(document for document in made.documents if document.artefact == "version_history")
    versions = next(table for table in history.sections[1].blocks if hasattr(table, "rows"))
    assert [row[0].text.en for row in versions.rows] == ["v1.2.2", "1.2.3"]


@pytest.mark.verifies("SRS-EVID-032")
@pytest.mark.parametrize(("old", "new"), [("design/development.md", "design/none.md"), ("[project]", "[project")])
def test_a_project_that_names_no_document_or_cannot_be_read_is_refused(project_copy, old, new):
    path = project_copy / "pyproject.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(EvidenceInputError, match="LAI-EVID-001"):
        read(project_copy)
