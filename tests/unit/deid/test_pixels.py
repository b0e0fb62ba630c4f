from __future__ import annotations

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from lungai_core.deid.profile import PixelRegion, Profile
from lungai_core.deid.standard import Option
from lungai_core.errors import BurnedInPixelError

REGION = PixelRegion(manufacturer="acme", rows=4, columns=6, top=0, left=1, height=2, width=3)
BLANKING = Profile(name="screens", options=frozenset({Option.CLEAN_PIXEL_DATA}), pixel_regions=(REGION,))


def _burned_in(dataset):
    dataset.BurnedInAnnotation = "YES"


def _secondary_capture(dataset):
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"


def _ultrasound(dataset):
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.6.1"


def _converted(dataset):
    dataset.ConversionType = "WSD"


def _screen(dataset):
    dataset.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]


def _dose(dataset):
    dataset.SeriesDescription = "Dose Report"


def _embedded_overlay(dataset):
    dataset.add_new(0x60000102, "US", 12)


def _longer_pixels(dataset):
    dataset.PixelData += b"JOHN DOE"


@pytest.mark.verifies("SRS-DEID-009", "RC-DEID-002")
@pytest.mark.parametrize(
    "change",
    [_burned_in, _secondary_capture, _ultrasound, _converted, _screen, _dose, _embedded_overlay, _longer_pixels],
)
def test_an_image_that_may_show_text_is_refused(corpus, release, change):
    dataset = corpus.new_object("ct")
    change(dataset)
    with pytest.raises(BurnedInPixelError):
        release(dataset)


@pytest.mark.verifies("SRS-DEID-009")
def test_a_named_region_is_blanked_in_every_frame_and_said_so(corpus, release):
    dataset = corpus.new_object("ct")
    dataset.Manufacturer = "ACME Medical"
    dataset.BurnedInAnnotation = "YES"
    dataset.NumberOfFrames = 2
    dataset.PixelData = np.full(48, 77, "<u2").tobytes()
    _, copy = release(dataset, BLANKING)
    frames = np.frombuffer(copy.PixelData, "<u2").reshape(2, 4, 6)
    expected = np.full((2, 4, 6), 77)
    expected[:, :2, 1:4] = 0
    assert np.array_equal(frames, expected)
    assert copy.BurnedInAnnotation == "NO"
    assert "113101" in [item.CodeValue for item in copy.DeidentificationMethodCodeSequence]


@pytest.mark.verifies("SRS-DEID-009", "RC-DEID-002")
def test_a_region_for_another_screen_does_not_help(corpus, release):
    dataset = corpus.new_object("ct")
    dataset.Manufacturer = "other"
    dataset.BurnedInAnnotation = "YES"
    with pytest.raises(BurnedInPixelError):
        release(dataset, BLANKING)


@pytest.mark.verifies("SRS-DEID-009")
def test_compressed_pixels_are_not_blanked(corpus, release):
    dataset = corpus.new_object("ct")
    dataset.Manufacturer = "acme"
    dataset.file_meta.TransferSyntaxUID = RLELossless
    dataset.PixelData = encapsulate([b"\0" * 64])
    dataset["PixelData"].is_undefined_length = True
    with pytest.raises(BurnedInPixelError, match="uncompressed"):
        release(dataset, BLANKING)
