from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lungai_core.domain.case_report import InputKind
from lungai_core.domain.volume import SeriesNote
from lungai_core.inference.identity import input_identity, volume_sha256
from lungai_core.preprocess.gate import GateLine, GateReport, GateVerdict

FLAGGED = GateLine(
    property_id="slice_spacing_mm",
    title="Distance",
    measured="5 mm",
    allowed="at most 2.5 mm",
    verdict=GateVerdict.FLAGGED,
)
GATE = GateReport(lines=(FLAGGED, FLAGGED.model_copy(update={"verdict": GateVerdict.WITHIN})))


@pytest.mark.verifies("SRS-INFER-008")
def test_equal_content_has_one_hash_and_every_part_counts(volume):
    stored = volume.stored.copy()
    assert volume_sha256(replace(volume, stored=stored.copy())) == volume_sha256(volume)
    changed = stored.copy()
    changed[3, 4, 5] += 1
    moved = replace(volume.geometry, origin_lps_mm=(0.0, 0.0, 0.0))
    renamed = volume.series.model_copy(update={"series_instance_uid": "9.9"})
    variants = [
        replace(volume, stored=changed),
        replace(volume, rescale_slope=2.0),
        replace(volume, rescale_intercept=-1024.0),
        replace(volume, geometry=moved),
        replace(volume, series=renamed),
        replace(volume, pixel_padding_value=-2000),
        replace(volume, stored=stored.astype(np.uint16)),
    ]
    assert len({volume_sha256(variant) for variant in variants} | {volume_sha256(volume)}) == len(variants) + 1


@pytest.mark.verifies("SRS-INFER-008")
def test_byte_order_in_memory_and_remarks_of_the_reader_do_not_count(volume):
    swapped = replace(volume, stored=volume.stored.astype(">i2"))
    noted = volume.series.model_copy(update={"notes": (SeriesNote(note_id="body-part", text="Odd."),)})
    assert volume_sha256(swapped) == volume_sha256(replace(volume, series=noted)) == volume_sha256(volume)


@pytest.mark.verifies("SRS-INFER-008")
def test_the_identity_names_series_grid_and_candidates(volume, one_candidate):
    identity = input_identity(volume, one_candidate, kind=InputKind.PHANTOM, gate=GATE)
    assert identity.series_instance_uid == volume.series.series_instance_uid
    assert identity.grid.to_geometry() == volume.geometry
    assert identity.kind is InputKind.PHANTOM
    assert [flag.measured for flag in identity.flags] == ["5 mm"]
    other = one_candidate.model_copy(update={"candidates": ()})
    assert (
        input_identity(volume, other, kind=InputKind.PHANTOM, gate=GATE).candidates_sha256 != identity.candidates_sha256
    )
