"""An archive that nobody here wrote takes our objects and gives them back: Debian's Orthanc, on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from datetime import datetime

import numpy as np
import pydicom
import pytest

from lungai_core.cli.walk import CaseFiles, DicomObjects, walk_case
from lungai_core.inference.providers import ProviderPolicy
from lungai_core.modelpack.pack import bundled_pack, open_pack
from lungai_core.testing.phantom import PhantomSpec, make_phantom
from lungai_core.testing.series import write_candidates, write_phantom_series

pytest.importorskip("highdicom", reason="highdicom is not installed")

ORTHANC = shutil.which("Orthanc", path="/usr/sbin:/usr/bin:/usr/local/bin")
STORESCU = shutil.which("storescu")
MOMENT = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001  DICOM times are local

pytestmark = pytest.mark.skipif(ORTHANC is None, reason="Orthanc (Debian package orthanc) is not installed")


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Archive:
    def __init__(self, http_port, dicom_port):
        self.address, self.dicom_port = f"http://127.0.0.1:{http_port}", dicom_port

    def ask(self, path, data=None):
        request = urllib.request.Request(f"{self.address}{path}", data=data)  # noqa: S310  loopback
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # loopback only
            return answer.read()

    def is_awake(self):
        try:
            return bool(self.ask("/system"))
        except (urllib.error.URLError, ConnectionError):
            return False

    def file_of(self, sop_instance_uid):
        found = json.loads(self.ask("/tools/lookup", sop_instance_uid.encode()))
        (instance,) = [entry["ID"] for entry in found if entry["Type"] == "Instance"]
        return self.ask(f"/instances/{instance}/file")


@pytest.fixture
def archive(tmp_path):
    http_port, dicom_port = _free_port(), _free_port()
    settings = {
        "Name": "lungai test",
        "StorageDirectory": str(tmp_path / "storage"),
        "IndexDirectory": str(tmp_path / "storage"),
        "HttpBindAddresses": ["127.0.0.1"],
        "HttpPort": http_port,
        "DicomPort": dicom_port,
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "Plugins": [],
    }
    path = tmp_path / "orthanc.json"
    path.write_text(json.dumps(settings))
    with (
        (tmp_path / "orthanc.log").open("wb") as log,
        subprocess.Popen([ORTHANC, path], stdout=log, stderr=log) as process,
    ):
        try:
            opened = Archive(http_port, dicom_port)
            deadline = time.monotonic() + 120
            while not opened.is_awake():
                assert process.poll() is None, (tmp_path / "orthanc.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.2)
            yield opened
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("case")
    nodules = PhantomSpec().nodules[:1]
    phantom = make_phantom(PhantomSpec(shape_zyx=(40, 96, 96), spacing_zyx_mm=(4.0, 4.0, 4.0), nodules=nodules))
    files = CaseFiles(
        ct_dir=write_phantom_series(phantom, folder / "ct"),
        candidates_file=write_candidates(phantom, folder / "candidates.json"),
        out_dir=folder / "out",
        written_at=MOMENT,
        objects=DicomObjects.ALL_AND_CAPTURES,
    )
    walk_case(files, pack=open_pack(bundled_pack()), policy=ProviderPolicy())
    return sorted((folder / "out" / "dicom").iterdir())


@pytest.mark.verifies("SRS-DICOM-022", "SRS-DICOM-023", "SRS-DICOM-024", "SRS-DICOM-026")
def test_orthanc_stores_every_object_and_returns_the_same_bytes(archive, written):
    kinds = {path.name.split("-")[0].split(".")[0] for path in written}
    assert kinds == {"capture", "explanation", "report", "segmentation"}
    for path in written:
        assert json.loads(archive.ask("/instances", path.read_bytes()))["Status"] == "Success"
    for path in written:
        uid = pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID
        assert archive.file_of(uid) == path.read_bytes()


@pytest.mark.verifies("SRS-DICOM-022", "SRS-DICOM-023", "SRS-DICOM-024", "SRS-DICOM-026")
@pytest.mark.skipif(STORESCU is None, reason="storescu (Debian package dcmtk) is not installed")
def test_objects_sent_over_the_dicom_network_come_back_with_the_same_content(archive, written):
    # Without -R storescu proposes a list of its own, which lacks the Parametric Map.
    command = [STORESCU, "-R", "-aec", "ORTHANC", "127.0.0.1", str(archive.dicom_port), *map(str, written)]
    sent = subprocess.run(command, capture_output=True, text=True, check=False)
    assert sent.returncode == 0, sent.stderr
    for path in written:
        ours = pydicom.dcmread(path)
        theirs = pydicom.dcmread(pydicom.filebase.DicomBytesIO(archive.file_of(ours.SOPInstanceUID)))
        assert theirs == ours
        if "PixelData" in ours and path.name.startswith("segmentation"):
            assert np.array_equal(theirs.pixel_array, ours.pixel_array)
