from __future__ import annotations

import json

import pytest

from lungai_core.trace import load_graph, read_config


@pytest.mark.verifies("SRS-EVID-001", "SRS-EVID-030")
def test_each_of_the_sixteen_honesty_rules_has_its_requirement_its_code_and_its_test(repository):
    rules = json.loads((repository / "lungai_core/evidence/profiles/honesty.json").read_text(encoding="utf-8"))["rules"]
    assert [rule["id"] for rule in rules] == [f"H{number}" for number in range(1, 17)]
    graph = load_graph(read_config(repository))
    for number in range(1, 17):
        item_id = f"SRS-EVID-{number:03d}"
        assert item_id in graph.items.by_id
        assert graph.tests_of(item_id), item_id
        assert graph.code_of(item_id), item_id
