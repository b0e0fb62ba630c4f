from __future__ import annotations

import importlib.util
import json
import re

import pytest

from lungai_core.evidence.regulations import load_regulations

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.verifies("SRS-EVID-030")
def test_the_package_data_are_what_the_research_tables_give(repository, shared_regulatory):
    pytest.importorskip("yaml")
    path = repository / "tests/support/regulatory_profiles.py"
    spec = importlib.util.spec_from_file_location("regulatory_profiles", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = dict(load_regulations().data)
    for name, content in module.convert(shared_regulatory).items():
        if name in data:
            assert json.loads(data[name]) == json.loads(json.dumps(content)), name
    honesty = json.loads((repository / "lungai_core/evidence/profiles/honesty.json").read_text(encoding="utf-8"))
    assert [rule["id"] for rule in honesty["rules"]] == [f"H{number}" for number in range(1, 17)]


@pytest.mark.verifies("SRS-EVID-030")
def test_every_row_names_an_artefact_of_the_map_and_every_outline_its_edition_and_source():
    regulations = load_regulations()
    known = {artefact.artefact_id for artefact in regulations.artefacts}
    assert len(known) == 80
    for outline in regulations.outlines:
        assert outline.edition
        assert outline.source_status
        assert outline.status in {"final", "draft"}
        assert {row.artefact for row in outline.rows} <= known


@pytest.mark.verifies("SRS-EVID-030", "SRS-EVID-019")
def test_every_heading_has_a_name_of_its_own_in_each_language():
    regulations = load_regulations()
    named = [row for outline in regulations.outlines for row in outline.rows]
    titles = [each.title for each in (*named, *regulations.outlines, *regulations.artefacts)]
    assert len(named) == 879
    assert [title.zh for title in titles if not HAN.search(title.zh)] == []
    assert [title.en for title in titles if HAN.search(title.en)] == []


@pytest.mark.verifies("SRS-EVID-030", "SRS-EVID-026")
def test_file_stems_are_unique_and_have_a_numeric_prefix():
    stems = [artefact.stem for artefact in load_regulations().artefacts]
    assert len(stems) == len(set(stems))
    assert all(stem[:3].isdigit() and stem[3] == "_" and stem.replace("_", "").isalnum() for stem in stems)


@pytest.mark.verifies("SRS-EVID-030", "SRS-EVID-006")
def test_an_adoption_that_modifies_a_standard_is_not_called_identical():
    title = next(outline.title.zh for outline in load_regulations().outlines if outline.outline_id == "iec62304")
    assert "修改采用" in title


@pytest.fixture(scope="session")
def shared_regulatory(repository):
    folder = repository.parent / "shared/regulatory"
    if not folder.is_dir():
        pytest.skip("../shared/regulatory is not beside this checkout")
    return folder
