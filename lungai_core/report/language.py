"""The languages of a printed report; light, so that the command line can name them without loading a writer."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ReportLanguage"]


class ReportLanguage(StrEnum):
    """The language of a printed report.

    :implements: SRS-REPORT-007, SDS-REPORT-007
    """

    EN = "en"
    ZH = "zh"
