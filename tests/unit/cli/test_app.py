from __future__ import annotations

import pytest

from lungai_core import __version__
from lungai_core.cli import app as cli
from lungai_core.errors import ExitCode, InvalidGeometryError


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
