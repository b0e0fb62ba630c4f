"""What a run leaves behind for people: counts and reasons, never a value."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from lungai_core.deid.marks import BASIC_CODE, METHOD_CODES, SOFTWARE
from lungai_core.deid.profile import Profile
from lungai_core.deid.standard import dictionary_entry, row_of, table_digest, table_edition
from lungai_core.domain.model import FrozenModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lungai_core.deid.context import Tally

__all__ = ["ActionCount", "Audit", "AuditedSeries", "RefusedFile", "audit_json", "build_audit"]


class ActionCount(FrozenModel):
    """How often one attribute met one action.

    :implements: SRS-DEID-010, SDS-DEID-008
    """

    tag: str
    keyword: str
    code: str
    action: str
    count: Annotated[int, Field(gt=0)]


class RefusedFile(FrozenModel):
    """A file that was withheld: its number in the sorted order of the input's paths, and why.

    :implements: SRS-DEID-010, SDS-DEID-008
    """

    number: Annotated[int, Field(gt=0)]
    code: str
    reason: str
    where: str


class AuditedSeries(FrozenModel):
    """A series of the output.

    :implements: SRS-DEID-010, SDS-DEID-008
    """

    patient: str
    study_instance_uid: str
    series_instance_uid: str
    modality: str
    files: Annotated[int, Field(gt=0)]


class Audit(FrozenModel):
    """The record of one run. Each input file is either written or refused.

    :implements: SRS-DEID-010, SDS-DEID-008
    """

    format: Literal["lungai-deid-audit/1"] = "lungai-deid-audit/1"
    software: str
    profile: Profile
    profile_digest: str
    table_edition: str
    table_sha256: str
    method_codes: tuple[tuple[str, str], ...]
    files_in: Annotated[int, Field(ge=0)]
    files_written: Annotated[int, Field(ge=0)]
    files_showing_a_head: Annotated[int, Field(ge=0)]
    refused: tuple[RefusedFile, ...]
    series: tuple[AuditedSeries, ...]
    actions: tuple[ActionCount, ...]

    @model_validator(mode="after")
    def _nothing_vanishes(self) -> Audit:
        if self.files_in != self.files_written + len(self.refused):
            message = "files in must be files written plus files refused"
            raise ValueError(message)
        return self


def build_audit(  # a record has as many parts as it has
    profile: Profile,
    /,
    *,
    tallies: Counter[Tally],
    refused: Iterable[RefusedFile],
    series: Iterable[AuditedSeries],
    files_in: int,
    files_showing_a_head: int,
) -> Audit:
    """Put the record of a run together.

    :implements: SRS-DEID-010, SDS-DEID-008

    Parameters
    ----------
    profile
        The options in force.
    tallies
        Counts by attribute, code and action.
    refused
        The withheld files.
    series
        The written series.
    files_in
        How many files the input has.
    files_showing_a_head
        How many written files show a body part whose surface may be recognised.
    """
    written = tuple(sorted(series, key=lambda one: (one.patient, one.study_instance_uid, one.series_instance_uid)))
    options = sorted(option for option in profile.options)
    return Audit(
        software=SOFTWARE,
        profile=profile,
        profile_digest=profile.digest(),
        table_edition=table_edition(),
        table_sha256=table_digest(),
        method_codes=(BASIC_CODE, *(METHOD_CODES[option] for option in options)),
        files_in=files_in,
        files_written=sum(one.files for one in written),
        files_showing_a_head=files_showing_a_head,
        refused=tuple(sorted(refused, key=lambda one: one.number)),
        series=written,
        actions=_action_counts(tallies),
    )


def audit_json(audit: Audit, /) -> str:
    """Return the record as JSON text; the same run gives the same bytes.

    :implements: SRS-DEID-010, SDS-DEID-008

    Parameters
    ----------
    audit
        The record.
    """
    content = audit.model_dump(mode="json")
    content["profile"]["options"] = sorted(content["profile"]["options"])
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _action_counts(tallies: Counter[Tally]) -> tuple[ActionCount, ...]:
    merged: Counter[tuple[str, str, str, str]] = Counter()
    for (tag, code, action), count in tallies.items():
        # A private tag or an unknown one may have been chosen by anybody, so its number is not told.
        if tag >> 16 & 1:
            merged["(gggg,eeee)", "private", code, action] += count
        else:
            merged[_label(tag), _keyword(tag), code, action] += count
    return tuple(
        ActionCount(tag=tag, keyword=keyword, code=code, action=action, count=count)
        for (tag, keyword, code, action), count in sorted(merged.items())
    )


def _label(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})" if _keyword(tag) else "(unknown)"


def _keyword(tag: int) -> str:
    entry, row = dictionary_entry(tag), row_of(tag)
    return entry.keyword if entry is not None else row.keyword if row is not None else ""
