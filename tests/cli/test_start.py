"""Answers before any work: versions, help, wrong arguments and settings."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tomllib

import pytest

import backend
from testbed.processes import environment
from tests.cli.conftest import Call, Run
from tests.paths import ROOT

HEAVY = {"numpy", "PIL", "onnxruntime", "starlette", "uvicorn", "requests", "boto3", "tqdm"}


def test_the_version_is_the_projects(spawn: Run) -> None:
    done = spawn("--version")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert done.stdout == f"super-resolution {project['version']}\n"
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_help_and_version_import_nothing_heavy(argument: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "backend", argument],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.split("\n")
    }
    assert "argparse" in imported
    assert not imported & HEAVY


def test_every_public_name_is_there() -> None:
    for name in backend.__all__:
        assert getattr(backend, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing"):
        _ = getattr(backend, "nothing")  # noqa: B009 - the attribute is missing on purpose


@pytest.mark.parametrize("command", ["serve", "upscale", "bulk", "networks", "page", "doctor"])
def test_every_command_has_help_that_says_what_it_does(call: Call, command: str) -> None:
    code, output = call(command, "--help", COLUMNS="60")
    assert code == 0
    usage, sentence, *rest = output.split("\n\n")
    assert usage.startswith(f"usage: python -m backend {command}")
    assert re.match(r"[A-Z]", sentence)
    assert sentence.endswith(".")
    assert all(len(line) <= 60 for each in rest for line in each.splitlines())


def test_a_call_without_arguments_lists_the_commands(call: Call) -> None:
    code, output = call()
    assert code == 2
    for command in ("upscale", "bulk", "serve", "page", "networks", "doctor"):
        assert re.search(rf"^    {command}  ", output, re.MULTILINE)
    assert "answer over HTTP" not in call("enlarge")[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "COMMAND"),
        (("enlarge",), "enlarge"),
        (("upscale", "a.png"), "-o"),
        (("upscale", "a.png", "-o", "b.png", "--scale", "3"), "choose 1, 2 or 4"),
        (("upscale", "a.png", "-o", "b.png", "--quality", "0"), "from 1 to 100"),
        (("upscale", "a.png", "-o", "b.png", "--cleanup", "some"), "auto, off"),
        (("upscale", "a.png", "-o", "b.png", "--format", "gif"), "is one of: auto"),
        (("upscale", "a.png", "-o", "b.png", "--model", "best"), "unknown_model"),
        (("upscale", "a.png", "-o", "b.tiff"), ".webp"),
        (("upscale", "a.png", "-o", "b.png", "--format", "jpeg"), "--format"),
        (("upscale", "a.png", "b.png", "-o", "c.png"), "folder"),
        (("upscale", "-n.png", "-o", "b.png"), "is written as ./-n.png"),
        (("upscale", "a.png", "-o", "-n.png"), "is written as ./-n.png"),
        (("upscale", "", "-o", "out"), "a name is empty"),
        (("upscale", "a.png", "-o", ""), "a name is empty"),
        (("bulk", "", "out"), "a name is empty"),
        (("bulk", "in", "-"), "upscale takes"),
        (("serve", "--port", "99999"), "65535"),
        (("page", "--no-browser", "sharp"), "'sharp' is no option of Streamlit"),
    ],
    ids=str,
)
def test_wrong_arguments_are_told_and_end_with_2(
    call: Call, arguments: tuple[str, ...], told: str
) -> None:
    code, output = call(*arguments)
    assert code == 2
    assert told in output


@pytest.mark.parametrize("command", [("serve",), ("doctor",), ("upscale", "a.png", "-o", "b.png")])
def test_wrong_settings_are_told_and_end_with_2(call: Call, command: tuple[str, ...]) -> None:
    code, output = call(*command, SR_MODLE="fast")
    assert code == 2
    assert "unknown setting SR_MODLE; known: " in output
    assert "SR_MODEL," in output
    code, output = call(*command, SR_THREADS="many")
    assert code == 2
    assert "SR_THREADS is a whole number" in output


def test_the_process_has_the_same_exit_code_and_no_traceback(spawn: Run) -> None:
    done = spawn("doctor", SR_MODLE="fast")
    assert done.returncode == 2
    assert done.stderr.startswith("unknown setting SR_MODLE; known: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["serve", "page"])
def test_an_address_that_is_not_free_is_told_at_once(spawn: Run, command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = spawn(command, "--port", port)
        told = f"Port {port} is used by another program; choose another with --port.\n"
        assert (done.returncode, done.stderr) == (2, told)
    done = spawn(command, "--host", "192.0.2.1", "--port", "0")
    told = "This computer has no address '192.0.2.1'; choose another with --host.\n"
    assert (done.returncode, done.stderr) == (2, told)
