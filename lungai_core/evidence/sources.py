"""Where values come from: the records, tracked files and formulas behind a document set, each with an identifier."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lungai_core.errors import EvidenceInputError, UnprovenValueError
from lungai_core.evidence.fields import Field, FieldState, measured, not_measured, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["JsonRecord", "Source", "SourceBook", "parse", "resolve"]


@dataclass(frozen=True, slots=True)
class Source:
    """One origin of values.

    :implements: SRS-EVID-022, SDS-EVID-002

    Parameters
    ----------
    source_id
        ``M-…`` for a record, ``D-…`` for a tracked file, ``F-…`` for a formula, ``X-…`` for a record that is absent.
    state
        The state of the values that come from it.
    path
        The file in the document set; empty for formulas and absent records.
    sha256
        Of that file.
    tool, time
        What made the record, with its version, and when; as the record itself says.
    note
        For a tracked file its path and commit, for a formula what it computes, for an absent record what was expected.
    inputs
        The sources that a formula reads.
    """

    source_id: str
    state: FieldState
    path: str = ""
    sha256: str = ""
    tool: str = ""
    time: str = ""
    note: str = ""
    inputs: tuple[str, ...] = ()


@dataclass(slots=True)
class SourceBook:
    """The register of sources of one document set. It grows while documents are written, in a fixed order.

    :implements: SRS-EVID-022, SDS-EVID-002
    """

    sources: dict[str, Source] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    _known: dict[tuple[str, str], str] = field(default_factory=dict)
    _parsed: dict[str, object] = field(default_factory=dict)

    def record(self, path: str, content: bytes, /, *, tool: str, time: str, note: str = "") -> str:
        """Enter a record of measured values, and keep its bytes for the set.

        :implements: SRS-EVID-022, SDS-EVID-002

        Parameters
        ----------
        path
            Where it will stand under ``evidence/``.
        content
            Its bytes.
        tool, time
            What made it and when.
        note
            What it is.

        Returns
        -------
        str
            Its identifier.
        """
        return self._file("M", FieldState.MEASURED, path, content, (tool, time, note))

    def tracked(self, path: str, content: bytes, /, *, commit: str, time: str) -> str:
        """Enter a file of the project, and keep its bytes for the set.

        :implements: SRS-EVID-022, SDS-EVID-002

        Parameters
        ----------
        path
            Relative to the project's root.
        content
            Its bytes.
        commit, time
            The commit that the file was last changed by, and when; empty outside of version control.
        """
        note = f"{path} at commit {commit}" if commit else f"{path}, not under version control"
        return self._file("D", FieldState.DECLARED, f"declared/{path}", content, ("", time, note))

    def formula(self, name: str, note: str, /, *, inputs: tuple[str, ...]) -> str:
        """Enter a formula.

        :implements: SRS-EVID-022, SDS-EVID-002

        Parameters
        ----------
        name
            Short and unique.
        note
            What it computes, as one sentence.
        inputs
            The sources it reads.
        """
        key = ("F", name)
        if key not in self._known:
            self._known[key] = self._enter("F", FieldState.DERIVED, note=f"{name}: {note}", inputs=inputs)
        return self._known[key]

    def absent(self, name: str, note: str, /) -> str:
        """Enter a record that was expected and is not there.

        :implements: SRS-EVID-003, SDS-EVID-002

        Parameters
        ----------
        name
            The expected file.
        note
            What would make it.
        """
        key = ("X", name)
        if key not in self._known:
            self._known[key] = self._enter("X", FieldState.MEASURED, note=f"{name}: {note}")
        return self._known[key]

    def require(self, fields: Iterator[Field], /) -> None:
        """Check that every value names sources of this book.

        :implements: SRS-EVID-001, SDS-EVID-002

        Parameters
        ----------
        fields
            The values of a document.

        Raises
        ------
        UnprovenValueError
            If a source is not in the book, or a measured value cannot be read again where its pointer says.
        """
        for each in fields:
            if each.state is FieldState.MANUFACTURER and each.missing:
                continue
            unknown = [source for source in each.sources if source not in self.sources]
            if unknown or not self._holds(each):
                raise UnprovenValueError(
                    "A value cannot be followed to its source.",
                    where=f"{each.text.en[:60]} from {', '.join(each.sources)} {each.pointer}".strip(),
                    allowed="values that can be read again from a source in the manifest",
                    remedy="Restore the record that the value came from, and build again.",
                )

    def _holds(self, value: Field, /) -> bool:
        if not value.pointer:
            return True
        path = self.sources[value.sources[0]].path
        if path not in self._parsed:
            self._parsed[path] = parse(self.files[path], where=path)
        found = resolve(self._parsed[path], value.pointer)
        return found is not None and shown(found) == value.text.en

    def _file(self, letter: str, state: FieldState, path: str, content: bytes, about: tuple[str, str, str], /) -> str:
        place = f"evidence/{path}"
        key = (letter, place)
        if key not in self._known:
            self.files[place] = content
            tool, time, note = about
            digest = hashlib.sha256(content).hexdigest()
            self._known[key] = self._enter(letter, state, path=place, sha256=digest, tool=tool, time=time, note=note)
        return self._known[key]

    def _enter(self, letter: str, state: FieldState, /, **parts: object) -> str:
        number = 1 + sum(1 for known in self.sources if known.startswith(f"{letter}-"))
        source_id = f"{letter}-{number:03d}"
        self.sources[source_id] = Source(source_id, state, **parts)  # type: ignore[arg-type]
        return source_id


@dataclass(frozen=True, slots=True)
class JsonRecord:
    """A record whose values are read by pointer, so that no measured value is ever typed.

    :implements: SRS-EVID-002, SDS-EVID-002

    Parameters
    ----------
    source_id
        Its identifier in the book.
    content
        The parsed JSON; ``None`` where the record is absent.
    """

    source_id: str
    content: object

    def field(self, pointer: str, /) -> Field:
        """Return the value at a JSON pointer, or NOT MEASURED where there is none.

        :implements: SRS-EVID-002, SRS-EVID-003, SDS-EVID-002

        Parameters
        ----------
        pointer
            RFC 6901, such as ``/counts/passed``.
        """
        value = resolve(self.content, pointer)
        if value is None or value == "":
            return not_measured(source=self.source_id)
        return measured(value, source=self.source_id, pointer=pointer)


def parse(record: bytes, /, *, where: str) -> object:
    """Return the JSON in the bytes of a record.

    :implements: SRS-EVID-002, SDS-EVID-002

    Parameters
    ----------
    record
        UTF-8 JSON.
    where
        Its name, for messages.

    Raises
    ------
    EvidenceInputError
        If the bytes are not JSON.
    """
    try:
        return json.loads(record)
    except ValueError as error:
        raise EvidenceInputError(
            "A record is not JSON.",
            where=where,
            allowed="UTF-8 JSON",
            remedy="Make the record again with the tool that wrote it.",
        ) from error


def resolve(content: object, pointer: str, /) -> object:
    """Return the value at a JSON pointer, or nothing.

    :implements: SRS-EVID-002, SDS-EVID-002

    Parameters
    ----------
    content
        Parsed JSON.
    pointer
        RFC 6901, such as ``/counts/passed``.
    """
    value = content
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
