"""The pytest side of the run record: what was collected, what ran, and what became of it.

Under pytest-xdist the workers write what they collected into a folder that the controller gave them, before the first
test runs, so that a crashing worker takes nothing with it; the controller hears of every report and writes the record.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from lungai_core.errors import CoverageContextError, LungaiError
from lungai_core.files import sha256_file
from lungai_core.trace.attempts import Phase, result_of
from lungai_core.trace.config import read_config
from lungai_core.trace.graph import load_graph
from lungai_core.trace.record import MANUFACTURER, NOT_RUN, Outcome, RunRecord, TestResult, save_record
from lungai_core.trace.surroundings import git_commit, read_environment, sources_sha256, uncommitted_files
from lungai_core.trace.views import write_views

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from lungai_core.trace.config import TraceConfig

__all__ = ["register"]

_NOTHING_TO_RECORD = frozenset({pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR})
_TOOLS = ("pytest", "lungai-core", "pytest-xdist", "pytest-rerunfailures", "pytest-timeout", "pytest-cov", "coverage")


def register(config: pytest.Config, /) -> None:
    """Start recording a pytest run.

    :implements: SRS-TRACE-005, SDS-TRACE-007

    Parameters
    ----------
    config
        pytest's configuration; its root holds the ``pyproject.toml`` with ``[tool.lungai_trace]``.
    """
    try:
        trace = read_config(config.rootpath)
    except LungaiError as error:
        raise pytest.UsageError(str(error)) from error
    inventory = _Inventory(config)
    config.pluginmanager.register(inventory, "lungai_trace_inventory")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(config, trace, inventory), "lungai_trace_recorder")


class _WorkerController(Protocol):
    """What pytest-xdist gives to ``pytest_configure_node``."""

    workerinput: dict[str, object]


class _Inventory:
    """What pytest collected: in the one process of a serial run, and in each worker."""

    def __init__(self, config: pytest.Config, /) -> None:
        self.config = config
        self.collected: dict[str, list[str]] = {}
        self.deselected: list[str] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, object, object]:
        everything = list(items)
        outcome = yield
        # Markers are read after all plugins and conftests have added theirs, for deselected tests too.
        for item in everything:
            ids = [str(each) for mark in item.iter_markers("verifies") for each in mark.args]
            self.collected[plain_node_id(item.nodeid)] = list(dict.fromkeys(reversed(ids)))
        return outcome

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        self.deselected += [plain_node_id(item.nodeid) for item in items]

    def pytest_collection_finish(self) -> None:
        worker = getattr(self.config, "workerinput", None)
        if worker is not None:
            content = {"collected": self.collected, "deselected": self.deselected}
            path = Path(worker["lungai_trace_folder"]) / f"{worker['workerid']}.json"
            temporary = path.with_suffix(".part")
            temporary.write_text(json.dumps(content), encoding="utf-8")
            temporary.replace(path)

    def take_from(self, folder: Path, /) -> None:
        for path in sorted(folder.glob("*.json")):
            content = json.loads(path.read_text(encoding="utf-8"))
            self.collected |= content["collected"]
            self.deselected = content["deselected"]


class _Recorder:
    """Hears every report and writes the record; lives in the controller or the one process of a serial run."""

    def __init__(self, config: pytest.Config, trace: TraceConfig, inventory: _Inventory, /) -> None:
        self.config = config
        self.trace = trace
        self.inventory = inventory
        self.phases: dict[str, list[Phase]] = {}
        self.failed_files: dict[str, str] = {}
        self.skipped_files: dict[str, str] = {}
        self.started = datetime.now(UTC)
        self.clock = time.perf_counter()
        self.workers = Path(tempfile.mkdtemp(prefix="lungai-trace-"))
        self.summary = ""
        self.coverage_core = _coverage_core(config)
        self.commit = git_commit(trace.root)
        self.dirty = uncommitted_files(trace)
        self.sources = sources_sha256(trace)
        self.graph = load_graph(trace)
        self._refuse_unknown_ids()

    def _refuse_unknown_ids(self) -> None:
        unknown = [
            f"{test.place}: {test.test_id} verifies {item_id}, which does not exist"
            for test in self.graph.tests.tests
            for item_id in test.verifies
            if item_id not in self.graph.items.by_id
        ]
        if unknown:
            shutil.rmtree(self.workers, ignore_errors=True)
            raise pytest.UsageError("unknown item IDs in verifies markers:\n  " + "\n  ".join(unknown))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: _WorkerController) -> None:
        node.workerinput["lungai_trace_folder"] = str(self.workers)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        path = report.nodeid.partition("::")[0]
        if report.failed:
            self.failed_files[path] = _last_line(report.longreprtext)
        elif report.skipped and report.nodeid == path:
            self.skipped_files[path] = _skip_reason(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        node_id = plain_node_id(report.nodeid)
        self.phases.setdefault(node_id, []).append(_phase(report))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self.inventory.take_from(self.workers)
        shutil.rmtree(self.workers, ignore_errors=True)
        if session.config.option.collectonly or exitstatus in _NOTHING_TO_RECORD:
            return
        unknown = self._unknown_at_run_time()
        if unknown:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
            self.summary = "no record written; unknown item IDs in verifies markers: " + "; ".join(unknown)
            return
        record = self._record(int(exitstatus))
        path = save_record(record, self.trace.output_folder)
        self._write_views(record, path.parent)
        state = "complete" if record.complete else "PARTIAL: " + "; ".join(record.incomplete_because)
        self.summary = f"{path.relative_to(self.trace.root)} and its matrix written ({state})" + self.summary

    def _write_views(self, record: RunRecord, folder: Path, /) -> None:
        data = _coverage_data(self.config) if self.config.getoption("cov_context", default=None) else None
        try:
            write_views(self.graph, record, folder, data_file=data)
        except CoverageContextError as error:
            self.summary = f"\nown-evidence coverage is NOT MEASURED: {error.what}"
            write_views(self.graph, record, folder)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.summary:
            terminalreporter.write_sep("-", "requirements trace")
            terminalreporter.write_line(self.summary)

    def _unknown_at_run_time(self) -> list[str]:
        return [
            f"{node_id} verifies {item_id}"
            for node_id, ids in sorted(self.inventory.collected.items())
            for item_id in ids
            if item_id not in self.graph.items.by_id
        ]

    def _record(self, exit_status: int, /) -> RunRecord:
        results = {node_id: self._collected(node_id, ids) for node_id, ids in self.inventory.collected.items()}
        for node_id in self.phases.keys() - results.keys():
            # A worker that died while collecting leaves reports of tests that nobody listed.
            results[node_id] = self._collected(node_id, self._static_ids(node_id))
        seen = {result.test_id for result in results.values()}
        for test in self.graph.tests.tests:
            if test.test_id not in seen:
                results[test.test_id] = self._absent(test.test_id, test.verifies)
        because = self._incomplete_because(results, exit_status)
        data = _coverage_data(self.config)
        return RunRecord(
            commit=self.commit,
            dirty=self.dirty,
            sources_sha256=self.sources,
            started=self.started.isoformat(timespec="seconds"),
            duration_s=round(time.perf_counter() - self.clock, 3),
            command=("pytest", *(str(word) for word in self.config.invocation_params.args)),
            tool=", ".join(_tools()),
            seeds=tuple(_seeds(self.config)),
            tester=self.config.getoption("trace_tester") or MANUFACTURER,
            complete=not because,
            incomplete_because=because,
            exit_status=exit_status,
            coverage_core=self.coverage_core,
            coverage_sha256=sha256_file(data) if data else "",
            environment=read_environment(),
            results=tuple(results[node_id] for node_id in sorted(results)),
        )

    def _static_ids(self, node_id: str, /) -> list[str]:
        test = self.graph.tests.by_id.get(TestResult(node_id, (), Outcome.NOT_RUN).test_id)
        return list(test.verifies) if test else []

    def _collected(self, node_id: str, ids: list[str], /) -> TestResult:
        phases = self.phases.get(node_id)
        if phases:
            return result_of(node_id, tuple(ids), phases)
        outcome = Outcome.DESELECTED if node_id in self._deselected else Outcome.NOT_RUN
        return TestResult(node_id, tuple(ids), outcome)

    @property
    def _deselected(self) -> frozenset[str]:
        return frozenset(self.inventory.deselected)

    def _absent(self, test_id: str, ids: tuple[str, ...], /) -> TestResult:
        path = test_id.partition("::")[0]
        if path in self.failed_files:
            return TestResult(test_id, ids, Outcome.NOT_COLLECTED, message=self.failed_files[path])
        if path in self.skipped_files:
            return TestResult(test_id, ids, Outcome.SKIPPED, message=self.skipped_files[path])
        single = any(argument.startswith(f"{path}::") for argument in self.config.args)
        collected = any(node_id.startswith(f"{path}::") for node_id in self.inventory.collected)
        return TestResult(test_id, ids, Outcome.NOT_COLLECTED if collected and not single else Outcome.NOT_IN_RUN)

    def _incomplete_because(self, results: dict[str, TestResult], exit_status: int, /) -> tuple[str, ...]:
        reasons = []
        if exit_status not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            reasons.append(f"pytest ended with status {exit_status}")
        scope = self.graph.tests.by_id
        for outcome in Outcome:
            if outcome in NOT_RUN:
                missing = [
                    each
                    for each in results.values()
                    if each.outcome is outcome and (each.test_id not in scope or scope[each.test_id].in_scope)
                ]
                if missing:
                    reasons.append(f"{len(missing)} {outcome.replace('_', ' ')}")
        return tuple(reasons)


def plain_node_id(node_id: str, /) -> str:
    """Return a node ID without the group that ``--dist loadgroup`` of pytest-xdist appends to it.

    :implements: SRS-TRACE-005, SDS-TRACE-007
    """
    head, separator, group = node_id.rpartition("@")
    return head if separator and "::" in head and not set(group) & set("]:/") else node_id


def _phase(report: pytest.TestReport, /) -> Phase:
    subtest = hasattr(report, "context")
    return Phase(
        when="subtest" if subtest else str(report.when),
        outcome=str(report.outcome),
        duration_s=0.0 if subtest else report.duration,
        xfail=hasattr(report, "wasxfail"),
        xpass_strict=isinstance(report.longrepr, str) and report.longrepr.startswith("[XPASS(strict)]"),
        text=report.longreprtext if report.outcome != "passed" else "",
        reason=_skip_reason(report),
    )


def _skip_reason(report: pytest.TestReport | pytest.CollectReport, /) -> str:
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    if report.skipped and isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return ""


def _coverage_core(config: pytest.Config, /) -> str:
    """Name the core that pytest-cov measures with; it is known while measuring only."""
    controller = getattr(config.pluginmanager.get_plugin("_cov"), "cov_controller", None)
    return str(dict(controller.cov.sys_info()).get("core", "")) if controller else ""


def _coverage_data(config: pytest.Config, /) -> Path | None:
    """Name the data file of a pytest-cov run; it has been combined and saved by the end of the session."""
    controller = getattr(config.pluginmanager.get_plugin("_cov"), "cov_controller", None)
    path = config.rootpath / str(controller.cov.get_option("run:data_file")) if controller else None
    return path if path and path.is_file() else None


def _last_line(text: str, /) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def _tools() -> Iterable[str]:
    for name in _TOOLS:
        try:
            yield f"{name} {version(name)}"
        except ModuleNotFoundError:  # importlib.metadata.PackageNotFoundError
            continue


def _seeds(config: pytest.Config, /) -> Iterable[tuple[str, str]]:
    for name in ("PYTHONHASHSEED",):
        if name in os.environ:
            yield name, os.environ[name]
    for option in ("hypothesis_seed", "randomly_seed", "random_order_seed"):
        value = config.getoption(option, default=None)
        if value is not None:
            yield option, str(value)
