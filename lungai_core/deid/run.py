"""A folder in, a folder out: every file is either written whole under a new name, or refused with a reason."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from lungai_core.deid.audit import Audit, AuditedSeries, RefusedFile, audit_json, build_audit
from lungai_core.deid.audit_page import audit_html
from lungai_core.deid.conformance import conformance_statement, describe
from lungai_core.deid.engine import new_uid
from lungai_core.deid.journal import Journal, JournalEntry, RunMode
from lungai_core.deid.profile import BASIC, Profile
from lungai_core.deid.workers import LINK, Input, Result, refusal_of, treat, unreadable
from lungai_core.domain.model import FrozenModel
from lungai_core.errors import DuplicateInstanceError, InvalidArgumentError, OutputFolderError
from lungai_core.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lungai_core.deid.context import Tally
    from lungai_core.deid.secret import Secret

__all__ = ["DeidentificationReport", "RunOptions", "SeriesOutput", "deidentify_series"]

_PARTS = ".part-"


class RunOptions(FrozenModel):
    """How a run is carried out; nothing here changes what is written.

    :implements: SRS-DEID-011, SDS-DEID-006
    """

    jobs: Annotated[int, Field(ge=1, le=256)] = 1
    mode: RunMode = RunMode.NEW
    audit_folder: Path | None = None


class SeriesOutput(NamedTuple):
    """A series of the output and the folder that holds its files; the folder is None after a dry run.

    :implements: SRS-DEID-001, SDS-DEID-006
    """

    patient: str
    study_instance_uid: str
    series_instance_uid: str
    modality: str
    files: int
    folder: Path | None


@dataclass(frozen=True, slots=True)
class DeidentificationReport:
    """What a run did, for the program that called it.

    ``refused_paths`` holds the input paths of the refused files in the order of ``audit.refused``; they may name a
    patient, so they are part of no file that the library writes.

    :implements: SRS-DEID-001, SDS-DEID-006
    """

    audit: Audit
    series: tuple[SeriesOutput, ...]
    refused_paths: tuple[Path, ...]
    _secret: Secret = field(repr=False)

    def map_uid(self, original: str, /) -> str:
        """Return the new UID of an original study, series, instance or frame of reference.

        :implements: SRS-DEID-005, SDS-DEID-003

        Parameters
        ----------
        original
            The UID in the input; it need not occur there.
        """
        return new_uid(original, profile=self.audit.profile, secret=self._secret)


def deidentify_series(
    input_folder: Path,
    output_folder: Path,
    /,
    *,
    profile: Profile = BASIC,
    secret: Secret,
    options: RunOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> DeidentificationReport:
    """De-identify every DICOM file below a folder.

    :implements: SRS-DEID-001, SRS-DEID-011, SDS-DEID-006

    Parameters
    ----------
    input_folder
        Searched to any depth; links are not followed. It is only read.
    output_folder
        A folder that does not exist or is empty; files are named ``patient/study/series/instance.dcm`` after their new
        UIDs.
    profile
        What is removed, kept and replaced.
    secret
        The key of UIDs, pseudonyms and date shifts. The same secret gives the same output in each run.
    options
        Processes, resuming, dry run, where the audit goes.
    progress
        Called with the number of files done and of all files.

    Returns
    -------
    DeidentificationReport
        The audit, the series, and the mapping of UIDs. ``audit.json``, ``audit.html`` and ``conformance.md`` stand in
        the audit folder, by default the output folder's name with ``-audit`` behind it.

    Raises
    ------
    OutputFolderError
        If the output folder holds something, or is the input folder.
    InvalidArgumentError
        If the input is no folder, or has no file in it.
    """
    chosen = options or RunOptions()
    source, target = input_folder.resolve(), output_folder.resolve()
    _require_folders(source, target)
    audit_folder = (chosen.audit_folder or target.parent / f"{target.name}-audit").resolve()
    inputs = _inputs(source, (target, audit_folder), secret)
    if not inputs:
        raise InvalidArgumentError(
            "There is no file below the input folder.",
            allowed="a folder with DICOM files, at any depth",
            remedy="Name the folder that holds the series.",
        )
    run = _Run(target, profile, secret, len(inputs), progress)
    if chosen.mode is RunMode.DRY:
        for batch in treat(inputs, None, profile=profile, secret=secret, jobs=chosen.jobs):
            for result in batch:
                run.take(result)
        return run.report(inputs)
    with Journal.opened(audit_folder, target, mode=chosen.mode, profile=profile, secret=secret) as journal:
        waiting = run.resume(inputs, journal)
        parts = _new_parts_folder(target)
        for batch in treat(waiting, parts, profile=profile, secret=secret, jobs=chosen.jobs):
            journal.write([(result.key, run.take(result, parts=parts)) for result in batch])
        shutil.rmtree(parts)
        report = run.report(inputs)
        _write_evidence(audit_folder, report.audit)
        journal.close_for_good()
    return report


def _new_parts_folder(target: Path) -> Path:
    # A name of its own for each run: a worker that outlived a killed run cannot write into the parts of the next one.
    target.mkdir(parents=True, exist_ok=True)
    for left in target.glob(f"{_PARTS}*"):
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=_PARTS, dir=target))


def _write_evidence(folder: Path, audit: Audit) -> None:
    write_whole(folder / "audit.json", audit_json(audit))
    write_whole(folder / "audit.html", audit_html(audit))
    write_whole(folder / "conformance.md", conformance_statement(describe(audit.profile)))


@dataclass(slots=True)
class _Run:
    """The bookkeeping of the one process that names files; it takes results in the order of the input."""

    target: Path
    profile: Profile
    secret: Secret
    total: int
    progress: Callable[[int, int], None] | None
    tallies: Counter[Tally] = field(default_factory=Counter)
    pattern: dict[Tally, int] = field(default_factory=dict)
    files_of_pattern: int = 0
    refused: list[RefusedFile] = field(default_factory=list)
    series: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    heads: int = 0
    done: int = 0
    claimed: set[str] = field(default_factory=set)

    def resume(self, inputs: list[Input], journal: Journal) -> list[Input]:
        keys = {one.key for one in inputs}
        gone = [entry.name for key, entry in journal.entries.items() if key not in keys and entry.name]
        unread = [one.number for one in inputs if one.refusal not in (None, LINK)]
        if gone and unread:
            # What is not seen would be taken for files that are gone, and their outputs deleted.
            raise InvalidArgumentError(
                "Files that the run to resume has treated are not seen, and a part of the input cannot be listed.",
                where=f"number {unread[0]} in the order of the paths",
                allowed="the input of the run that was stopped, readable to its end",
                remedy="Make it readable, then resume.",
            )
        for name in gone:
            (self.target / name).unlink(missing_ok=True)
        waiting = []
        for one in inputs:
            known = journal.entries.get(one.key)
            if known is None or (known.name and not (self.target / known.name).is_file()):
                waiting.append(one)
            else:
                self._count(one.number, known)
        return waiting

    def take(self, result: Result, *, parts: Path | None = None) -> JournalEntry:
        entry = result.entry
        if _instance(entry) in self.claimed:
            entry = refusal_of(_duplicate())
        elif entry.name and parts is not None:
            if entry.series not in self.series:
                (self.target / entry.name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(f"{parts}/{result.part}", f"{self.target}/{entry.name}")  # noqa: PTH105  # 100,000 times
        self._count(result.number, entry)
        return entry

    def _count(self, number: int, entry: JournalEntry) -> None:
        self.done += 1
        if entry.name:
            self.claimed.add(_instance(entry))
            self.series[entry.series] += 1
            self._tally(entry.tallies)
            self.heads += entry.shows_a_head
        else:
            self.refused.append(RefusedFile(number=number, code=entry.code, reason=entry.reason, where=entry.where))
        if self.progress is not None:
            self.progress(self.done, self.total)

    def _tally(self, pattern: dict[Tally, int]) -> None:
        # The files of a series share one object: it is added once, times their number.
        if pattern is not self.pattern:
            for tally, count in self.pattern.items():
                self.tallies[tally] += count * self.files_of_pattern
            self.pattern, self.files_of_pattern = pattern, 0
        self.files_of_pattern += 1

    def report(self, inputs: list[Input]) -> DeidentificationReport:
        self._tally({})
        audit = build_audit(
            self.profile,
            tallies=self.tallies,
            refused=self.refused,
            series=(
                AuditedSeries(
                    patient=patient,
                    study_instance_uid=study,
                    series_instance_uid=series,
                    modality=modality,
                    files=count,
                )
                for (patient, study, series, modality), count in self.series.items()
            ),
            files_in=self.total,
            files_showing_a_head=self.heads,
        )
        path_of = {one.number: one.path for one in inputs}
        series = tuple(
            SeriesOutput(
                one.patient,
                one.study_instance_uid,
                one.series_instance_uid,
                one.modality,
                one.files,
                self._folder_of(one),
            )
            for one in audit.series
        )
        return DeidentificationReport(
            audit, series, tuple(Path(path_of[one.number]) for one in audit.refused), self.secret
        )

    def _folder_of(self, series: AuditedSeries) -> Path | None:
        folder = self.target / series.patient / series.study_instance_uid / series.series_instance_uid
        return folder if folder.is_dir() else None


def _require_folders(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise InvalidArgumentError(
            "The input is no folder.",
            allowed="a folder with DICOM files",
            remedy="Name the folder that holds the series.",
        )
    try:
        os.scandir(source).close()
    except OSError as error:
        raise InvalidArgumentError(
            f"The input folder cannot be read ({error.strerror or type(error).__name__}).",
            allowed="a folder that this user may list",
            remedy="Give this user the right to list it.",
        ) from error
    if source == target or target in source.parents:
        raise OutputFolderError(
            "The output folder is the input folder, or holds it.",
            allowed="another folder; one inside the input folder is allowed",
            remedy="Choose another output folder: the input is never changed.",
        )


def _inputs(source: Path, excluded: tuple[Path, ...], secret: Secret) -> list[Input]:
    found = sorted(_found(str(source), frozenset(map(str, excluded)), secret), key=lambda one: one.path)
    return [one._replace(number=number) for number, one in enumerate(found, start=1)]


def _found(root: str, excluded: frozenset[str], secret: Secret) -> Iterator[Input]:
    """Give all that lies below a folder, in no order and without its number."""

    def seen(path: str, status: os.stat_result | None, refusal: JournalEntry | None) -> Input:
        return Input(0, path, Journal.key_of(path[len(root) :], status, secret), refusal)

    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            # Passed over, all that it holds would be missing from the output without a word.
            yield seen(folder, None, unreadable(error, what="folder"))
            continue
        for entry in entries:
            try:
                if not entry.is_dir(follow_symlinks=False):
                    yield seen(entry.path, entry.stat(follow_symlinks=False), LINK if entry.is_symlink() else None)
                elif entry.path not in excluded:
                    waiting.append(entry.path)
            except OSError as error:
                yield seen(entry.path, None, unreadable(error))


def _instance(entry: JournalEntry) -> str:
    return entry.name.rpartition("/")[2]


def _duplicate() -> DuplicateInstanceError:
    return DuplicateInstanceError(
        "Another file of the input has the same SOP Instance UID.",
        where="(0008,0018)",
        allowed="one file an instance",
        remedy="Remove the copy from the input.",
    )
