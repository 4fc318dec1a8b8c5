"""CloudWatch counts requests and holds only our own faults against the stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.aws.metrics import NAMESPACE, metrics_from, outcome
from cfn.variants import LAMBDA
from testbed.aws.api_event import post_event, upscale_event
from testbed.aws.runtime_api import LambdaProcess
from testbed.aws.signature import ENVIRONMENT
from tests.cfn.conftest import put_up

HANDLER = "backend.aws.lambda_handler.handler"
STACK = "pictures"


def counted(log: str) -> list[dict[str, Any]]:
    """Return what CloudWatch makes of a log: every value with its metric and dimensions."""
    values = []
    for line in log.splitlines():
        if not line.startswith("{") or "_aws" not in line:
            continue
        content = json.loads(line)
        for group in content["_aws"]["CloudWatchMetrics"]:
            for names in group["Dimensions"]:
                for metric in group["Metrics"]:
                    values.append(
                        {
                            "Namespace": group["Namespace"],
                            "MetricName": metric["Name"],
                            "Dimensions": {name: content[name] for name in names},
                            "value": content[metric["Name"]],
                        }
                    )
    return values


def alarmed(log: str) -> float:
    """Return the sum behind the template's alarm for the stack's own faults."""
    alarm = put_up(LAMBDA).properties("OwnFaultsAlarm")
    wanted = {each["Name"]: each["Value"] for each in alarm["Dimensions"]}
    return sum(
        each["value"]
        for each in counted(log)
        if (each["Namespace"], each["MetricName"]) == (alarm["Namespace"], alarm["MetricName"])
        and each["Dimensions"] == wanted
    )


def test_a_dead_link_leaves_the_alarm_s_metric_alone_and_an_own_fault_does_not(
    tmp_path: Path, photo_bytes: Callable[..., bytes]
) -> None:
    environment = {**ENVIRONMENT, "SR_METRICS_STACK": STACK, "SR_ALLOW_PRIVATE_SOURCES": "1"}
    with LambdaProcess(HANDLER, environment=environment) as process:
        for address in ("http://127.0.0.1:9/cat.png", "https://127.0.0.1:9/cat.png"):
            answer = process.call(post_event(json.dumps({"url": address}).encode()))
            assert answer.content["statusCode"] == 502
        process.call(post_event(b"[]"))
        process.call(upscale_event(photo_bytes("PNG")))
        log = process.log
    assert [each["Dimensions"]["Outcome"] for each in counted(log)] == [
        *("source", "source", "refused", "done")
    ]
    assert alarmed(log) == 0

    networks = tmp_path / "models"
    networks.mkdir()
    (networks / "manifest.json").write_text("not JSON")
    environment["SR_MODELS_DIR"] = str(networks)
    with LambdaProcess(HANDLER, environment=environment) as process:
        answer = process.call(upscale_event(photo_bytes("PNG")))
        assert answer.content["statusCode"] == 503
        assert alarmed(process.log) == 1


def test_without_a_name_there_are_no_metrics(photo_bytes: Callable[..., bytes]) -> None:
    with LambdaProcess(HANDLER, environment=ENVIRONMENT) as process:
        process.call(upscale_event(photo_bytes("PNG")))
        assert not counted(process.log)


@pytest.mark.parametrize("level", ["INFO", "ERROR"])
def test_metrics_do_not_depend_on_the_log_level(
    level: str, photo_bytes: Callable[..., bytes]
) -> None:
    environment = {**ENVIRONMENT, "SR_METRICS_STACK": STACK, "SR_LOG_LEVEL": level}
    with LambdaProcess(HANDLER, environment=environment) as process:
        process.call(upscale_event(photo_bytes("PNG")))
        assert len(counted(process.log)) == 1


DONE = {
    "status": 200,
    "width": 2048,
    "height": 2048,
    "scale": 2,
    "model": "fast",
    "engine_seconds": 2.097152,
    "request_id": "r-1",
}


def test_the_speed_of_a_network_is_in_seconds_per_megapixel_of_the_input() -> None:
    line = metrics_from(DONE, stack=STACK)
    speed = counted(json.dumps(line))[1]
    assert speed == {
        "Namespace": NAMESPACE,
        "MetricName": "SecondsPerMegapixel",
        "Dimensions": {"Stack": STACK, "Model": "fast"},
        "value": 2.0,
    }
    assert line["request_id"] == "r-1", "the log's own facts are on the same line"


@pytest.mark.parametrize("changed", [{"width": 64, "height": 64}, {"engine_seconds": None}])
def test_small_pictures_and_failures_say_nothing_about_speed(changed: dict[str, object]) -> None:
    values = counted(json.dumps(metrics_from(DONE | changed, stack=STACK)))
    assert [each["MetricName"] for each in values] == ["Requests"]


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (200, None, "done"),
        (422, "invalid_image", "refused"),
        (413, "would_time_out", "refused"),
        (404, "source_not_found", "source"),
        (502, "source_unreachable", "source"),
        (504, "source_timeout", "source"),
        (500, "internal_error", "fault"),
        (503, "model_unavailable", "fault"),
        (503, "busy", "fault"),
    ],
)
def test_every_answer_has_one_outcome(status: int, error: str | None, expected: str) -> None:
    assert outcome({"status": status, "error": error}) == expected
