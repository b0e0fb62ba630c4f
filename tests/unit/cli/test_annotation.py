from __future__ import annotations

import hashlib
import json

import pytest

from lungai_core.annotation.record import AnnotationFile, MaskReference, annotation_schema, write_annotations
from lungai_core.annotation.workflow import write_project
from lungai_core.cli.app import main
from support import annotations


@pytest.fixture(scope="module")
def made():
    return annotations


@pytest.mark.verifies("SRS-ANNO-012", "SRS-ANNO-001")
def test_the_schema_is_printed(capsys):
    assert main(["annotation", "schema"]) == 0
    assert capsys.readouterr().out == annotation_schema()


@pytest.mark.verifies("SRS-ANNO-012", "SRS-ANNO-005", "RC-ANNO-003")
def test_a_file_is_checked_with_its_geometry_and_masks(made, capsys, tmp_path):
    (tmp_path / "m.nrrd").write_bytes(b"other bytes")
    digest = hashlib.sha256(b"the mask").hexdigest()
    path = write_annotations(AnnotationFile(annotations=(made.read(),)), tmp_path / "a.json")
    assert main(["annotation", "check", str(path)]) == 0
    assert "-9.4 % against its sphere" in capsys.readouterr().out
    far = made.read(diameter=20.0, mask=MaskReference(file="m.nrrd", sha256=digest))
    write_annotations(AnnotationFile(annotations=(far,)), path)
    assert main(["annotation", "check", str(path)]) == 1
    assert main(["annotation", "check", str(path), "--masks", str(tmp_path)]) == 3
    assert "LAI-ANNO-004" in capsys.readouterr().err


@pytest.mark.verifies("SRS-ANNO-012", "SRS-ANNO-008")
def test_the_quality_report_joins_annotations_and_statistics(made, tmp_path):
    reads = [
        made.read(nodule, rater, rating=1 + (number + (rater == "r1")) % 5, diameter=8.0 + number)
        for number, nodule in enumerate(("n1", "n2", "n3", "n4"))
        for rater in made.RATERS
    ]
    path = write_project(made.project(*reads), tmp_path / "project.json")
    out = tmp_path / "quality"
    assert main(["annotation", "quality", str(path), "--seed", "1", "--out", str(out)]) == 0
    report = json.loads((out / "quality.json").read_text())
    rows = {row["variable"]: row for row in report["agreement"]}
    assert 0 < rows["malignancy rating"]["lower"] < rows["malignancy rating"]["estimate"] < 1
    assert rows["texture"]["estimate"] is None
    assert "LAI-CLIN-008" in rows["texture"]["note"]
    assert "Krippendorff" in (out / "quality.html").read_text()


@pytest.mark.verifies("SRS-ANNO-012", "SRS-ANNO-002")
def test_a_lidc_reading_becomes_annotations(shared_data, capsys, tmp_path):
    folder = shared_data / "lidc_idri_0001"
    out = tmp_path / "a.json"
    arguments = ["annotation", "import-lidc", str(folder / "069.xml"), "--ct", str(folder / "dicom"), "--patient", "p1"]
    assert main([*arguments, "--out", str(out)]) == 0
    assert "4 reads of 1 nodules" in capsys.readouterr().out
    assert main(["annotation", "check", str(out)]) in {0, 1}
    assert main(["annotation", "list-lidc", str(folder)]) == 0
    assert "069.xml: 4 readers, 4 rated nodules" in capsys.readouterr().out
