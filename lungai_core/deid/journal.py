"""The journal of a run, so that a killed run can go on. It names no input file and holds no value."""

from __future__ import annotations

import json
from contextlib import contextmanager
from enum import StrEnum
from typing import IO, TYPE_CHECKING, NamedTuple, TypeAlias

from lungai_core.deid.context import Tally
from lungai_core.deid.secret import Secret, Sharing
from lungai_core.errors import OutputFolderError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lungai_core.deid.profile import Profile

__all__ = ["Journal", "JournalEntry", "RunMode"]

Pattern: TypeAlias = "frozenset[tuple[Tally, int]]"

_FORMAT = "lungai-deid-journal/1"


class RunMode(StrEnum):
    """Whether a run starts, goes on, or writes nothing.

    :implements: SRS-DEID-011, SDS-DEID-006
    """

    NEW = "new"
    RESUME = "resume"
    DRY = "dry"


class JournalEntry(NamedTuple):
    """What became of one file: a name in the output, or a code and a reason.

    :implements: SRS-DEID-011, SDS-DEID-006
    """

    name: str = ""
    series: tuple[str, str, str, str] = ("", "", "", "")
    shows_a_head: int = 0
    tallies: dict[Tally, int] = {}  # noqa: RUF012  # a NamedTuple's default is never changed
    code: str = ""
    reason: str = ""
    where: str = ""


class Journal:
    """An append-only file of one line a file; equal counts are written once and referred to.

    :implements: SRS-DEID-011, SDS-DEID-006

    Parameters
    ----------
    stream
        The open file.
    entries
        What earlier runs have done, by key.
    patterns
        The counts that the file holds already.
    """

    def __init__(self, stream: IO[str], /, *, entries: dict[str, JournalEntry], patterns: dict[Pattern, int]) -> None:
        self._stream = stream
        self._patterns = patterns
        self._last: tuple[dict[Tally, int] | None, int] = (None, 0)
        self.entries = entries

    @staticmethod
    def key_of(name: str, status: os.stat_result | None, secret: Secret, /) -> str:
        """Return the keyed digest by which a file is known: of its path below the root, size and time of change.

        :implements: SRS-DEID-011, SDS-DEID-006

        Parameters
        ----------
        name
            The path below the input folder.
        status
            What the file system says of it; None if it says nothing.
        secret
            The key, so that nobody can test a guessed name.
        """
        size_and_time = "\0" if status is None else f"{status.st_size}\0{status.st_mtime_ns}"
        return secret.digest(f"{name}\0{size_and_time}", sharing=Sharing.JOURNAL)[:16].hex()

    @classmethod
    @contextmanager
    def opened(
        cls, folder: Path, target: Path, /, *, mode: RunMode, profile: Profile, secret: Secret
    ) -> Iterator[Journal]:
        """Open the journal of an output folder.

        :implements: SRS-DEID-011, SDS-DEID-006

        Parameters
        ----------
        folder
            The audit folder.
        target
            The output folder.
        mode
            NEW asks for an empty output folder; RESUME goes on with one that this profile and secret began.
        profile
            The options in force.
        secret
            The key.

        Yields
        ------
        Journal
            Closed when the block ends.

        Raises
        ------
        OutputFolderError
            If the output folder holds something that this run did not begin.
        """
        path = folder / "journal.jsonl"
        head = {"check": secret.digest("check", sharing=Sharing.JOURNAL)[:8].hex(), "profile": profile.digest()}
        entries: dict[str, JournalEntry] = {}
        patterns: dict[Pattern, int] = {}
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            if mode is not RunMode.RESUME or not path.is_file():
                raise _occupied(target)
            entries, patterns = _read(path, head)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stream = path.open("a" if entries or patterns else "w", encoding="utf-8")
        except OSError as error:
            raise OutputFolderError(
                f"The audit folder cannot be written ({error.strerror or type(error).__name__}).",
                where=str(folder),
                allowed="a folder in which this user may create files",
                remedy="Choose another audit folder.",
            ) from error
        with stream:
            if not entries and not patterns:
                stream.write(json.dumps({"format": _FORMAT, **head}) + "\n")
                stream.flush()
            else:
                # A killed run may have left half a line.
                stream.write("\n")
            yield cls(stream, entries=entries, patterns=patterns)

    def write(self, entries: Iterable[tuple[str, JournalEntry]], /) -> None:
        """Note what became of files, after their outputs have their names.

        :implements: SRS-DEID-011, SDS-DEID-006

        Parameters
        ----------
        entries
            Keys as :meth:`key_of` gives them, and what became of each file. They reach the disk together: a run that is
            killed before treats these files again, to the same bytes and names.
        """
        for key, entry in entries:
            number = self._number_of(entry.tallies)
            rest = {name: value for name, value in entry._asdict().items() if value and name != "tallies"}
            self._stream.write(json.dumps({"key": key, "counts": number, "entry": rest}) + "\n")
        self._stream.flush()

    def _number_of(self, tallies: dict[Tally, int]) -> int:
        if tallies is self._last[0]:
            return self._last[1]
        pattern = frozenset(tallies.items())
        number = self._patterns.get(pattern)
        if number is None:
            number = self._patterns[pattern] = len(self._patterns)
            counts = [[*tally, count] for tally, count in sorted(pattern)]
            self._stream.write(json.dumps({"pattern": number, "tallies": counts}) + "\n")
        self._last = (tallies, number)
        return number

    def close_for_good(self) -> None:
        """Note that the run is complete.

        :implements: SRS-DEID-011, SDS-DEID-006
        """
        self._stream.write(json.dumps({"complete": True}) + "\n")


def _read(path: Path, head: dict[str, str]) -> tuple[dict[str, JournalEntry], dict[Pattern, int]]:
    entries: dict[str, JournalEntry] = {}
    patterns: dict[Pattern, int] = {}
    counts: dict[int, dict[Tally, int]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n")):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if number == 0 and record != {"format": _FORMAT, **head}:
            raise OutputFolderError(
                "The run to resume used another profile or another secret.",
                allowed="the profile and secret that began the output folder",
                remedy="Give the same profile and secret, or choose another output folder.",
            )
        if "pattern" in record:
            tallies = {Tally(tag, code, action): count for tag, code, action, count in record["tallies"]}
            counts[record["pattern"]] = tallies
            patterns[frozenset(tallies.items())] = record["pattern"]
        elif "key" in record:
            fields = record["entry"] | {"tallies": counts[record["counts"]]}
            if "series" in fields:
                fields["series"] = tuple(fields["series"])
            entries[record["key"]] = JournalEntry(**fields)
    return entries, patterns


def _occupied(target: Path) -> OutputFolderError:
    return OutputFolderError(
        "The output folder already holds something.",
        where=str(target),
        allowed="a folder that does not exist yet, or an empty one; with --resume the folder of a run that was stopped",
        remedy="Choose another output folder, or resume with the same profile, secret and audit folder.",
    )
