from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from lungai_core.testing.phantom import PhantomSpec, make_phantom
from lungai_core.testing.series import write_phantom_series


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


@pytest.mark.verifies("SRS-ERR-008")
def test_the_wheel_holds_nothing_but_the_package_and_its_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert tops == {"lungai_core", wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"}


@pytest.mark.verifies("SRS-ERR-008")
def test_the_wheel_is_built_from_the_source_archive_as_well(repository, wheel, tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=repository, check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path, filter="data")
    folder = archive.name.removesuffix(".tar.gz")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path / "again")]
    subprocess.run(command, cwd=tmp_path / folder, check=True, capture_output=True)
    (again,) = (tmp_path / "again").glob("*.whl")
    with zipfile.ZipFile(again) as first, zipfile.ZipFile(wheel) as second:
        assert sorted(first.namelist()) == sorted(second.namelist())
        assert all(first.read(name) == second.read(name) for name in first.namelist() if name.endswith(".py"))


def _with_its_dependencies(name, found):
    """Add a distribution and what it needs without any extra, as pip would."""
    distribution = metadata.distribution(name)
    if distribution.name in found:
        return
    found[distribution.name] = distribution
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            _with_its_dependencies(requirement.name, found)


@pytest.fixture(scope="module")
def base_install(wheel, tmp_path_factory):
    """Give a folder with the unpacked wheel and links to its base dependencies alone: what pip makes without extras."""
    folder = tmp_path_factory.mktemp("base")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
        (facts,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        lines = archive.read(facts).decode().splitlines()
    needed = [Requirement(line.removeprefix("Requires-Dist: ")) for line in lines if line.startswith("Requires-Dist: ")]
    found = {}
    for requirement in needed:
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            _with_its_dependencies(requirement.name, found)
    for distribution in found.values():
        for top in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(distribution.locate_file(top))
    return folder


@pytest.fixture(scope="module")
def run_base(base_install):
    # -S leaves out site-packages, -I the environment: nothing but the folder is on the path.
    program = (
        f"import sys; sys.path.insert(0, {str(base_install)!r}); from lungai_core.cli.app import main; sys.exit(main())"
    )

    def run(*words, cwd):
        command = [sys.executable, "-I", "-S", "-c", program, *words]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)

    return run


@pytest.mark.verifies("SRS-ERR-012")
def test_the_base_install_has_neither_torch_nor_a_runtime_nor_a_tool_of_tests(base_install):
    present = {path.name for path in base_install.iterdir()}
    assert {"lungai_core", "numpy", "pydantic", "pydicom", "typer", "rich"} <= present
    assert present & {"torch", "monai", "onnxruntime", "openvino", "highdicom", "pytest", "scipy", "sklearn"} == set()


@pytest.mark.verifies("SRS-ERR-012")
def test_the_base_install_shows_help_reads_deidentifies_and_traces(run_base, tmp_path):
    write_phantom_series(
        make_phantom(PhantomSpec(shape_zyx=(6, 64, 64), spacing_zyx_mm=(5.0, 5.0, 5.0))), tmp_path / "ct"
    )
    (tmp_path / "pyproject.toml").touch()
    for words in (
        ("--help",),
        ("check", "ct"),
        ("deidentify", "ct", "released"),
        ("check", "released"),
        ("trace", "init"),
        ("trace", "check"),
        ("model", "verify"),
        ("model", "card"),
    ):
        done = run_base(*words, cwd=tmp_path)
        assert (words, done.returncode, done.stderr) == (words, 0, "")
    assert done.stdout.startswith("# lungai-")


@pytest.mark.verifies("SRS-ERR-012", "SRS-ERR-001")
@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("demo", "inference"),
        ("doctor", "inference"),
        ("run ct --candidates candidates.json --out report", "inference"),
        ("batch cases.json --out results", "inference"),
        ("model export pack", "train"),
        ("model summary", "train"),
        ("train --plan plan.toml --out run", "train"),
        ("evidence keygen --out keys", "evidence"),
        ("clinical sample-size question.json", "clinical"),
    ],
)
def test_a_verb_that_needs_more_names_the_command_that_installs_it(words, extra, run_base, tmp_path):
    (tmp_path / "candidates.json").write_text('{"schema_version": "lungai-candidates/1", "candidates": []}')
    (tmp_path / "cases.json").write_text('{"schema_version": "lungai-cases/1", "cases": []}')
    done = run_base(*words.split(), cwd=tmp_path)
    assert "LAI-RES-001" in done.stderr
    assert f'pip install "lungai-core[{extra}' in done.stderr
    assert done.returncode == 6
    assert {path.name for path in tmp_path.iterdir()} == {"candidates.json", "cases.json"}
