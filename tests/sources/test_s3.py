"""Pictures from S3, by boto3's real client against a small S3 on loopback."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import boto3
import pytest
from botocore.config import Config

from backend.deadline import THREAD_NAME
from backend.errors import (
    PayloadTooLargeError,
    RequestError,
    SourceNotAllowedError,
    SourceNotFoundError,
    SourceTimeoutError,
    SourceUnreachableError,
)
from backend.options import UpscaleOptions
from backend.requests.parsing import UpscaleRequest
from backend.requests.sources.any_source import AnySource
from backend.requests.sources.s3 import S3Source
from backend.requests.sources.s3_address import S3Address
from backend.settings import Settings
from tests.sources.loopback import PICTURE, Answer, Internet, Site, body, endless

Serve = Callable[..., Site]

SETTINGS = Settings(input_buckets=("pictures", "more-pictures"), source_timeout_seconds=20)


def refusal(status: int, code: str) -> Answer:
    """Answer with S3's error document."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        text = f"<Error><Code>{code}</Code><Message>arn:aws:iam::1:user/x</Message></Error>"
        handler.send_response(status)
        handler.send_header("Content-Type", "application/xml")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text.encode())

    return answer


@pytest.fixture(autouse=True)
def aws_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> pytest.MonkeyPatch:
    """Take keys from the environment, and ask no file or metadata service."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example-secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": f"{tmp_path}/config",
        "AWS_SHARED_CREDENTIALS_FILE": f"{tmp_path}/credentials",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def s3(serve: Serve, aws_environment: pytest.MonkeyPatch) -> Site:
    """An S3 that the standard settings lead to; its pages are /bucket/key."""
    site = serve({"/pictures/cat.png": body(PICTURE)})
    aws_environment.setenv("AWS_ENDPOINT_URL_S3", site.url("").rstrip("/"))
    return site


def read(url: str, settings: Settings = SETTINGS, *, max_bytes: int = 100_000) -> bytes:
    request = UpscaleRequest(options=UpscaleOptions(), url=url)
    return AnySource(settings).read(request, max_bytes=max_bytes)


def test_an_object_is_fetched_with_the_standard_credentials(s3: Site) -> None:
    assert read("s3://pictures/cat.png") == PICTURE
    assert "Credential=AKIDEXAMPLE/" in s3.requests[0][1]["authorization"]


def test_the_web_may_be_closed_while_s3_is_open(s3: Site) -> None:
    settings = Settings(input_buckets=("pictures",), allow_web_sources=False)
    assert read("S3://pictures/cat.png", settings) == PICTURE


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a folder/my cat.png", "/pictures/a%20folder/my%20cat.png"),
        ("50%25.png", "/pictures/50%2525.png"),
        ("a+b.png", "/pictures/a%2Bb.png"),
        ("what?.png", "/pictures/what%3F.png"),
        ("number#1.png", "/pictures/number%231.png"),
        ("back\\slash.png", "/pictures/back%5Cslash.png"),
        ("k\u00e4tzchen.png", "/pictures/k%C3%A4tzchen.png"),
    ],
)
def test_a_key_is_taken_as_it_is_written(key: str, path: str, s3: Site) -> None:
    s3.pages[path] = body(PICTURE)
    assert read(f"s3://pictures/{key}") == PICTURE


@pytest.mark.parametrize("bucket", ["secrets", "Pictures", "pictures.", "picture", "pictures@x"])
def test_a_bucket_that_is_not_listed_is_not_asked(
    bucket: str, s3: Site, internet: Internet
) -> None:
    with pytest.raises(SourceNotAllowedError) as caught:
        read(f"s3://{bucket}/cat.png")
    assert internet.connections == []
    assert "more-pictures" not in caught.value.message


def test_without_a_list_no_bucket_is_asked(s3: Site) -> None:
    with pytest.raises(SourceNotAllowedError):
        read("s3://pictures/cat.png", Settings(allow_private_sources=True))
    assert s3.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3://pictures",
        "s3://pictures/",
        "s3:///cat.png",
        "s3:pictures/cat.png",
        "s3://pictures/" + "a" * 1025,
        "s3://pictures/a\nb",
        "s3://pictures/a\x00",
        "s3://pictures/\ud800",
    ],
)
def test_an_address_without_an_object_is_refused(url: str, s3: Site) -> None:
    with pytest.raises(RequestError):
        read(url)
    assert s3.requests == []


@pytest.mark.parametrize("code", ["NoSuchKey", "NoSuchBucket"])
def test_a_missing_object_is_not_found(code: str, s3: Site) -> None:
    s3.pages["/pictures/gone.png"] = refusal(404, code)
    with pytest.raises(SourceNotFoundError):
        read("s3://pictures/gone.png")


def test_a_denied_object_is_not_allowed(s3: Site) -> None:
    s3.pages["/pictures/private.png"] = refusal(403, "AccessDenied")
    with pytest.raises(SourceNotAllowedError) as caught:
        read("s3://pictures/private.png")
    assert "arn:" not in caught.value.message


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "InvalidAccessKeyId"),
        (403, "SignatureDoesNotMatch"),
        (403, "InvalidObjectState"),
        (400, "ExpiredToken"),
        (503, "SlowDown"),
        (500, "InternalError"),
    ],
)
def test_other_refusals_of_s3_count_as_unreachable(status: int, code: str, s3: Site) -> None:
    s3.pages["/pictures/cat.png"] = refusal(status, code)
    with pytest.raises(SourceUnreachableError):
        read("s3://pictures/cat.png")


def test_as_many_bytes_as_the_limit_are_fetched_and_one_more_is_not(s3: Site) -> None:
    assert read("s3://pictures/cat.png", max_bytes=len(PICTURE)) == PICTURE
    with pytest.raises(PayloadTooLargeError):
        read("s3://pictures/cat.png", max_bytes=len(PICTURE) - 1)


def test_a_large_object_is_refused_by_its_length(s3: Site) -> None:
    s3.pages["/pictures/cat.png"] = endless(Content_Length=str(10**12))
    with pytest.raises(PayloadTooLargeError):
        read("s3://pictures/cat.png")


def test_a_transfer_that_breaks_off_is_unreachable(s3: Site) -> None:
    s3.pages["/pictures/cat.png"] = body(PICTURE, Content_Length=str(len(PICTURE) + 1))
    with pytest.raises(SourceUnreachableError):
        read("s3://pictures/cat.png")


def test_missing_credentials_are_unreachable(s3: Site, aws_environment: pytest.MonkeyPatch) -> None:
    aws_environment.delenv("AWS_ACCESS_KEY_ID")
    aws_environment.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceUnreachableError):
        read("s3://pictures/cat.png")
    assert s3.requests == []


def test_a_closed_port_is_unreachable(
    aws_environment: pytest.MonkeyPatch, closed_port: int
) -> None:
    aws_environment.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(SourceUnreachableError):
        read("s3://pictures/cat.png")


@pytest.mark.parametrize("begins", [False, True], ids=["silence", "dripping body"])
def test_a_slow_s3_is_cut_off_at_the_deadline(begins: bool, s3: Site) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        if begins:
            handler.send_response(200)
            handler.send_header("Content-Length", "50000")
            handler.end_headers()
        with contextlib.suppress(OSError):
            while not s3.stopping.wait(0.02):
                handler.wfile.write(b"b" if begins else b"")

    s3.pages["/pictures/cat.png"] = slow
    started = time.monotonic()
    with pytest.raises(SourceTimeoutError):
        read(
            "s3://pictures/cat.png",
            Settings(input_buckets=("pictures",), source_timeout_seconds=1),
        )
    assert time.monotonic() - started < 6
    s3.stopping.set()
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            thread.join(timeout=10)
            assert not thread.is_alive()


def test_the_client_is_made_once_and_can_be_anothers(serve: Serve) -> None:
    site, made = serve({"/pictures/cat.png": body(PICTURE)}), []

    def make_client(timeout_seconds: float) -> Any:
        made.append(timeout_seconds)
        return boto3.session.Session().client(
            "s3",
            endpoint_url=site.url("").rstrip("/"),
            config=Config(s3={"addressing_style": "path"}),
        )

    source = S3Source(timeout_seconds=20, make_client=make_client)
    for _ in range(2):
        address = S3Address(bucket="pictures", key="cat.png")
        assert source.read(address, max_bytes=10_000) == PICTURE
    assert made == [20]


def test_importing_the_engine_imports_no_library_of_the_sources() -> None:
    code = (
        "import sys, backend; "
        "print([m for m in ('requests', 'urllib3', 'requests_hardened', 'boto3', 'botocore') "
        "if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
