"""What only a manufacturer can fill: placeholders, their register, and the signed file that fills them."""

from __future__ import annotations

import csv
import io
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lungai_core.errors import EvidenceInputError, OpenPlaceholdersError
from lungai_core.evidence.fields import Field, FieldState, Text, manufacturer

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Gap", "ManufacturerFile", "Placeholder", "Register", "gaps_csv", "read_manufacturer_file"]

_LANGUAGES = frozenset({"en", "zh"})


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One row of the register of values that the manufacturer gives.

    :implements: SRS-EVID-018, SDS-EVID-006

    Parameters
    ----------
    token
        As printed in the document.
    key
        What ``manufacturer.toml`` calls it.
    artefact
        The document.
    what
        The value asked for.
    clause
        Why it is asked for.
    filled
        Whether the signed file gave it.
    """

    token: str
    key: str
    artefact: str
    what: Text
    clause: str
    filled: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """One row of the list of what is missing or does not agree.

    :implements: SRS-EVID-003, SDS-EVID-006

    Parameters
    ----------
    kind
        ``not-measured``, ``not-verified``, ``trace``, ``version``, ``post-hoc``, ``stale``, ``independence``,
        ``count`` or ``study``.
    subject
        What it is about.
    message
        What is wrong, with the remedy where one is known.
    """

    kind: str
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class ManufacturerFile:
    """What a manufacturer has signed.

    :implements: SRS-EVID-018, SDS-EVID-006

    Parameters
    ----------
    source
        The file's identifier in the book.
    values
        By key.
    """

    source: str
    values: Mapping[str, Text]


@dataclass(slots=True)
class Register:
    """The register of one document set. It grows while documents are written, in a fixed order.

    :implements: SRS-EVID-018, SDS-EVID-006

    Parameters
    ----------
    given
        The signed file, if there is one.
    rows
        By key.
    """

    given: ManufacturerFile | None = None
    rows: dict[str, Placeholder] = field(default_factory=dict)

    def ask(self, artefact: str, key: str, what: Text, /, *, clause: str) -> Field:
        """Return the manufacturer's value, or its placeholder with a row in the register.

        :implements: SRS-EVID-018, SRS-EVID-014, SDS-EVID-006

        Parameters
        ----------
        artefact
            The document that asks.
        key
            Unique in the document.
        what
            The value asked for.
        clause
            Who wants it.
        """
        full_key = f"{artefact}.{key}"
        value = self.given.values.get(full_key) if self.given else None
        if full_key not in self.rows:
            number = 1 + sum(1 for row in self.rows.values() if row.artefact == artefact)
            token = f"TBC-{artefact}-{number:03d}"
            self.rows[full_key] = Placeholder(token, full_key, artefact, what, clause, value is not None)
        if value is None or self.given is None:
            return manufacturer(self.rows[full_key].token)
        return Field(FieldState.MANUFACTURER, value, (self.given.source,))

    @property
    def open_rows(self) -> tuple[Placeholder, ...]:
        """The rows that nobody has filled."""
        return tuple(row for row in self.rows.values() if not row.filled)

    def require_closed(self) -> None:
        """Check that every placeholder was filled; a release is built on nothing less.

        :implements: SRS-EVID-018, SDS-EVID-006

        Raises
        ------
        OpenPlaceholdersError
            If a row is open.
        """
        if self.open_rows:
            first = self.open_rows[0]
            raise OpenPlaceholdersError(
                f"{len(self.open_rows)} values are still to be completed by the manufacturer.",
                where=f"first: {first.token} ({first.key}) in {first.artefact}",
                allowed="0 open rows in TBC_register.csv for a release build",
                remedy="Fill the keys in manufacturer.toml, sign it with `lungai evidence sign`, and build again; "
                "or leave --release away for a draft.",
            )

    def csv(self) -> str:
        """Return the register as CSV.

        :implements: SRS-EVID-018, SDS-EVID-006
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("token", "key", "document", "value_en", "value_zh", "asked_by", "state"))
        for row in sorted(self.rows.values(), key=lambda each: each.token):
            state = "filled" if row.filled else "open"
            writer.writerow((row.token, row.key, row.artefact, row.what.en, row.what.zh, row.clause, state))
        return text.getvalue()


def read_manufacturer_file(content: bytes, /, *, source: str, where: str) -> ManufacturerFile:
    """Read the values of a manufacturer file whose signature has been checked.

    :implements: SRS-EVID-018, SDS-EVID-006

    Parameters
    ----------
    content
        TOML: a table ``fields`` from key to text, or to ``{ en = "…", zh = "…" }``.
    source
        The file's identifier in the book.
    where
        Its name, for messages.

    Raises
    ------
    EvidenceInputError
        If it is not such a file.
    """
    try:
        table = tomllib.loads(content.decode())["fields"]
        values = {key: _bilingual(value) for key, value in table.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceInputError(
            f"The manufacturer file cannot be read ({type(error).__name__}).",
            where=where,
            allowed='TOML with a table [fields] of lines such as "ifu.intended_use" = { en = "…", zh = "…" }',
            remedy="Mend the file, sign it again and repeat the build.",
        ) from error
    return ManufacturerFile(source, values)


def gaps_csv(gaps: tuple[Gap, ...], /) -> str:
    """Return the list of gaps as CSV.

    :implements: SRS-EVID-003, SDS-EVID-006

    Parameters
    ----------
    gaps
        In any order; the rows are sorted.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("kind", "subject", "message"))
    for gap in sorted(set(gaps), key=lambda each: (each.kind, each.subject, each.message)):
        writer.writerow((gap.kind, gap.subject, gap.message))
    return text.getvalue()


def _bilingual(value: Any, /) -> Text:  # noqa: ANN401  TOML values have many types; the wrong ones raise
    if isinstance(value, str):
        return Text(value, value)
    if set(value) != _LANGUAGES or not all(isinstance(each, str) for each in value.values()):
        raise TypeError
    return Text(value["en"], value["zh"])
