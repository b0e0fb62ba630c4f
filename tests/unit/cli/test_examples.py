from __future__ import annotations

import re
import shlex

import pytest
import typer

from lungai_core.cli import app as cli
from lungai_core.cli.examples import EXAMPLES

cli.register_verbs()
COMMAND = typer.main.get_command(cli.app)


def _verbs(command, words=()):
    for name, child in getattr(command, "commands", {}).items():
        yield from _verbs(child, (*words, name))
    if not hasattr(command, "commands"):
        yield " ".join(words), command


VERBS = dict(_verbs(COMMAND))


@pytest.mark.verifies("SRS-CLI-012")
def test_each_verb_has_one_example_and_no_example_is_of_a_verb_that_is_gone():
    assert sorted(EXAMPLES) == sorted(VERBS)


@pytest.mark.verifies("SRS-CLI-012")
@pytest.mark.parametrize("verb", sorted(VERBS))
def test_the_example_of_a_verb_uses_options_that_exist_and_all_that_are_required(verb):
    words = shlex.split(EXAMPLES[verb].partition(" > ")[0])
    assert words[: 1 + len(verb.split())] == ["lungai", *verb.split()]
    given = {word for word in words if word.startswith("--")}
    options = [parameter for parameter in VERBS[verb].params if parameter.param_type_name == "option"]
    assert given <= {name for option in options for name in (*option.opts, *option.secondary_opts)}
    assert [option.name for option in options if option.required and not given & set(option.opts)] == []


@pytest.mark.verifies("SRS-CLI-012")
@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_and_each_of_its_arguments_and_options_is_explained(verb):
    assert VERBS[verb].help
    assert [parameter.name for parameter in VERBS[verb].params if not getattr(parameter, "help", "")] == []


@pytest.mark.verifies("SRS-CLI-012")
@pytest.mark.parametrize("verb", ["run", "trace review"])
def test_the_help_of_a_verb_ends_with_its_example(verb, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main([*verb.split(), "--help"]) == 0
    assert re.sub(r"\s+", " ", capsys.readouterr().out).strip().endswith(f"Example: {EXAMPLES[verb]}")
