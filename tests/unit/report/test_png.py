from __future__ import annotations

import base64
import io

import numpy as np
import pytest

from lungai_core.report.png import png_bytes, png_data_uri


@pytest.mark.verifies("SRS-REPORT-003")
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (1, 1), (3, 1, 3)])
def test_an_independent_decoder_reads_the_same_pixels(shape):
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert np.array_equal(np.asarray(image.open(io.BytesIO(png_bytes(pixels)))), pixels)


@pytest.mark.verifies("SRS-REPORT-003")
def test_a_data_address_holds_the_bytes_of_the_picture():
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    head, _, body = png_data_uri(pixels).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(body) == png_bytes(pixels)
