"""No program speaks to anybody but its caller, from its start to its answer."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from backend import RequestHandler
from testbed.aws.api_event import upscale_event
from testbed.aws.signature import ENVIRONMENT
from testbed.processes import address_in, free_ports
from tests.aws.sagemaker_runtime import SageMakerRuntime
from tests.network.tracing import Trace, assert_silent

CALL = """
import json, sys
from {module} import handler

class Context:
    aws_request_id = "1"

    def get_remaining_time_in_millis(self):
        return 60000

answer = handler(json.load(open(sys.argv[1])), Context())
assert answer["statusCode"] == 200, answer
"""


@pytest.fixture
def trace(tmp_path: Path) -> Iterator[Trace]:
    yield Trace(tmp_path)


def small_picture() -> bytes:
    from tests.hostile.corpus import jpeg

    return jpeg()


def test_the_command_line(trace: Trace, tmp_path: Path) -> None:
    picture = tmp_path / "in.jpg"
    picture.write_bytes(small_picture())
    trace.run("-m", "backend", "upscale", str(picture), "-o", str(tmp_path / "out.png"))
    assert (tmp_path / "out.png").exists()
    assert_silent(trace)


def test_the_server(trace: Trace) -> None:
    body = {"img": base64.b64encode(small_picture()).decode()}
    with trace.running("-m", "backend", "serve", "--port", "0") as process:
        assert process.stderr is not None
        address = address_in(process.stderr)
        with requests.Session() as session:
            session.trust_env = False
            assert session.get(address + "/ping", timeout=60).status_code == 200
            answer = session.post(address + "/resolution", json=body, timeout=60)
            assert answer.status_code == 200, answer.text
    assert_silent(trace)


def test_the_function(trace: Trace, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(upscale_event(small_picture())))
    trace.run("-c", CALL.format(module="backend.aws.lambda_handler"), str(event))
    assert_silent(trace)


def test_the_class_for_ray_serve(trace: Trace) -> None:
    """Test without Ray, which starts with its statistics switched off."""
    with trace.running("-m", "tests.aws.ray_image") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                f"{address}/invocations",
                data=small_picture(),
                headers={"Content-Type": "image/jpeg", "Accept": "image/*"},
                timeout=60,
            )
            assert answer.status_code == 200, answer.text
    assert_silent(trace)


def test_the_function_before_an_endpoint(
    trace: Trace, tmp_path: Path, handler: RequestHandler
) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(upscale_event(small_picture())))
    with SageMakerRuntime(handler.handle) as runtime:
        trace.run(
            "-c",
            CALL.format(module="backend.aws.sagemaker_handler"),
            str(event),
            **ENVIRONMENT,
            **runtime.environment,
        )
        assert runtime.received
    assert_silent(trace)


def test_the_page(trace: Trace) -> None:
    code = (
        "from streamlit.testing.v1 import AppTest\n"
        "page = AppTest.from_file('webapp/app.py', default_timeout=120).run()\n"
        "assert not page.exception and not page.error, page.error"
    )
    trace.run("-c", code)
    assert_silent(trace)


def test_the_pages_server(trace: Trace) -> None:
    (port,) = free_ports()
    arguments = ("--server.port", str(port), "--server.address", "127.0.0.1")
    page = ("-m", "streamlit", "run", "webapp/app.py", "--server.headless", "true", *arguments)
    with trace.running(*page), requests.Session() as session:
        session.trust_env = False
        session.mount("http://", HTTPAdapter(max_retries=Retry(total=8, backoff_factor=0.5)))
        answer = session.get(f"http://127.0.0.1:{port}/_stcore/health", timeout=60)
        assert answer.text == "ok"
    assert_silent(trace)


def test_a_benchmark(trace: Trace) -> None:
    trace.run("-m", "benchmarks.speed", "--scale", "2", "--side", "64", "--runs", "1")
    assert_silent(trace)


def test_a_program_that_asks_for_a_name_is_noticed(trace: Trace) -> None:
    code = "import socket\ntry: socket.getaddrinfo('events.example', 443)\nexcept OSError: pass"
    trace.run("-c", code)
    assert trace.strangers


def test_a_program_that_leaves_something_behind_is_noticed(trace: Trace) -> None:
    trace.run("-c", "import pathlib; (pathlib.Path.home() / 'id').write_text('1')")
    assert trace.files_at_home == ["id"]
