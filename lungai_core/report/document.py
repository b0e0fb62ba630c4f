"""What a report is written from: the result with its images and the card of its model, held together by a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lungai_core.domain.case_report import Grid
from lungai_core.errors import ReportPartsError

if TYPE_CHECKING:
    from lungai_core.domain.case_report import CaseReport
    from lungai_core.domain.volume import CtVolume
    from lungai_core.modelpack.card import ModelCard

__all__ = ["CaseDocument"]


@dataclass(frozen=True, slots=True, eq=False)
class CaseDocument:
    """What a report is written from.

    :implements: SRS-REPORT-002, SRS-REPORT-008, SDS-REPORT-002

    Parameters
    ----------
    report
        The result.
    volume
        The CT series that it belongs to; ``None`` where the series was refused.
    card
        The card of the model that gave it.

    Raises
    ------
    ReportPartsError
        If the volume is not the series or not the grid of the result, if it is absent although there are nodules, or if
        the card is another model's.
    """

    report: CaseReport
    volume: CtVolume | None
    card: ModelCard

    def __post_init__(self) -> None:
        for part, fits in (("volume", self._volume_fits()), ("card", self._card_fits())):
            if not fits:
                raise ReportPartsError(
                    "A part of the report does not belong to the result.",
                    where=part,
                    allowed="the series and grid, and the model's name, version and state of training, of the result",
                    remedy="Give the volume that was analysed and the card of the pack that analysed it.",
                )

    def _volume_fits(self) -> bool:
        source, volume = self.report.input, self.volume
        if volume is None or source is None:
            return volume is None and not self.report.nodules
        same_series = volume.series.series_instance_uid == source.series_instance_uid
        return same_series and Grid.from_geometry(volume.geometry) == source.grid

    def _card_fits(self) -> bool:
        model, card = self.report.model, self.card
        named = (model.name, model.version, model.trained)
        return named == (card.model_name, card.model_version, card.trained)
