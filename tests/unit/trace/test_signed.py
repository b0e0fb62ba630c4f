import pytest

from lungai_core.cli.app import main
from lungai_core.trace import Verdict, check_project, full_matrix, load_graph, read_config

RECORD = """
item = "SRS-001"
method = "inspection"
outcome = "{outcome}"
signed_by = "A. Inspector"
signed_on = "{day}"
text_sha256 = "{sha256}"
statement = "The sum was read and found right."
"""


@pytest.fixture
def inspected(project):
    project.change("items/all.md", 'method = "test"', 'method = "inspection"')
    return project


def sign(project, *, outcome="pass", day="2026-11-22", sha256=None):
    item = load_graph(read_config(project.root)).items.by_id["SRS-001"]
    project.write("records/one.toml", RECORD.format(outcome=outcome, day=day, sha256=sha256 or item.fingerprint))


def verdict(project):
    return full_matrix(load_graph(read_config(project.root)), None).verdicts.of["SRS-001"].verdict


def codes(project):
    return [each.rule.code for each in check_project(load_graph(read_config(project.root)))]


@pytest.mark.verifies("SRS-TRACE-007")
def test_an_inspected_item_needs_a_signed_record(inspected):
    assert codes(inspected) == ["TRC-602"]
    assert verdict(inspected) is Verdict.NOT_VERIFIED
    sign(inspected)
    assert codes(inspected) == []
    assert verdict(inspected) is Verdict.VERIFIED


@pytest.mark.verifies("SRS-TRACE-007")
def test_a_record_of_an_older_text_does_not_stand(inspected):
    sign(inspected)
    inspected.change("items/all.md", "2 numbers", "3 numbers")
    assert codes(inspected) == ["TRC-604"]
    assert verdict(inspected) is Verdict.STALE


@pytest.mark.verifies("SRS-TRACE-007")
def test_a_failed_inspection_is_a_failure(inspected):
    sign(inspected, outcome="fail")
    assert codes(inspected) == ["TRC-605"]
    assert verdict(inspected) is Verdict.FAILED


@pytest.mark.verifies("SRS-TRACE-007")
@pytest.mark.parametrize(
    ("old", "new"), [("outcome", "result"), ('"pass"', '"maybe"'), ("2026-11-22", "today"), ("=", "")]
)
def test_a_record_that_cannot_be_read_is_a_finding(inspected, old, new):
    sign(inspected)
    text = (inspected.root / "records/one.toml").read_text(encoding="utf-8")
    inspected.write("records/one.toml", text.replace(old, new))
    assert sorted(codes(inspected)) == ["TRC-602", "TRC-603"]


@pytest.mark.verifies("SRS-TRACE-007")
def test_a_record_for_nothing_is_a_finding(inspected):
    sign(inspected)
    text = (inspected.root / "records/one.toml").read_text(encoding="utf-8")
    inspected.write("records/two.toml", text.replace("SRS-001", "SRS-099"))
    assert codes(inspected) == ["TRC-603"]


@pytest.mark.verifies("SRS-TRACE-009")
def test_the_fingerprint_of_an_item_is_printed_for_the_signer(inspected, capsys):
    assert main(["trace", "fingerprint", "SRS-001", "--root", str(inspected.root)]) == 0
    assert len(capsys.readouterr().out.strip()) == 64
    assert main(["trace", "fingerprint", "SRS-099", "--root", str(inspected.root)]) == 2
