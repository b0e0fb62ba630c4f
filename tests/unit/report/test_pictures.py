from __future__ import annotations

import numpy as np
import pytest

from lungai_core.report.crops import cut_crop
from lungai_core.report.pictures import MARKS, SPRITE_COLUMNS, draw_sprite, draw_stills, draw_warm_stills
from lungai_core.report.turntable import TURN_FRAMES, render_turntable


@pytest.fixture(scope="module")
def crop(make, volume):
    return cut_crop(volume, make["nodule"](volume))


@pytest.mark.verifies("SRS-REPORT-003", "SRS-REPORT-006")
def test_the_sheet_holds_each_slice_and_each_turn_once(crop):
    turntable = render_turntable(crop)
    sheet = draw_sprite(crop, turntable)
    for first, layer in ((0, crop.ct), (8, crop.heat), (16, crop.mask * 255), (24, turntable)):
        for index in (0, 9, 10, layer.shape[0] - 1):
            line, column = divmod(index, SPRITE_COLUMNS)
            top = (first + line) * 80
            tile = sheet[top : top + 80, column * 80 : column * 80 + 80]
            assert np.array_equal(tile, layer[index]), (first, index)
    assert sheet.shape == (80 * (24 + -(-TURN_FRAMES // SPRITE_COLUMNS)), 800)


@pytest.mark.verifies("SRS-REPORT-003", "RC-REPORT-001")
def test_the_stills_show_the_ball_on_the_side_that_their_letters_name(make, volume):
    # The bright ball lies 14 mm to the left, 10 mm to posterior and 18 mm to superior of a candidate put at its height.
    for key, offset in (("axial", (0, 0, 18)), ("coronal", (0, 10, 0)), ("sagittal", (14, 0, 0))):
        centre = tuple(float(c + o) for c, o in zip((2.0, -3.0, 5.0), offset, strict=True))
        crop = cut_crop(volume, make["nodule"](volume, center_lps_mm=centre, mask=None))
        still = getattr(draw_stills(crop, render_turntable(crop)), key)
        rows, columns = np.nonzero(still[:, :, 0] > 250)
        ball = [(r, c) for r, c in zip(rows, columns, strict=True) if abs(r - 40) > 8 and abs(c - 40) > 8]
        row, column = np.mean(ball, axis=0)
        directions = {"axial": "PL", "coronal": "SL", "sagittal": "SP"}[key]
        top, right, bottom, left = MARKS[key]
        assert (bottom if row > 40 else top) == directions[0], key
        assert (right if column > 40 else left) == directions[1], key


@pytest.mark.verifies("SRS-REPORT-003")
def test_the_mask_is_outlined_and_heat_is_laid_over_the_image(crop, make, volume):
    stills = draw_stills(crop, render_turntable(crop))
    cyan = (np.abs(stills.axial.astype(int) - (41, 224, 255)).max(axis=-1) < 3).sum()
    assert 30 < cyan < 200
    assert (stills.front[:, :, 2].astype(int) - stills.front[:, :, 0] > 20).sum() > 100
    plain = cut_crop(volume, make["nodule"](volume, mask=None, explanation=None))
    grey = draw_warm_stills(plain)[0]
    assert np.array_equal(grey[:, :, 0], grey[:, :, 2])
    warm = draw_warm_stills(type(crop)(crop.ct.copy(), crop.mask.copy(), np.full((80, 80, 80), 200, np.uint8), 0.8))
    assert (warm[1][:, :, 0].astype(int) - warm[1][:, :, 2] > 60).mean() > 0.3
