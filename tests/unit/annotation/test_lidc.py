from __future__ import annotations

import csv
import subprocess
import sys
import tarfile

import pytest

from lungai_core.annotation.lidc import read_lidc_folder, read_lidc_xml
from lungai_core.errors import LidcXmlError

MESSAGE = """<?xml version="1.0"?>
<LidcReadMessage xmlns="http://www.nih.gov"><ResponseHeader><MessageId>{message}</MessageId>
<SeriesInstanceUid>1.2.3</SeriesInstanceUid><StudyInstanceUID>1.2</StudyInstanceUID></ResponseHeader>
<readingSession><unblindedReadNodule><noduleID>a</noduleID><characteristics/>
<roi><imageZposition>-1.5</imageZposition><imageSOP_UID>1.2.3.4</imageSOP_UID><inclusion>TRUE</inclusion>
<edgeMap><xCoord>{x}</xCoord><yCoord>6</yCoord></edgeMap></roi></unblindedReadNodule>
<nonNodule><nonNoduleID>b</nonNoduleID><imageZposition>2</imageZposition><imageSOP_UID>1.2.3.5</imageSOP_UID>
{locus}</nonNodule></readingSession></LidcReadMessage>"""
LOCUS = "<locus><xCoord>1</xCoord><yCoord>2</yCoord></locus>"


def _write(path, *, message="m1", x="5", locus=LOCUS):
    path.write_text(MESSAGE.format(message=message, x=x, locus=locus))
    return path


@pytest.fixture(scope="module")
def folder(shared_data, tmp_path_factory):
    target = tmp_path_factory.mktemp("lidc")
    with tarfile.open(shared_data / "lidc_annotations" / "lidc_xml_patients_0001-0100.tar.xz") as archive:
        archive.extractall(target, filter="data")
    return target / "xml"


@pytest.fixture(scope="module")
def found(folder):
    return read_lidc_folder(folder)


@pytest.mark.verifies("SRS-ANNO-002")
def test_the_collection_of_a_hundred_patients_is_read_whole(found):
    assert (len(found.readings), len(found.repeated), len(found.radiographs)) == (101, 2, 2)
    assert [path.name for path in found.repeated] == ["092.xml", "093.xml"]


@pytest.mark.verifies("SRS-ANNO-002")
def test_every_file_has_the_nodules_regions_and_findings_of_an_independent_count(folder, found, shared_data):
    with (shared_data / "lidc_annotations" / "xml_summary.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["root"] == "LidcReadMessage"]
    assert len(rows) == 103
    readings = {str(path.relative_to(folder)): reading for path, reading in found.readings}
    differing = []
    for row in rows:
        reading = readings.get(row["file"]) or read_lidc_xml(folder / row["file"])
        nodules = [nodule for session in reading.sessions for nodule in session.nodules]
        rated = [nodule for nodule in nodules if nodule.ratings is not None]
        counts = (
            len(reading.sessions),
            len(rated),
            len(nodules) - len(rated),
            sum(len(session.non_nodules) for session in reading.sessions),
            sum(len(nodule.contours) for nodule in rated),
            sum(not contour.inclusion for nodule in rated for contour in nodule.contours),
        )
        expected = tuple(int(float(row[key])) for key in ("sessions", "big", "small", "nonnod", "rois", "excl"))
        if counts != expected:
            differing.append((row["file"], counts, expected))
    assert differing == []


@pytest.mark.verifies("SRS-ANNO-002")
def test_a_small_nodule_keeps_its_single_point_and_has_no_ratings(tmp_path):
    reading = read_lidc_xml(_write(tmp_path / "a.xml"))
    nodule = reading.sessions[0].nodules[0]
    assert nodule.ratings is None
    assert nodule.contours[0].points_xy == ((5, 6),)
    assert reading.sessions[0].non_nodules[0].point_xy == (1, 2)


@pytest.mark.verifies("SRS-ANNO-002")
def test_messages_that_differ_in_their_number_alone_are_one(tmp_path):
    _write(tmp_path / "a.xml")
    _write(tmp_path / "b.xml", message="m2")
    _write(tmp_path / "c.xml", x="7")
    found = read_lidc_folder(tmp_path)
    assert [path.name for path in found.repeated] == ["b.xml"]
    assert len(found.readings) == 2


@pytest.mark.verifies("SRS-ANNO-002")
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("no xml", "no XML"),
        ("<other/>", "root element is other"),
        ("<IdriReadMessage/>", "radiographs"),
        ("<LidcReadMessage/>", "no ResponseHeader"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><LidcReadMessage>&a;</LidcReadMessage>', "no XML that may be read"),
    ],
)
def test_what_is_no_ct_read_is_refused(tmp_path, text, what):
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(LidcXmlError, match=what):
        read_lidc_xml(path)


@pytest.mark.verifies("SRS-ANNO-002")
@pytest.mark.parametrize("change", [{"x": "five"}, {"x": " "}, {"locus": ""}])
def test_a_missing_or_wrong_field_is_refused(tmp_path, change):
    with pytest.raises(LidcXmlError, match="missing or no number"):
        read_lidc_xml(_write(tmp_path / "a.xml", **change))


@pytest.mark.verifies("SRS-ANNO-002")
def test_without_defusedxml_the_extra_to_install_is_named(tmp_path):
    path = _write(tmp_path / "a.xml")
    code = (
        "import sys; sys.modules['defusedxml'] = None; from pathlib import Path;"
        f"from lungai_core.annotation.lidc import read_lidc_xml; read_lidc_xml(Path({str(path)!r}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert 'pip install "lungai-core[annotation]"' in run.stderr
