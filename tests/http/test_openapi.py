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

from backend import Settings, __version__, errors
from backend.factory import registry_from
from backend.images.formats import WRITABLE
from backend.options import KEPT, OPTIONS, Choice, WholeNumber
from backend.requests.parsing import FIELDS, OUTPUTS
from backend.requests.raw_body import JSON, RESULTS
from tests.http.conftest import Server, StartServer
from tests.http.test_errors import REFUSALS
from tests.paths import ROOT

HOOKS = "tests.http.schemathesis_hooks"
CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
PICTURE_PATHS = ("/resolution", "/{stage}/resolution", "/invocations")
NEVER_SENT = (errors.CancelledError, errors.RemoteError, errors.SourceError)
RESULT = {"width": 6, "height": 4, "format": "png", "model": "fast", "scale": 2}
MAX_SECONDS = 600
"""Seconds after which it hangs; no pass or failure depends on its speed."""


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    content: dict[str, Any] = server.get("/openapi.json").json()
    return content


def found(document: dict[str, Any], *path: str) -> Any:
    """Return the entry at the path, with references followed."""
    place: Any = document
    for each in path:
        place = place[each]
        while "$ref" in place:
            place = found(document, *place["$ref"].removeprefix("#/").split("/"))
    return place


def check(document: dict[str, Any], value: object, schema: str) -> None:
    jsonschema.validate(value, {"$ref": f"#/components/schemas/{schema}", **document})


def test_the_description_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)
    assert document["info"]["version"] == __version__


def test_the_description_has_the_fields_of_the_code(document: dict[str, Any]) -> None:
    request = found(document, "components", "schemas", "UpscaleRequest", "properties")
    assert tuple(request) == FIELDS
    models = registry_from(Settings()).models
    scales = sorted({scale for each in models.values() for scale in each})
    assert found(request["scale"], "anyOf")[0]["enum"] == scales
    formats = OPTIONS["format"].reader
    assert isinstance(formats, Choice)
    assert {*request["format"]["enum"]} == {*formats.names, *formats.aliases, None}
    assert request["output"]["enum"] == [*OUTPUTS, None]
    for name, each in OPTIONS.items():
        assert request[name]["description"].startswith(each.meaning) or name == "model"
        if isinstance(each.reader, WholeNumber):
            number = next(kind for kind in request[name]["anyOf"] if kind.get("type") == "integer")
            assert (number["minimum"], number["maximum"]) == (each.reader.least, each.reader.most)
    words = "|".join(KEPT)
    assert f"({words})" in request["keep"]["anyOf"][0]["pattern"]
    result = found(document, "components", "schemas", "UpscaleResult", "properties")
    assert result["scale"]["enum"] == scales
    assert {*result["format"]["enum"]} == {each.name for each in WRITABLE}
    choosing = found(document, "components", "schemas", "UpscaleRequest", "allOf")[1]["then"]
    assert {*choosing["properties"]["model"]["enum"]} == {*registry_from(Settings()).details}
    answers = found(document, "paths", "/invocations", "post", "responses", "200", "content")
    assert answers.keys() == {JSON, *RESULTS}


@pytest.mark.parametrize("path", PICTURE_PATHS)
def test_the_examples_of_the_description_work(
    server: Server, document: dict[str, Any], path: str
) -> None:
    content = found(document, "paths", path, "post", "requestBody", "content")
    examples = content["application/json"]["examples"]
    assert {"smallest", "asVersion1", "everything"} == examples.keys()
    for example in examples.values():
        check(document, example["value"], "UpscaleRequest")
        answer = server.post(example["value"], path.replace("{stage}", "prod"))
        assert answer.status_code == 200, answer.text
        check(document, answer.json(), "UpscaleResult")


def test_answers_fit_the_description(document: dict[str, Any], server: Server) -> None:
    check(document, server.get("/ping").json(), "Health")
    answer = found(document, "components", "responses", "Upscaled", "content", "application/json")
    check(document, answer["examples"]["upscaled"]["value"], "UpscaleResult")


def test_generators_of_clients_find_the_fields_of_every_object(document: dict[str, Any]) -> None:
    """They take a schema with `oneOf` or `anyOf` for a choice, and forget its own properties."""
    objects = [each for each in document["components"]["schemas"].values() if "properties" in each]
    assert len(objects) > 3
    assert not [each for each in objects if {"oneOf", "anyOf"} & each.keys()]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("UpscaleRequest", {}),
        ("UpscaleRequest", {"img": "AAAA", "url": "https://a.example/b"}),
        ("UpscaleRequest", {"img": "AAAA", "detail": 50}),
        ("UpscaleRequest", {"img": "AAAA", "detail": 50, "model": "fast"}),
        ("UpscaleResult", RESULT),
        ("UpscaleResult", {**RESULT, "result": "AAAA", "result_url": "https://a.example/b"}),
    ],
)
def test_what_is_never_accepted_or_sent_does_not_fit_the_description(
    document: dict[str, Any], schema: str, value: object
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        check(document, value, schema)


@pytest.mark.parametrize("path", PICTURE_PATHS)
def test_every_error_is_described(document: dict[str, Any], path: str) -> None:
    responses = found(document, "paths", path, "post", "responses")
    described = {
        (code, int(status))
        for status in responses
        if status != "200"
        for code in found(responses | document, status, "content", "application/json")["schema"][
            "allOf"
        ][1]["properties"]["error"]["enum"]
    }
    assert {(refusal.code, refusal.status) for refusal in REFUSALS} <= described
    kinds = [errors.SuperResolutionError]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        is_sent = kind.__module__ == errors.__name__ and kind not in NEVER_SENT
        assert not is_sent or (kind.code, kind.status) in described, kind


def test_schemathesis_finds_nothing(start_server: StartServer, tmp_path: Path) -> None:
    """Generate from the server's own document; the web is out of reach, so links are refused."""
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
