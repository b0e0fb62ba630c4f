from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lungai_core.errors import CaseListError, LedgerMismatchError, OutputFolderError
from lungai_core.inference.ledger import BatchCase, CaseState, SqliteLedger, read_cases
from support.full_disk import files_end_at

CASES = tuple(BatchCase(case_id=f"c{n}", ct_dir=f"/ct/{n}", candidates_file=f"/k/{n}") for n in range(4))


@pytest.fixture
def ledger(tmp_path):
    ledger = SqliteLedger(tmp_path / "ledger.sqlite")
    ledger.enqueue(CASES, configuration="m1")
    return ledger


def _lease(ledger, now, seconds=10.0):
    return ledger.lease(now=now, seconds=seconds, max_attempts=3)


@pytest.mark.verifies("SRS-INFER-011")
def test_cases_are_leased_in_their_order_and_to_one_holder_each(ledger):
    leases = [_lease(ledger, 0.0) for _ in range(5)]
    assert [lease and lease.case.case_id for lease in leases] == ["c0", "c1", "c2", "c3", None]
    assert ledger.count().of(CaseState.RUNNING) == 4


@pytest.mark.verifies("SRS-INFER-011")
def test_a_lease_that_has_expired_goes_to_another_and_the_first_holder_can_end_nothing(ledger):
    first = _lease(ledger, 0.0)
    for _ in range(3):
        _lease(ledger, 0.0, seconds=100.0)
    assert _lease(ledger, 9.0) is None
    second = _lease(ledger, 10.0)
    assert (second.case, second.attempt) == (first.case, 2)
    assert not ledger.end(first, state=CaseState.DONE, reason="", review_required=0)
    assert not ledger.renew(first, now=11.0, seconds=10.0)
    assert ledger.end(second, state=CaseState.REJECTED, reason="LAI-X no", review_required=0)
    assert ledger.reasons() == (("c0", CaseState.REJECTED, "LAI-X no"),)


@pytest.mark.verifies("SRS-INFER-011")
def test_a_renewed_lease_lasts(ledger):
    lease = _lease(ledger, 0.0)
    assert ledger.renew(lease, now=9.0, seconds=10.0)
    taken = [_lease(ledger, 15.0, seconds=100.0) for _ in range(4)]
    assert [other and other.case.case_id for other in taken] == ["c1", "c2", "c3", None]


@pytest.mark.verifies("SRS-INFER-011", "RC-INFER-006")
def test_a_full_disk_is_a_typed_error_and_costs_no_state(ledger, tmp_path):
    lease = _lease(ledger, 0.0)
    more = [BatchCase(case_id=f"n{n}", ct_dir="/ct", candidates_file="/k") for n in range(500)]
    with files_end_at((tmp_path / "ledger.sqlite").stat().st_size), pytest.raises(OutputFolderError, match="SQLITE_"):
        ledger.enqueue(more, configuration="m1")
    assert ledger.count().total == len(CASES)
    assert ledger.end(lease, state=CaseState.DONE, reason="", review_required=0)


@pytest.mark.verifies("SRS-INFER-011")
def test_a_file_that_is_no_ledger_is_a_typed_error(tmp_path):
    (tmp_path / "ledger.sqlite").write_bytes(b"no data base" * 1000)
    with pytest.raises(OutputFolderError, match="SQLITE_NOTADB"):
        SqliteLedger(tmp_path / "ledger.sqlite").count()


@pytest.mark.verifies("SRS-INFER-011", "RC-INFER-006")
def test_a_case_whose_workers_always_die_is_failed(ledger):
    for attempt in range(3):
        assert _lease(ledger, attempt * 10.0).attempt == attempt + 1
    assert _lease(ledger, 30.0).case.case_id == "c1"
    assert ledger.reasons() == (("c0", CaseState.FAILED, "no worker lived to end it"),)


