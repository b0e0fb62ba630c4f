"""Tool validation: the tracer is run on a fixed sample project with known answers, whole and with one defect at a time.

A manufacturer whose quality system relies on the tracer has to validate it for that use (ISO 13485, 4.1.6). The record
written here says what was run, where, and what was found; whether that suffices is the manufacturer's judgement.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lungai_core.trace.config import read_config
from lungai_core.trace.graph import load_graph
from lungai_core.trace.lock import read_lock, review
from lungai_core.trace.record import MANUFACTURER, Attempt, Outcome, RunRecord, TestResult
from lungai_core.trace.scaffold import read_bundle
from lungai_core.trace.seeded_defects import run_defects, text_defects
from lungai_core.trace.surroundings import git_commit, git_lines, read_environment, sources_sha256
from lungai_core.trace.views import check_project, full_matrix

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lungai_core.trace.record import Environment
    from lungai_core.trace.seeded_defects import RunDefect, TextDefect

__all__ = ["DefectResult", "ToolValidation", "sample_files", "validate_tool", "validation_json", "validation_markdown"]

SCHEMA = "lungai-tool-validation/1"
_DAY = "2026-11-22"
_EXPECTED = "expected.csv"
_CODE = "dose/__init__.py"
_AUTHOR = ("-c", "user.name=sample", "-c", "user.email=sample@example.invalid")


@dataclass(frozen=True, slots=True)
class DefectResult:
    """What became of one seeded defect.

    :implements: SRS-TRACE-014, SDS-TRACE-016

    Parameters
    ----------
    name, expected
        The defect, and the finding or verdict that must appear.
    found
        Whether it appeared.
    seen
        What appeared: the finding as it is printed, or the verdict with its reason.
    """

    name: str
    expected: str
    found: bool
    seen: str


@dataclass(frozen=True, slots=True)
class ToolValidation:
    """The result of validating the tracer.

    :implements: SRS-TRACE-014, SDS-TRACE-016

    Parameters
    ----------
    version, day
        Of the tool; of the run, as given by the caller.
    environment
        Where it was run.
    false_alarms
        Findings on the unbroken sample project, and items whose verdict or numbers differ from the hand-checked matrix.
    defects
        One result each.
    """

    version: str
    day: str
    environment: Environment
    false_alarms: tuple[str, ...]
    defects: tuple[DefectResult, ...]

    @property
    def missed(self) -> tuple[DefectResult, ...]:
        """Defects that were not found."""
        return tuple(defect for defect in self.defects if not defect.found)

    @property
    def passed(self) -> bool:
        """Whether every defect was found and nothing else was reported."""
        return not self.missed and not self.false_alarms


def sample_files() -> dict[str, str]:
    """Return the sample project: text by path, signed record filled in, without its lock.

    :implements: SRS-TRACE-014, SDS-TRACE-016
    """
    return read_bundle("sample_project.txt")


def validate_tool(*, version: str, day: str) -> ToolValidation:
    """Run the tracer on the sample project, whole and with one defect at a time. It needs git.

    :implements: SRS-TRACE-014, SDS-TRACE-016

    Parameters
    ----------
    version
        Of the tool under validation.
    day
        ISO date for the record.
    """
    with tempfile.TemporaryDirectory() as folder:
        sample = _Sample(Path(folder))
        false_alarms = (*(str(finding) for finding in sample.findings()), *sample.wrong_numbers())
        environment = sample.environment
        texts = [sample.try_text(defect) for defect in text_defects(sample.files)]
        runs = [sample.try_run(defect) for defect in run_defects()]
    return ToolValidation(version, day, environment, false_alarms, (*texts, *runs))


def validation_json(validation: ToolValidation, /) -> str:
    """Return the validation record as JSON of the schema ``lungai-tool-validation/1``.

    :implements: SRS-TRACE-014, SDS-TRACE-016
    """
    content = {"schema": SCHEMA, "passed": validation.passed, **asdict(validation)}
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def validation_markdown(validation: ToolValidation, /) -> str:
    """Return the validation record as a document for a quality file.

    :implements: SRS-TRACE-014, SDS-TRACE-016
    """
    found = len(validation.defects) - len(validation.missed)
    lines = [
        "# Tool validation record: lungai trace",
        "",
        f"* Tool: lungai-core {validation.version}",
        f"* Day: {validation.day}",
        f"* Machine: {validation.environment.python}, {validation.environment.os}, {validation.environment.machine}",
        f"* Environment SHA-256: {validation.environment.sha256}",
        "* Use in scope: checking trace links and texts, and verdicts on items from a recorded test run",
        "* What could go wrong: a broken link or an unproven item is not reported; a sound one is",
        "* Method: a fixed sample project with a hand-checked matrix, run whole and with one seeded defect at a time",
        f"* Seeded defects found: {found} of {len(validation.defects)}",
        f"* False alarms on the unbroken project: {len(validation.false_alarms)}",
        f"* Result: {'every defect was found, no false alarm' if validation.passed else 'NOT AS EXPECTED'}",
        f"* Risk of this use, and decision on fitness for it: {MANUFACTURER}",
        f"* Validated by, date, signature: {MANUFACTURER}",
        "",
        "| # | seeded defect | expected | found | seen |",
        "|---|---|---|---|---|",
    ]
    for number, defect in enumerate(validation.defects, start=1):
        seen = defect.seen.replace("|", "\\|")
        lines.append(f"| {number} | {defect.name} | {defect.expected} | {'yes' if defect.found else 'NO'} | {seen} |")
    lines += ["", *(f"* False alarm: {alarm}" for alarm in validation.false_alarms)]
    return "\n".join(lines).rstrip() + "\n"


class _Sample:
    """The sample project on disk; each trial changes it and puts it back."""

    def __init__(self, root: Path, /) -> None:
        self.root = root
        self.files = sample_files()
        self.expected = list(csv.DictReader(io.StringIO(self.files.pop(_EXPECTED))))
        self._write(self.files)
        self.config = read_config(root)
        fingerprint = load_graph(self.config).items.by_id["SRS-004"].fingerprint
        record = "records/srs_004.toml"
        self.files[record] = self.files[record].replace("@SRS-004@", fingerprint)
        self._write({record: self.files[record]})
        graph = load_graph(self.config)
        review(graph, read_lock(root / "trace.lock", name="trace.lock"), reviewer="The authors", day=_DAY)
        self.files["trace.lock"] = (root / "trace.lock").read_text(encoding="utf-8")
        self.files["trace.gaps"] = "# none\n"
        self._write({"trace.gaps": self.files["trace.gaps"]})
        self.environment = read_environment()
        git_lines(root, "init", "-q")
        git_lines(root, "add", "-A")
        git_lines(root, *_AUTHOR, "commit", "-q", "-m", "Sample project")

    def findings(self) -> tuple[str, ...]:
        return tuple(map(str, check_project(load_graph(self.config))))

    def wrong_numbers(self) -> Iterable[str]:
        graph = load_graph(self.config)
        verdicts = full_matrix(graph, self._record()).verdicts.of
        for row in self.expected:
            is_now = verdicts[row["item"]]
            wanted = (row["verdict"], row["mapped"], row["run"], row["passed"])
            given = (str(is_now.verdict), str(is_now.mapped), str(is_now.run), str(is_now.passed))
            if wanted != given:
                yield f"{row['item']}: {given} instead of {wanted}"

    def try_text(self, defect: TextDefect, /) -> DefectResult:
        before = self.files[defect.path]
        after = before.replace(defect.old, defect.new, 1) if defect.old else before + defect.new
        self._write({defect.path: after})
        findings = check_project(load_graph(self.config))
        self._write({defect.path: before})
        hits = [each for each in findings if each.rule is defect.rule and each.subject.startswith(defect.subject)]
        seen = str(hits[0]) if hits else "; ".join(map(str, findings[:2])) or "nothing"
        changed = after != before
        return DefectResult(defect.name, f"{defect.rule.code} {defect.subject}".strip(), bool(hits) and changed, seen)

    def try_run(self, defect: RunDefect, /) -> DefectResult:
        record = self._record(defect.test, defect.outcome)
        if defect.change == "partial":
            record = replace(record, complete=False, incomplete_because=("1 deselected",))
        elif defect.change == "dirty":
            record = replace(record, dirty=("dose/__init__.py",))
        elif defect.change == "commit":
            record = replace(record, commit="0" * 40)
        elif defect.change == "sources":
            self._write({_CODE: self.files[_CODE] + "# changed\n"})
        verdicts = full_matrix(load_graph(self.config), None if defect.change == "none" else record).verdicts
        self._write({_CODE: self.files[_CODE]})
        seen = verdicts.of[defect.item]
        found = seen.verdict is defect.verdict
        return DefectResult(defect.name, f"{defect.item} {defect.verdict}", found, f"{seen.verdict}: {seen.reason}")

    def _record(self, test: str = "", outcome: Outcome | None = None, /) -> RunRecord:
        results = []
        for each in load_graph(self.config).tests.tests:
            if test and each.test_id.endswith(f"::{test}"):
                if outcome is None:
                    continue
                results.append(TestResult(each.test_id, each.verifies, outcome, (Attempt(outcome, 0.0),)))
            else:
                passed = (Attempt(Outcome.PASSED, 0.0),)
                results.append(TestResult(each.test_id, each.verifies, Outcome.PASSED, passed))
        return RunRecord(
            commit=git_commit(self.root),
            dirty=(),
            sources_sha256=sources_sha256(self.config),
            started=f"{_DAY}T00:00:00+00:00",
            duration_s=0.0,
            command=("pytest",),
            tool="",
            seeds=(),
            tester="",
            complete=True,
            incomplete_because=(),
            exit_status=0,
            coverage_core="",
            coverage_sha256="",
            environment=self.environment,
            results=tuple(results),
        )

    def _write(self, files: Mapping[str, str], /) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
