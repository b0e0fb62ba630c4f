from __future__ import annotations

import pytest

from lungai_core import __version__
from lungai_core.cli import app as cli
from lungai_core.errors import ExitCode, InvalidGeometryError

# A wrong use of each kind that a beginner meets, with the exit code and a word of the message; run in a folder that
# holds `empty/`, `broken.json` (no JSON) and `broken.toml` (no TOML).
WRONG_USES = {
    "run empty --out report": (2, "--candidates"),
    "run empty --candidates broken.json --out report --written-at yesterday": (2, "--written-at"),
    "run empty --candidates broken.json --out report --model nowhere": (4, "LAI-PACK-001"),
    "batch nowhere.json --out results": (3, "LAI-INFER-008"),
    "batch broken.json --out results": (3, "lungai-cases/1"),
    "batch broken.json --out results --jobs 0": (2, "--jobs"),
    "check nowhere": (3, "LAI-DICOM-001"),
    "check empty": (3, "LAI-DICOM-001"),
    "deidentify nowhere released": (2, "LAI-USE-001"),
    "deidentify empty released --profile broken.toml": (2, "LAI-DEID-007"),
    "deidentify empty released --secret-file nowhere": (2, "LAI-DEID-008"),
    "deidentify empty released --resume": (2, "--secret-file"),
    "demo --seed many": (2, "--seed"),
    "model verify nowhere": (4, "LAI-PACK-001"),
    "model card broken.json": (4, "LAI-PACK-001"),
    "model summary nothing": (2, "densenet121"),
    "model summary --edge 33": (2, "multiple of 32"),
    "model export pack --run nowhere": (2, "--run"),
    "evidence build --run nowhere.json --out set": (3, "LAI-TRACE-002"),
    "evidence build --run broken.json --out set": (3, "LAI-TRACE-002"),
    "evidence build --run broken.json --out set --key nowhere": (2, "--key"),
    "evidence build --run broken.json --out set --project nowhere": (2, "--project"),
    "evidence build --run broken.json --out set --manufacturer nowhere": (2, "--manufacturer"),
    "evidence verify nowhere": (3, "LAI-EVID-001"),
    "evidence verify empty --public-key nowhere": (2, "--public-key"),
    "evidence sign nowhere --key nowhere": (2, "does not exist"),
    "evidence sign broken.json --key broken.json": (3, "LAI-EVID-005"),
    "evidence measure --out static.json --project nowhere": (2, "--project"),
    "trace check": (2, "LAI-TRACE-001"),
    "trace check --root nowhere": (2, "LAI-TRACE-001"),
    "trace matrix": (2, "LAI-TRACE-001"),
    "trace impact nowhere": (2, "LAI-USE-001"),
    "trace merge nowhere.json": (2, "LAI-TRACE-001"),
    "trace import reqif nowhere --out items.md": (2, "does not exist"),
    "annotation check broken.json": (3, "LAI-ANNO-001"),
    "annotation list-lidc nowhere": (2, "does not exist"),
    "clinical sample-size nowhere.json": (3, "LAI-CLIN-009"),
    "clinical sample-size broken.json": (3, "LAI-CLIN-009"),
    "clinical lock-plan broken.json --by A --out locked.json": (3, "LAI-CLIN-"),
}


@pytest.fixture
def folder_of_a_beginner(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.json").write_text("{broken")
    (tmp_path / "broken.toml").write_text("x = [")


@pytest.mark.verifies("SRS-CLI-001", "SRS-CLI-011")
@pytest.mark.usefixtures("folder_of_a_beginner")
@pytest.mark.parametrize(("command", "answer"), WRONG_USES.items(), ids=WRONG_USES)
def test_a_wrong_use_ends_with_its_exit_code_and_a_word_that_helps(command, answer, capsys):
    code, word = answer
    assert cli.main(command.split()) == code
    printed = capsys.readouterr().err
    assert word in printed
    assert "What to do" in printed or "--help" in printed


def _fail_with(error, monkeypatch):
    # Through a function of the library, so that the traceback has a line of it.
    def fail(**_):
        cli.register_verbs.__wrapped__()

    def raise_it(_):
        raise error

    monkeypatch.setattr(cli, "import_module", raise_it)
    monkeypatch.setattr(cli, "app", fail)
    monkeypatch.setattr(cli, "register_verbs", _Wrapper(cli.register_verbs.__wrapped__))


class _Wrapper:
    def __init__(self, wrapped):
        self.__wrapped__ = wrapped

    def __call__(self):
        pass


@pytest.mark.verifies("SRS-CLI-011")
@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ValueError("Doe^Jane"), ExitCode.DEFECT, "LAI-BUG-001 lungai-core itself is wrong here (ValueError)."),
        (FileNotFoundError(2, "No such file or directory", "/data/Doe^Jane/1.dcm"), ExitCode.RESOURCE, "LAI-RES-003"),
    ],
)
def test_an_unexpected_exception_becomes_a_place_in_the_library_without_any_value(
    error, code, said, monkeypatch, capsys
):
    _fail_with(error, monkeypatch)
    assert cli.main(["check", "Doe^Jane"]) == code
    printed = capsys.readouterr().err
    assert said in printed
    assert "Where: lungai_core/cli/app.py:" in printed
    assert "Doe" not in printed
    assert "Traceback" not in printed


@pytest.mark.verifies("SRS-CLI-011")
def test_the_whole_traceback_is_shown_to_whoever_asks_for_it(monkeypatch):
    _fail_with(ValueError("text"), monkeypatch)
    with pytest.raises(ValueError, match="text"):
        cli.main(["--traceback", "check", "ct"])


@pytest.mark.verifies("SRS-CLI-001")
def test_help_and_version_return_zero(capsys):
    assert cli.main(["--version"]) == ExitCode.OK
    assert capsys.readouterr().out.strip() == __version__
    assert cli.main(["--help"]) == ExitCode.OK
    assert "Not a medical device" in " ".join(capsys.readouterr().out.split())


@pytest.mark.verifies("SRS-CLI-001")
@pytest.mark.parametrize("arguments", [["no-such-verb"], ["--no-such-option"]])
def test_wrong_usage_returns_two(arguments):
    assert cli.main(arguments) == ExitCode.USAGE


@pytest.mark.verifies("SRS-CLI-001", "SRS-ERR-001")
def test_an_error_is_printed_to_stderr_and_sets_the_code_of_its_category(monkeypatch, capsys):
    def refuse(**_):
        raise InvalidGeometryError("No [grid].", remedy="Mend it.")

    monkeypatch.setattr(cli, "app", refuse)
    monkeypatch.setattr(cli, "register_verbs", lambda: None)
    assert cli.main([]) == ExitCode.INPUT_REJECTED
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "LAI-DOM-001 No [grid].\nWhat to do: Mend it.\n"
