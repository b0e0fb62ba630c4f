from __future__ import annotations

import re
import tomllib

import pytest

from lungai_core.evidence.markdown import read_sections
from lungai_core.evidence.regulations import load_regulations
from lungai_core.evidence.wording import claims_in, numbers_in


def documents(repository):
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    return project["tool"]["lungai_evidence"]["documents"]


@pytest.mark.verifies("SRS-EVID-032", "SRS-EVID-006")
def test_each_tracked_document_has_the_same_structure_in_both_languages_and_claims_nothing(repository):
    for paths in documents(repository).values():
        for english, chinese in zip(paths[::2], paths[1::2], strict=True):
            texts = [(repository / path).read_text(encoding="utf-8") for path in (english, chinese)]
            assert read_sections(*texts, sources=("D-001", "D-002"), where=english)
            assert [claims_in(text) + numbers_in(text) for text in texts] == [(), ()], english
            assert re.search(r"[\u4e00-\u9fff]", texts[1]), chinese


@pytest.mark.verifies("SRS-EVID-032", "SRS-EVID-017")
def test_each_answer_of_a_tracked_document_is_a_heading_that_somebody_asks_for(repository):
    regulations = load_regulations()
    rows = {row.row_id for outline in regulations.outlines for row in outline.rows}
    artefacts = {artefact.artefact_id for artefact in regulations.artefacts}
    table = documents(repository)
    assert set(table) <= artefacts
    for paths in table.values():
        text = (repository / paths[0]).read_text(encoding="utf-8")
        answers = {name for match in re.findall(r"<!-- answers: (.*?) -->", text) for name in match.split(", ")}
        assert answers <= rows, paths[0]
