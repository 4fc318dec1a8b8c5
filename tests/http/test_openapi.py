"""The server's description of itself: valid, complete, and true."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from backend.requests.parsing import FIELDS
from tests.http.conftest import Server, StartServer
from tests.http.test_errors import REFUSALS
from tests.paths import ROOT

HOOKS = "tests.http.schemathesis_hooks"
CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
PICTURE_PATHS = ("/resolution", "/{stage}/resolution", "/invocations")
MAX_SECONDS = 150


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    content: dict[str, Any] = server.get("/openapi.json").json()
    return content


def test_it_is_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_it_describes_every_field(document: dict[str, Any]) -> None:
    assert set(document["components"]["schemas"]["UpscaleRequest"]["properties"]) == set(FIELDS)


@pytest.mark.parametrize("path", PICTURE_PATHS)
def test_its_examples_work(server: Server, document: dict[str, Any], path: str) -> None:
    schemas = document["components"]["schemas"]
    content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    examples = {
        name: example
        for name, example in content["examples"].items()
        if example["value"].get("model") not in ("damaged", "fragile")
    }
    assert {"smallest", "asVersion1", "fastX2"} <= examples.keys()
    for example in examples.values():
        jsonschema.validate(example["value"], schemas["UpscaleRequest"])
        answer = server.post(example["value"], path.replace("{stage}", "prod"))
        assert answer.status_code == 200, answer.text
        jsonschema.validate(answer.json(), schemas["UpscaleResult"])


def test_its_answers_fit_its_schemas(document: dict[str, Any], server: Server) -> None:
    schemas = document["components"]["schemas"]
    jsonschema.validate(server.get("/ping").json(), schemas["Health"])
    for path in PICTURE_PATHS:
        responses = document["paths"][path]["post"]["responses"]
        given = responses["200"]["content"]["application/json"]["examples"]["upscaled"]["value"]
        jsonschema.validate(given, schemas["UpscaleResult"])
        for status, response in responses.items():
            for code, example in response["content"]["application/json"]["examples"].items():
                if status != "200":
                    jsonschema.validate(example["value"], schemas["Error"])
                    assert example["value"]["error"] == code


def test_every_error_has_an_example(document: dict[str, Any]) -> None:
    responses = document["paths"]["/resolution"]["post"]["responses"]
    described = {
        (code, int(status))
        for status, response in responses.items()
        for code in response["content"]["application/json"]["examples"]
    }
    assert {(refusal.code, refusal.status) for refusal in REFUSALS} <= described


def test_schemathesis_finds_nothing(start_server: StartServer, tmp_path: Path) -> None:
    """From the server's own document; the web is out of its reach, so links are refused."""
    server = start_server(SR_ALLOW_WEB_SOURCES="0")
    run = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "--config-file",
            str(CONFIGURATION),
            "run",
            f"{server.address}/openapi.json",
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": HOOKS,
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1",
            "NO_COLOR": "1",
        },
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert server.get("/ping").json()["running"] == 0
