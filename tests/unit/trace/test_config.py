import pytest

from lungai_core.errors import TraceConfigError
from lungai_core.trace import read_config


@pytest.mark.verifies("SRS-TRACE-001")
def test_the_table_becomes_a_value(project):
    config = read_config(project.root)
    assert config.packages == ("pkg",)
    assert config.kind_of("SRS-001").name == "software"
    assert config.kind_of("SRS-1") is None
    assert config.output_folder == project.root / "build/trace"


BAD = {
    "an unknown key": ('tests = ["tests"]', 'tests = ["tests"]\nfoo = 1', "foo"),
    "a list of numbers": ('tests = ["tests"]', "tests = [1]", "tests"),
    "a text where a switch belongs": ("chinese = true", 'chinese = "yes"', "chinese"),
    "an empty text": ('lock = "trace.lock"', 'lock = ""', "lock"),
    "a folder that does not exist": ('tests = ["tests"]', 'tests = ["nowhere"]', "nowhere"),
    "a kind without a pattern": ("id = 'HAZ-\\d{3}'", "", "hazard"),
    "a pattern that is none": ("id = 'HAZ-\\d{3}'", "id = 'HAZ-('", "hazard"),
    "a kind that is not configured": ('parents = ["hazard"]', 'parents = ["danger"]', "danger"),
    "an unknown key of a kind": ('parents = ["hazard"]', 'parent = ["hazard"]', "parent"),
    "no table": ("[tool.lungai_trace", "[tool.other", "lungai_trace"),
    "no toml": ("[tool.lungai_trace]", "[tool.lungai_trace", "toml"),
}


@pytest.mark.verifies("SRS-TRACE-001")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_with_its_place(project, name):
    old, new, word = BAD[name]
    project.change("pyproject.toml", old, new)
    with pytest.raises(TraceConfigError) as refusal:
        read_config(project.root)
    assert word in str(refusal.value)


@pytest.mark.verifies("SRS-TRACE-001")
def test_a_project_without_kinds_is_refused(project):
    project.write("pyproject.toml", "[tool.lungai_trace]\npackages = []\n")
    with pytest.raises(TraceConfigError, match="kinds"):
        read_config(project.root)
