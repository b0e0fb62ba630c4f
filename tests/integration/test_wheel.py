from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory):
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(target)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    (path,) = target.glob("*.whl")
    return path


@pytest.mark.verifies("SRS-ERR-008")
def test_the_wheel_is_pure_python_and_holds_everything_the_package_holds(repository, wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    package = repository / "lungai_core"
    files = {path.relative_to(repository).as_posix() for path in package.rglob("*") if path.is_file()}
    expected = {name for name in files if "__pycache__" not in name}
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if name.startswith("lungai_core/")}
    assert shipped == expected
    assert "lungai_core/py.typed" in shipped


@pytest.mark.verifies("SRS-ERR-008")
def test_the_wheel_carries_the_licence_and_the_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry_points,) = (name for name in names if name.endswith("entry_points.txt"))
        assert "lungai = lungai_core.cli.app:main" in archive.read(entry_points).decode()
    assert any(name.endswith("licenses/LICENSE") for name in names)
