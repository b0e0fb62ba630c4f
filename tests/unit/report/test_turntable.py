from __future__ import annotations

import numpy as np
import pytest

from lungai_core.report.crops import CROP_LOWER_HU, CROP_UPPER_HU, NoduleCrop, cut_crop
from lungai_core.report.turntable import TURN_FRAMES, render_turntable

AIR = 0


def _crop(marks, *, mask=(), heat=()):
    ct, inside, warm = (
        np.full((80, 80, 80), AIR, np.uint8),
        np.zeros((80, 80, 80), np.bool_),
        np.zeros((80,) * 3, np.uint8),
    )
    for (z, y, x), value in marks:
        ct[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2] = value
    for z, y, x in mask:
        inside[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2] = True
    for z, y, x in heat:
        warm[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2] = 255
    return NoduleCrop(ct, inside, warm, 0.8)


def _place(frame):
    rows, columns = np.nonzero(frame >> 3)
    return rows.mean(), columns.mean()


@pytest.mark.verifies("SRS-REPORT-006", "RC-REPORT-001")
def test_a_mark_turns_as_the_patient_would():
    # 10 voxels to superior, 12 to the patient's left.
    frames = render_turntable(_crop([((50, 40, 52), 255)]))
    row, column = _place(frames[0])
    assert row == pytest.approx(29, abs=1)
    assert column == pytest.approx(52, abs=1)
    # From behind left and right change sides; from the patient's left the mark is in the middle.
    assert _place(frames[TURN_FRAMES // 2])[1] == pytest.approx(27, abs=1)
    assert _place(frames[TURN_FRAMES // 4])[1] == pytest.approx(40, abs=1)


@pytest.mark.verifies("SRS-REPORT-006", "RC-REPORT-004")
def test_what_is_in_front_is_brighter_and_heat_behind_brighter_tissue_is_hidden():
    front, behind = (40, 28, 40), (40, 52, 40)
    seen = render_turntable(_crop([(front, 255), (behind, 255)], mask=[behind], heat=[behind]))
    middle = (slice(39, 41), slice(39, 41))
    assert not (seen[0][middle] & 7).any()
    assert (seen[TURN_FRAMES // 2][middle] & 7 == 7).all()
    one = render_turntable(_crop([(behind, 255)]))
    assert (one[0][middle] >> 3).max() < (one[TURN_FRAMES // 2][middle] >> 3).max()


@pytest.mark.verifies("SRS-REPORT-006")
def test_each_pixel_is_the_brightest_voxel_of_its_ray(make, volume):
    """Walk a few rays one voxel at a time, as slowly as it is plain."""
    crop = cut_crop(volume, make["nodule"](volume))
    frames = render_turntable(crop)
    span = CROP_UPPER_HU - CROP_LOWER_HU
    for frame in (0, 7, 23):
        angle = frame * 2 * np.pi / TURN_FRAMES
        for row, column in ((40, 40), (22, 51), (45, 33)):
            best = 0
            for depth in range(80):
                u, t = column - 39.5, depth - 39.5
                x = round(39.5 + np.cos(angle) * u - np.sin(angle) * t)
                y = round(39.5 + np.sin(angle) * u + np.cos(angle) * t)
                z = 79 - row
                if not (0 <= x < 80 and 0 <= y < 80):
                    continue
                distance = 0.8 * np.linalg.norm([z - 39.5, y - 39.5, x - 39.5])
                if distance > 31.6:
                    continue
                hu = CROP_LOWER_HU + crop.ct[z, y, x] / 255 * span
                shade = np.interp(hu, (-950, 250), (0, 31)) * np.interp(distance, (11, 31.6), (1, 0.3))
                value = (
                    (round(float(np.float32(shade))) << 3) + 4 * int(crop.mask[z, y, x]) + int(crop.heat[z, y, x]) // 64
                )
                best = max(best, value - (round(depth / 79 * 7) << 3))
            assert abs(int(frames[frame, row, column]) - best) <= 8, (frame, row, column)
