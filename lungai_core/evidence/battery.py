"""The mutation battery: change one thing in a project, its records or its finished set, and see whether it is named."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lungai_core.errors import LungaiError
from lungai_core.evidence._mutations import INPUT_MUTATIONS, SET_MUTATIONS, Stage, write_inputs
from lungai_core.evidence.bundle import BuildOrder, SignedFile, build, draft
from lungai_core.evidence.manifest import verify
from lungai_core.evidence.material import TOOL, Inputs
from lungai_core.evidence.project import read_project
from lungai_core.evidence.regulations import load_regulations
from lungai_core.evidence.sample import run_sample, write_sample
from lungai_core.evidence.seal import key_pair

if TYPE_CHECKING:
    from lungai_core.evidence._mutations import Mutation
    from lungai_core.evidence.regulations import Regulations

__all__ = ["BatteryReport", "MutationResult", "battery_json", "run_battery"]

SCHEMA = "lungai-evidence-battery/1"
# Enough documents to reach every writer and renderer that a mutation touches.
_ARTEFACTS = frozenset(
    {
        "sw_description",
        "srs",
        "rmf",
        "sdp",
        "test_reports",
        "test_plan",
        "trace_matrix",
        "sbom",
        "bench_report",
        "model_card",
    }
)


@dataclass(frozen=True, slots=True)
class MutationResult:
    """What became of one change.

    :implements: SRS-EVID-029, SDS-EVID-024

    Parameters
    ----------
    name, stage
        The change, and whether it was made to the inputs or to the finished set.
    detected
        Whether it was named.
    named
        The first thing that was said about it; empty if nothing was.
    """

    name: str
    stage: str
    detected: bool
    named: str


@dataclass(frozen=True, slots=True)
class BatteryReport:
    """The result of a battery.

    :implements: SRS-EVID-029, SDS-EVID-024

    Parameters
    ----------
    results
        One a mutation.
    false_alarms
        What was said about an unchanged rebuild; empty if all is well.
    """

    results: tuple[MutationResult, ...]
    false_alarms: tuple[str, ...]

    @property
    def detected(self) -> int:
        """How many changes were named."""
        return sum(result.detected for result in self.results)


def run_battery() -> BatteryReport:
    """Run every mutation on the sample project, each on a copy of its own.

    :implements: SRS-EVID-029, SDS-EVID-024

    Returns
    -------
    BatteryReport
        In the order of the mutations.

    Raises
    ------
    EvidenceInputError
        If git or pytest is not at hand.
    """
    with tempfile.TemporaryDirectory(prefix="lungai-battery-") as name:
        bench = _Bench(Path(name))
        inputs = tuple(bench.change_inputs(mutation) for mutation in INPUT_MUTATIONS)
        sets = tuple(bench.change_set(mutation) for mutation in SET_MUTATIONS)
        return BatteryReport((*inputs, *sets), bench.false_alarms())


def battery_json(report: BatteryReport, /, *, time: str) -> str:
    """Return a report as JSON, the content of ``battery.json``.

    :implements: SRS-EVID-029, SDS-EVID-024

    Parameters
    ----------
    report
        From :func:`run_battery`.
    time
        When it ran, ISO 8601.
    """
    content = {
        "schema": SCHEMA,
        "tool": TOOL,
        "time": time,
        "mutations": len(report.results),
        "detected": report.detected,
        "false_alarms": len(report.false_alarms),
        "results": [asdict(result) for result in report.results],
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


class _Bench:
    """The sample project with its inputs, its gaps and its finished set; copies of it are what mutations change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.private_key, self.public_key = key_pair()
        self.base = folder / "base"
        write_sample(self.base / "project")
        run_sample(self.base / "project")
        write_inputs(self.base, private_key=self.private_key)
        full = load_regulations()
        self.regulations: Regulations = replace(
            full, artefacts=tuple(each for each in full.artefacts if each.artefact_id in _ARTEFACTS)
        )
        self.gaps = self.gaps_of(self.base)
        self.finished = folder / "set"
        self.build(self.finished)

    def order(self, folder: Path, /) -> BuildOrder:
        manufacturer = folder / "manufacturer.toml"
        envelope = folder / "manufacturer.toml.dsse.json"
        signed = SignedFile(manufacturer.read_bytes(), envelope.read_bytes(), self.public_key, manufacturer.name)
        return BuildOrder(
            inputs=Inputs(folder / "inputs"),
            manufacturer=signed,
            private_key=self.private_key,
            regulations=self.regulations,
        )

    def gaps_of(self, folder: Path, /) -> frozenset[str]:
        trace = folder / "project/build/trace"
        record = next(path for path in (trace / "record.json", trace / "partial/record.json") if path.is_file())
        made = draft(read_project(folder / "project", record=record), order=self.order(folder))
        return frozenset(f"{gap.kind}: {gap.subject}: {gap.message}" for gap in made.material.gaps)

    def build(self, target: Path, /) -> None:
        project = read_project(self.base / "project", record=self.base / "project/build/trace/record.json")
        build(project, target, order=self.order(self.base))

    def change_inputs(self, mutation: Mutation, /) -> MutationResult:
        copy = shutil.copytree(self.base, self.folder / "changed", symlinks=True)
        try:
            mutation.apply(copy)
            if mutation.stage is Stage.RERUN:
                run_sample(copy / "project")
            named = sorted(self.gaps_of(copy) - self.gaps)
        except LungaiError as error:
            named = [f"{error.code} {error.what}"]
        finally:
            shutil.rmtree(copy)
        return _result(mutation, named)

    def change_set(self, mutation: Mutation, /) -> MutationResult:
        copy = shutil.copytree(self.finished, self.folder / "changed")
        try:
            mutation.apply(copy)
            problems = verify(copy, public_key=self.public_key)
            named = [f"{problem.kind}: {problem.path}: {problem.message}" for problem in problems]
        except LungaiError as error:
            named = [f"{error.code} {error.what}"]
        finally:
            shutil.rmtree(copy)
        return _result(mutation, named)

    def false_alarms(self) -> tuple[str, ...]:
        again = self.folder / "again"
        self.build(again)
        differing = [
            path.relative_to(again).as_posix()
            for path in sorted(again.rglob("*"))
            if path.is_file() and path.read_bytes() != (self.finished / path.relative_to(again)).read_bytes()
        ]
        problems = [str(problem) for problem in verify(again, public_key=self.public_key)]
        gaps = sorted(self.gaps_of(self.base) ^ self.gaps)
        return (*differing, *problems, *gaps)


def _result(mutation: Mutation, named: list[str], /) -> MutationResult:
    fitting = [each for each in named if mutation.expected in each]
    return MutationResult(mutation.name, str(mutation.stage), bool(fitting), fitting[0] if fitting else "")
