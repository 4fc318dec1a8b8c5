"""The server's log, and what it never contains."""

from __future__ import annotations

import base64
import json
import logging

import pytest

from backend.logs import JsonFormatter
from tests.http.conftest import StartServer, encode_base64, small_request
from tests.pictures import gradient_png

SECRETS = ("X-Amz-Signature=abcdef", "AWSSECRETTOKEN", "holiday-of-anna.jpg", "open-sesame")


def test_every_line_is_a_json_object_when_asked_for(start_server: StartServer) -> None:
    server = start_server(is_shared=False, SR_LOG_FORMAT="json")
    answer = server.post(small_request(), headers={"X-Request-Id": "abc-1"})
    assert answer.status_code == 200
    assert server.post({"scale": 9}).status_code == 400
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.log]
    assert all({"time", "level", "logger"} <= set(line) for line in lines)
    (mine,) = [line for line in lines if line.get("request_id") == "abc-1"]
    assert (mine["status"], mine["model"], mine["width"]) == (200, "fast", 40)
    assert set(mine["stages"]) == {"waiting", "decoding", "network", "encoding"}


def test_a_fault_is_one_line_with_its_cause() -> None:
    formatter = JsonFormatter()
    try:
        raise ZeroDivisionError("why")
    except ZeroDivisionError as exc:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "{not json", (), None)
        record.exc_info = (type(exc), exc, exc.__traceback__)
    line = formatter.format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == "{not json"
    assert "ZeroDivisionError: why" in json.loads(line)["exception"]


@pytest.mark.parametrize("format", ["text", "json"])
def test_no_key_no_query_no_name_and_no_byte_of_a_picture_is_written(
    start_server: StartServer, format: str
) -> None:
    """The rule holds even at DEBUG."""
    server = start_server(
        is_shared=False,
        SR_LOG_LEVEL="DEBUG",
        SR_LOG_FORMAT=format,
        SR_SERVER_TOKEN="open-sesame",
        SR_ALLOW_PRIVATE_SOURCES="1",
        SR_SOURCE_TIMEOUT_SECONDS="1",
    )
    right = {"Authorization": "Bearer open-sesame", "X-Amz-Security-Token": "AWSSECRETTOKEN"}
    picture = encode_base64(gradient_png(40, 30))
    address = "http://127.0.0.1:9/holiday-of-anna.jpg?X-Amz-Signature=abcdef"
    broken = base64.b64encode(base64.b64decode(picture)[:60]).decode()
    for request in (
        {"img": picture},
        {"img": broken},
        {"img": "holiday-of-anna.jpg"},
        {"url": address},
        {"url": "s3://bucket/holiday-of-anna.jpg?X-Amz-Signature=abcdef"},
        {"url": "http://169.254.169.254/?X-Amz-Signature=abcdef"},
        {"img": picture, "model": "holiday-of-anna.jpg"},
        {"img": picture, "holiday-of-anna.jpg": 1},
        {"img": picture, "url": address},
    ):
        assert server.post(request, headers=right).status_code != 500
    server.post({"img": picture}, headers={"Authorization": "Bearer open-sesame2"})
    server.get("/holiday-of-anna.jpg?X-Amz-Signature=abcdef", headers=right)
    assert server.stop() == 0
    written = "".join(server.log)
    assert written.count("request_id") >= 9
    for secret in (*SECRETS, picture[20:60], broken[20:60]):
        assert secret not in written


def test_no_key_in_s3_is_written_when_s3_cannot_be_reached(start_server: StartServer) -> None:
    server = start_server(
        is_shared=False,
        SR_LOG_LEVEL="DEBUG",
        SR_INPUT_BUCKETS="allowed",
        AWS_ACCESS_KEY_ID="x",
        AWS_SECRET_ACCESS_KEY="y",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
    )
    answer = server.post({"url": "s3://allowed/folder/holiday-of-anna.jpg"})
    assert answer.json()["error"] == "source_unreachable"
    assert server.stop() == 0
    written = "".join(server.log)
    assert "holiday-of-anna" not in written
    assert "ConnectionRefusedError" in written


def test_metrics_count_what_was_asked(start_server: StartServer) -> None:
    server = start_server(is_shared=False, SR_METRICS="1")
    for _ in range(3):
        assert server.post(small_request()).status_code == 200
    assert server.post({"scale": 9}).status_code == 400
    assert server.get("/nothing").status_code == 404
    text = server.get("/metrics").text
    assert 'sr_requests_total{error="",status="200"} 3.0' in text
    assert 'sr_requests_total{error="invalid_request",status="400"} 1.0' in text
    assert 'sr_stage_seconds_count{stage="network"} 3.0' in text
    assert "sr_request_seconds_count 4.0" in text
    assert "sr_running 0.0" in text
    assert "process_resident_memory_bytes" in text
    assert server.stop() == 0


def test_metrics_are_off_unless_asked_for_and_closed_by_a_token(
    start_server: StartServer,
) -> None:
    plain = start_server()
    assert plain.get("/metrics").status_code == 404
    closed = start_server(is_shared=False, SR_METRICS="1", SR_SERVER_TOKEN="open-sesame")
    assert closed.get("/metrics").status_code == 401
    right = {"Authorization": "Bearer open-sesame"}
    assert closed.get("/metrics", headers=right).status_code == 200
    assert closed.stop() == 0
