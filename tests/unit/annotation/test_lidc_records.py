from __future__ import annotations

import numpy as np
import pytest

from lungai_core.annotation.contours import Contour
from lungai_core.annotation.lidc import LidcNodule, LidcRatings, LidcReading, LidcSession
from lungai_core.annotation.lidc_records import group_reads, place_lidc_reading
from lungai_core.domain.geometry import Geometry
from lungai_core.domain.texture import Texture
from lungai_core.domain.volume import CtSeries
from lungai_core.errors import LidcXmlError

GEOMETRY = Geometry(shape_zyx=(3, 20, 20), spacing_zyx_mm=(2.5, 0.7, 0.7), origin_lps_mm=(-5.0, -6.0, 100.0))
SERIES = CtSeries(
    study_instance_uid="1.2",
    series_instance_uid="1.2.3",
    frame_of_reference_uid="1.2.9",
    sop_class_uid="1",
    sop_instance_uids=("1.1", "1.2", "1.3"),
)


def _nodule(points, texture=5):
    ratings = LidcRatings(
        subtlety=5,
        internal_structure=1,
        calcification=6,
        sphericity=4,
        margin=4,
        lobulation=1,
        spiculation=1,
        texture=texture,
        malignancy=4,
    )
    contour = Contour(z_mm=102.5, sop_instance_uid="1.2", inclusion=True, points_xy=tuple(points))
    return LidcNodule(nodule_id="1", ratings=ratings, contours=(contour,))


def _reading(*nodules, series="1.2.3"):
    sessions = tuple(LidcSession(nodules=(nodule,), non_nodules=()) for nodule in nodules)
    return LidcReading(study_instance_uid="1.2", series_instance_uid=series, sessions=sessions)


BIG = [(4, 4), (12, 4), (12, 12), (4, 12)]


@pytest.mark.verifies("SRS-ANNO-002")
def test_a_read_lies_where_its_contour_lies_in_the_patient():
    found = place_lidc_reading(_reading(_nodule(BIG)), series=SERIES, geometry=GEOMETRY, patient="p1")
    record = found.annotations[0]
    assert record.center_lps_mm == pytest.approx((-5 + 8 * 0.7, -6 + 8 * 0.7, 102.5))
    assert record.volume.value_mm3 == pytest.approx(49 * 0.49 * 2.5)
    assert record.diameter.value_mm == pytest.approx(8 * np.sqrt(2) * 0.7)
    assert (record.texture, record.malignancy.rating) == (Texture.SOLID, 4)
    assert record.sop_instance_uids == ("1.2",)


@pytest.mark.verifies("SRS-ANNO-002")
def test_reads_of_one_nodule_are_brought_together():
    near = [(5, 4), (13, 4), (13, 12), (5, 12)]
    point = [(18, 18)]
    found = place_lidc_reading(
        _reading(_nodule(BIG), _nodule(near, texture=1), _nodule(point, texture=3)),
        series=SERIES,
        geometry=GEOMETRY,
        patient="p1",
    )
    assert [record.nodule_id for record in found.annotations] == ["nodule-01", "nodule-01", "nodule-02"]
    lone = found.annotations[2]
    assert (lone.volume, lone.diameter, lone.texture) == (None, None, Texture.PART_SOLID)


@pytest.mark.verifies("SRS-ANNO-002")
def test_a_group_never_holds_two_reads_of_one_reader():
    centers = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (1.5, 0.0, 0.0)]
    assert group_reads(centers, diameters_mm=[10, 10, 10], readers=["a", "b", "a"]) == (0, 1, 1)
    chain = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (2.0, 0.0, 0.0), (2.6, 0.0, 0.0)]
    assert group_reads(chain, diameters_mm=[10] * 4, readers=["a", "b", "c", "d"]) == (0, 0, 0, 0)
    assert group_reads([], diameters_mm=[], readers=[]) == ()


@pytest.mark.verifies("SRS-ANNO-002")
def test_the_message_of_another_series_is_refused():
    with pytest.raises(LidcXmlError, match="another series"):
        place_lidc_reading(_reading(_nodule(BIG), series="9.9"), series=SERIES, geometry=GEOMETRY, patient="p1")