@pytest.mark.verifies("SRS-INFER-011")
def test_what_a_dead_run_left_is_queued_again_and_what_it_ended_stays(ledger):
    done, _ = _lease(ledger, 0.0, seconds=1e9), _lease(ledger, 0.0, seconds=1e9)
    ledger.end(done, state=CaseState.DONE, reason="", review_required=1)
    ledger.enqueue(CASES, configuration="m1")
    assert ledger.release_all() == 1
    assert _lease(ledger, 1.0).case.case_id == "c1"
    assert (ledger.count().of(CaseState.DONE), ledger.count().review_required) == (1, 1)


@pytest.mark.verifies("SRS-INFER-011")
def test_another_model_or_other_paths_are_refused(ledger):
    with pytest.raises(LedgerMismatchError, match="configuration"):
        ledger.enqueue(CASES, configuration="m2")
    moved = CASES[0].model_copy(update={"ct_dir": "/elsewhere"})
    with pytest.raises(LedgerMismatchError, match="case c0"):
        ledger.enqueue((moved,), configuration="m1")


@pytest.mark.verifies("SRS-INFER-011")
def test_a_list_gives_absolute_paths(tmp_path):
    path = tmp_path / "cases.json"
    listed = [{"case_id": "1", "ct_dir": "a/ct", "candidates_file": "/abs/c.json"}]
    path.write_text(json.dumps({"schema_version": "lungai-cases/1", "cases": listed}))
    (case,) = read_cases(path).cases
    assert (case.ct_dir, case.candidates_file) == (str(tmp_path / "a/ct"), "/abs/c.json")


@pytest.mark.verifies("SRS-INFER-011")
@pytest.mark.parametrize("case_ids", [["1", "1"], ["../1"], [""], None])
def test_a_list_that_cannot_be_used_is_refused(tmp_path, case_ids):
    path = tmp_path / "cases.json"
    if case_ids is not None:
        listed = [{"case_id": name, "ct_dir": "a", "candidates_file": "b"} for name in case_ids]
        path.write_text(json.dumps({"schema_version": "lungai-cases/1", "cases": listed}))
    with pytest.raises(CaseListError):
        read_cases(path)


class _LedgerMachine(RuleBasedStateMachine):
    """The ledger beside the plainest model of it: which leases are valid, and which case ended how often."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = SqliteLedger(Path(self.folder.name) / "ledger.sqlite")
        self.ledger.enqueue(CASES, configuration="m")
        self.now, self.valid, self.stale, self.ends = 0.0, {}, [], {}

    def teardown(self):
        self.folder.cleanup()

    @rule(step=st.sampled_from([1.0, 6.0]))
    def wait(self, step):
        self.now += step

    @rule()
    def take(self):
        lease = self.ledger.lease(now=self.now, seconds=5.0, max_attempts=1000)
        if lease is None:
            assert all(
                case.case_id in self.ends or self.valid.get(case.case_id, (None, 0))[1] > self.now for case in CASES
            )
            return
        name = lease.case.case_id
        assert name not in self.ends
        if name in self.valid:
            assert self.valid[name][1] <= self.now
            self.stale.append(self.valid[name][0])
        self.valid[name] = (lease, self.now + 5.0)

    @rule(data=st.data())
    def end(self, data):
        if self.valid:
            name = data.draw(st.sampled_from(sorted(self.valid)))
            lease, _ = self.valid.pop(name)
            assert self.ledger.end(lease, state=CaseState.DONE, reason="", review_required=0)
            self.ends[name] = self.ends.get(name, 0) + 1
            self.stale.append(lease)

    @rule(data=st.data())
    def end_with_a_stale_lease(self, data):
        if self.stale:
            lease = data.draw(st.sampled_from(self.stale))
            assert not self.ledger.end(lease, state=CaseState.FAILED, reason="late", review_required=0)
            assert not self.ledger.renew(lease, now=self.now, seconds=5.0)

    @invariant()
    def every_case_stands_in_one_state_and_ends_once(self):
        count = self.ledger.count()
        assert count.total == len(CASES)
        assert count.of(CaseState.DONE) == len(self.ends)
        assert all(times == 1 for times in self.ends.values())


_LedgerMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
TestLedgerAgainstItsModel = pytest.mark.verifies("SRS-INFER-011", "RC-INFER-006")(_LedgerMachine.TestCase)
