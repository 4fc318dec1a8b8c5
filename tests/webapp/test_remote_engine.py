"""Pictures through real requests: the real server behind a gateway, and failures."""

from __future__ import annotations

import base64
import io
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import trustme
from PIL import Image

from backend import LocalEngine, SuperResolutionError, UpscaleOptions, Watch
from backend.errors import (
    BusyError,
    CancelledError,
    DeadlineError,
    ImageTooLargeError,
    ModelError,
    NotFoundError,
    PayloadTooLargeError,
    ReplyTooLargeError,
    UnknownModelError,
    UnsupportedMediaTypeError,
    UnsupportedScaleError,
)
from testbed.aws.signature import SECRET_KEY
from testbed.loopback import Loopback, Received, Sent
from tests.webapp.cloud_endpoint import (
    API_KEY,
    AWS_ENVIRONMENT,
    FORBIDDEN,
    MISSING_TOKEN,
    NO_PERMISSION,
    TIMED_OUT,
    UNKNOWN_KEY,
    WRONG_SIGNATURE,
    Answering,
    Bucket,
    Gateway,
    endpoint,
    in_turn,
    linking,
    real_server,
    refused,
    said,
)
from webapp.base.messages import message_for
from webapp.base.texts import texts
from webapp.client.connection import check_connection
from webapp.client.errors import (
    EndpointAnswerError,
    EndpointError,
    EndpointRefusedError,
    EndpointTimeoutError,
    EndpointUnreachableError,
)
from webapp.client.remote import RemoteEngine, RemoteUpscaled

MODELS = {"fast": (2, 4)}
FAST = UpscaleOptions(scale=2, model="fast", format="png")
SECONDS = 120


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    with real_server() as answer:
        yield answer


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's credentials; proxies are for other machines."""
    for name, value in AWS_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "*")


def cloud(url: str, **changes: object) -> RemoteEngine:
    return RemoteEngine(endpoint(url, **changes), models=MODELS, details={}, max_side=4096)


def send(
    engine: RemoteEngine,
    data: bytes,
    options: UpscaleOptions = FAST,
    *,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> RemoteUpscaled:
    return engine.upscale(data, options, watch=Watch(is_cancelled=is_cancelled))


def answering(*answers: Sent | Answering) -> Gateway:
    return Gateway(in_turn(*answers))


@pytest.fixture
def picture(photo_bytes: Callable[..., bytes]) -> bytes:
    return photo_bytes("PNG")


def png(size: tuple[int, int], mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, "teal").save(file, "PNG")
    return file.getvalue()


def kit_result(data: bytes) -> Sent:
    """Return the whole answer of AWS's own kits."""
    return said(200, {"result": base64.b64encode(data).decode()})


# What works.


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("keyed", [False, True], ids=["keyless", "keyed"])
def test_the_result_is_the_engines_own(
    server: Answering, engine: LocalEngine, picture: bytes, signed: bool, keyed: bool
) -> None:
    with Gateway(server, signed=signed, api_key=keyed) as gateway:
        key = API_KEY if keyed else None
        result = send(cloud(gateway.address, signs=signed, api_key=key), picture)

        assert result.data == engine.upscale(picture, FAST).data
        assert (result.width, result.height, result.format) == (192, 128, "png")
        assert (result.model, result.scale, result.attempts) == ("fast", 2, 1)
        assert result.bytes_sent == len(gateway.received[0].body)
        assert result.bytes_received > len(result.data)
        assert result.seconds > 0
        assert ("Authorization" in gateway.received[0].headers) == signed
        assert ("x-api-key" in gateway.received[0].headers) == keyed


def test_temporary_credentials_send_their_token(
    server: Answering, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "temporary")
    with Gateway(server, signed=True) as gateway:
        send(cloud(gateway.address, signs=True), picture)

        assert gateway.received[0].headers["x-amz-security-token"] == "temporary"


def test_the_endpoint_is_asked_for_the_chosen_options(server: Answering, picture: bytes) -> None:
    options = UpscaleOptions(scale=4, model="fast", format="jpeg", cleanup=30)
    with Gateway(server) as gateway:
        result = send(cloud(gateway.address), picture, options)

        asked = json.loads(gateway.received[0].body)
    assert base64.b64decode(asked.pop("img")) == picture
    assert asked == {"scale": 4, "model": "fast", "format": "jpeg", "cleanup": 30}
    assert (result.format, result.width, result.cleanup) == ("jpeg", 384, 30)


def test_a_link_to_the_result_is_followed_without_key_and_signature(
    server: Answering, engine: LocalEngine, picture: bytes
) -> None:
    with Bucket() as bucket:
        behind = linking(server, bucket.store, address=lambda: bucket.url)
        with Gateway(behind, signed=True, api_key=True) as gateway:
            result = send(cloud(gateway.address, signs=True, api_key=API_KEY), picture)

        assert result.data == engine.upscale(picture, FAST).data
        (asked,) = bucket.received
        assert "Authorization" not in asked.headers
        assert "x-api-key" not in asked.headers


def test_an_answer_of_awss_own_kit_is_enough() -> None:
    with answering(kit_result(png((20, 10)))) as gateway:
        result = send(cloud(gateway.address), png((10, 5)))

    assert (result.width, result.height, result.format) == (20, 10, "png")
    assert result.is_from_aws_kit
    assert result.cleanup is None


@pytest.mark.parametrize(
    "cold",
    [
        TIMED_OUT,
        refused(502, "InternalServerErrorException", "Internal server error"),
        said(503, {"message": "Service Unavailable"}),
        said(504, {"error": "timed_out", "message": "The answer took too long."}),
        said(502, {"error": "internal_error", "message": "The service could not be reached."}),
    ],
    ids=["timed-out", "crashed", "unavailable", "our-timed-out", "our-failure"],
)
def test_a_cold_start_is_asked_once_more(cold: Sent) -> None:
    with answering(cold, kit_result(png((20, 10)))) as gateway:
        result = send(cloud(gateway.address), png((10, 5)))

        assert result.attempts == len(gateway.received) == 2
        assert result.bytes_sent == 2 * len(gateway.received[0].body)


def test_a_cold_start_is_not_asked_a_third_time() -> None:
    with answering(TIMED_OUT) as gateway, pytest.raises(EndpointTimeoutError):
        send(cloud(gateway.address), png((10, 5)))

    assert len(gateway.received) == 2


@pytest.mark.parametrize(
    "answer",
    [
        said(503, {"error": "busy", "message": "Full.", "details": {"retry_after": 3}}),
        said(500, {"error": "inference_failed", "message": "It failed."}),
        said(413, {"error": "would_time_out", "message": "Too long."}),
        FORBIDDEN,
    ],
    ids=["busy", "failed", "estimate", "forbidden"],
)
def test_lasting_refusals_are_not_asked_again(answer: Sent) -> None:
    with answering(answer) as gateway, pytest.raises(SuperResolutionError):
        send(cloud(gateway.address), png((10, 5)))

    assert len(gateway.received) == 1


# What is refused before anything is sent.


def test_a_request_that_is_too_large_is_not_sent(picture: bytes) -> None:
    with answering(kit_result(b"")) as gateway:
        engine = cloud(gateway.address, max_body_bytes=20_000)
        with pytest.raises(PayloadTooLargeError, match=r"at most 0\.0 MB"):
            send(engine, picture * 2)

        assert gateway.received == []


def test_the_bound_on_the_request_is_never_too_low(picture: bytes) -> None:
    with answering(kit_result(png((192, 128)))) as gateway:
        engine = cloud(gateway.address)
        send(engine, picture, UpscaleOptions(scale=2, model="x" * 40, format="jpeg", cleanup=100))
        sent = len(gateway.received[0].body)

    tight = cloud(gateway.address, max_body_bytes=sent)
    with pytest.raises(PayloadTooLargeError):
        tight.check(picture)


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"Dear diary", UnsupportedMediaTypeError), (png((4097, 2)), ImageTooLargeError)],
    ids=["text", "wide"],
)
def test_a_picture_is_checked_here_first(data: bytes, error: type[SuperResolutionError]) -> None:
    with (
        answering(kit_result(b"")) as gateway,
        pytest.raises(error),
    ):
        send(cloud(gateway.address), data)

        assert gateway.received == []


# What the endpoint says.


def ours(status: int, code: str, message: str = "So it is.", **details: object) -> Sent:
    return said(status, {"error": code, "message": message, "details": details, "request_id": "1"})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (ours(400, "unsupported_scale", scale=4, allowed=[2]), UnsupportedScaleError),
        (ours(400, "unknown_model", model="best", known=["fast"]), UnknownModelError),
        (ours(413, "reply_too_large", bytes=9, max_bytes=8), ReplyTooLargeError),
        (ours(413, "would_time_out", estimated_seconds=40.5), DeadlineError),
        (ours(503, "model_unavailable"), ModelError),
        (ours(404, "not_found"), NotFoundError),
        (ours(413, "payload_too_large"), PayloadTooLargeError),
        (ours(200, "image_too_large"), ImageTooLargeError),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_our_errors_are_themselves_again(answer: Sent, error: type[SuperResolutionError]) -> None:
    with answering(answer) as gateway, pytest.raises(error) as caught:
        send(cloud(gateway.address), png((10, 5)))

    assert type(caught.value) is error
    assert caught.value.message == "So it is."


def test_a_real_servers_refusal_comes_through(server: Answering, picture: bytes) -> None:
    with Gateway(server) as gateway, pytest.raises(UnknownModelError, match="no model named 'bes"):
        send(cloud(gateway.address), picture, UpscaleOptions(scale=2, model="best"))


def test_a_full_queue_says_when_to_come_back() -> None:
    answers = [ours(503, "busy", retry_after=7), said(429, {"message": "Too Many Requests"})]
    for answer in answers:
        with answering(answer) as gateway, pytest.raises(BusyError) as caught:
            send(cloud(gateway.address), png((10, 5)))

        assert int(str(caught.value.details["retry_after"])) > 0


def test_an_error_cannot_bring_its_own_markup() -> None:
    details = {"message": "x", "self": 1}
    text = "![x](https://example.com/a.png)"
    hostile = said(422, {"error": "invalid_image", "message": text, "details": details})
    with answering(hostile) as gateway, pytest.raises(SuperResolutionError) as caught:
        send(cloud(gateway.address), png((10, 5)))

    assert caught.value.code == "invalid_image"
    assert "example" not in caught.value.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (WRONG_SIGNATURE, "missing, wrong or expired"),
        (UNKNOWN_KEY, "missing, wrong or expired"),
        (NO_PERMISSION, "execute-api:Invoke"),
        (FORBIDDEN, "another API key"),
        (MISSING_TOKEN, "the path in the endpoint's address is wrong"),
        (
            refused(403, "ExpiredTokenException", "The security token included in the request …"),
            "expired",
        ),
        (
            refused(403, "InvalidSignatureException", "Signature expired: 20260101T000000Z is …"),
            "clock",
        ),
        (refused(429, "LimitExceededException", "Limit Exceeded"), "quota"),
        (said(403, {"message": "Forbidden"}), "another API key"),
        (said(403, {"message": "Missing Authentication Token"}), "is wrong"),
        (ours(403, "invalid_signature"), "missing, wrong or expired"),
        (ours(403, "invalid_api_key"), "another API key"),
        (ours(403, "access_denied"), "execute-api:Invoke"),
        (ours(403, "expired_token"), "expired"),
        (ours(403, "missing_authentication"), "is wrong"),
        (ours(429, "quota_exceeded"), "quota"),
        (ours(403, "blocked"), "firewall"),
        (said(403, "<html>Forbidden</html>"), "status 403"),
    ],
)
def test_refused_callers_are_told_why(answer: Sent, words: str) -> None:
    with answering(answer) as gateway, pytest.raises(EndpointRefusedError) as caught:
        send(cloud(gateway.address, signs=True), png((10, 5)))

    assert words in caught.value.message
    assert "secretname" not in caught.value.message
    assert "123456789012" not in caught.value.message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (said(400, "invalid param"), "“invalid param”"),
        (said(200, "invalid param"), "“invalid param”"),
        (said(400, "`parameter `img` illegal"), "“'parameter 'img' illegal”"),
        (said(200, {"errorMessage": "list index out of range"}), "list index out of range"),
        (said(415, "Only supports application/json data"), "Only supports"),
        (said(200, {"result": [{"text": "read"}]}), "not a service that enlarges"),
        (said(200, {"result": "***"}), "not a picture"),
        (said(200, {"result": base64.b64encode(b"text").decode()}), "not a picture"),
        (kit_result(png((10, 5))), "10 × 5 pixels instead of 20 × 10"),
        (kit_result(png((20, 10))[:-30]), "damaged"),
        (said(200, "<!doctype html><p>Welcome"), "not a service that enlarges"),
        (Sent(status=302, headers={"Location": "https://example.com/"}), "not a service"),
        (Sent(status=200, body=b"\xff\x00\xfe"), "not a service that enlarges"),
        (said(200, {"result_url": "file:///etc/passwd"}), "cannot be followed"),
        (said(200, {"result_url": "http://127.0.0.1:1/x"}), "no connection"),
    ],
)
def test_an_answer_that_is_no_picture_is_described(answer: Sent, words: str) -> None:
    with answering(answer) as gateway, pytest.raises(EndpointError) as caught:
        send(cloud(gateway.address), png((10, 5)))

    assert words in caught.value.message
    assert words in message_for(caught.value, texts("en")).body


def test_a_failure_inside_names_its_status() -> None:
    answer = refused(500, "InternalServerErrorException", "Internal server error")
    with answering(answer) as gateway, pytest.raises(EndpointError, match="status 500"):
        send(cloud(gateway.address), png((10, 5)))


def test_a_result_is_not_read_without_end() -> None:
    with (
        answering(Sent(body=b" " * 20_000_000)) as gateway,
        pytest.raises(EndpointAnswerError, match="not a picture"),
    ):
        send(cloud(gateway.address), png((10, 5)))


def test_an_expired_link_is_said() -> None:
    with Bucket() as bucket:
        link = said(200, {"result_url": f"{bucket.url}/gone"})
        with (
            answering(link) as gateway,
            pytest.raises(EndpointAnswerError, match="may have expired"),
        ):
            send(cloud(gateway.address), png((10, 5)))


# Who asks.


def test_a_wrong_secret_is_refused_and_a_corrected_one_is_found(
    server: Answering, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Gateway(server, signed=True) as gateway:
        engine = cloud(gateway.address, signs=True)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY[::-1])
        with pytest.raises(EndpointRefusedError, match="missing, wrong or expired"):
            send(engine, picture)

        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        assert send(engine, picture).model == "fast"


def test_a_signature_for_another_region_is_refused(server: Answering, picture: bytes) -> None:
    with Gateway(server, signed=True) as gateway:
        engine = cloud(gateway.address, signs=True, region="us-east-1")
        with pytest.raises(EndpointRefusedError, match="missing, wrong or expired"):
            send(engine, picture)


def test_without_credentials_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with (
        answering(kit_result(b"")) as gateway,
        pytest.raises(EndpointRefusedError, match="are missing"),
    ):
        send(cloud(gateway.address, signs=True), png((10, 5)))

        assert gateway.received == []


def test_an_unsigned_request_to_a_signed_api_is_explained(server: Answering) -> None:
    with (
        Gateway(server, signed=True) as gateway,
        pytest.raises(EndpointRefusedError, match="SR_ENDPOINT_AUTH is then iam"),
    ):
        send(cloud(gateway.address), png((10, 5)))


def test_a_wrong_path_is_explained(server: Answering) -> None:
    with (
        Gateway(server, signed=True) as gateway,
        pytest.raises(EndpointRefusedError, match="the path in the endpoint"),
    ):
        send(cloud(f"{gateway.url}/test/resolution", signs=True), png((10, 5)))


def test_a_wrong_api_key_is_explained(server: Answering) -> None:
    with (
        Gateway(server, api_key=True) as gateway,
        pytest.raises(EndpointRefusedError, match="another API key"),
    ):
        send(cloud(gateway.address, api_key="other"), png((10, 5)))


def test_neither_key_nor_address_is_logged(
    server: Answering, picture: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Gateway(server, signed=True, api_key=True) as gateway:
        send(cloud(gateway.address, signs=True, api_key=API_KEY), picture)

    own = [each for each in caplog.records if each.name.startswith("webapp")]
    assert own
    for secret in (API_KEY, SECRET_KEY, "resolution", "127.0.0.1"):
        assert all(secret not in each.getMessage() for each in own)
    for secret in (API_KEY, SECRET_KEY):
        assert secret not in caplog.text


# The line.


def test_an_unknown_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **more: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(EndpointUnreachableError, match="its address may be misspelt"):
        send(cloud("https://gone.example/prod/resolution"), png((10, 5)))


def test_a_closed_port_is_said(closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}/prod/resolution"
    with pytest.raises(EndpointUnreachableError, match="no connection"):
        send(cloud(url), png((10, 5)))


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Yield host:port of a server for one connection; the caller may close it."""

    def accept(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            serve(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, args=(listener,))
        thread.start()
        host, port = listener.getsockname()
        yield f"{host}:{port}"
        thread.join()


def test_a_certificate_of_nobody_is_said() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    def greet(connection: socket.socket) -> None:
        context.wrap_socket(connection, server_side=True).close()

    with (
        raw_server(greet) as address,
        pytest.raises(EndpointUnreachableError, match="certificate"),
    ):
        send(cloud(f"https://{address}/prod/resolution"), png((10, 5)))


@pytest.fixture
def stuck() -> Iterator[Loopback]:
    """A server that accepts requests and answers none until the test is over."""
    is_over = threading.Event()

    def answer(request: Received) -> Sent:
        is_over.wait(SECONDS)
        return TIMED_OUT

    with Loopback(answer) as server:
        yield server
        is_over.set()


def test_a_silent_endpoint_is_given_up_after_a_second_try(stuck: Loopback) -> None:
    started = time.monotonic()
    with pytest.raises(EndpointTimeoutError):
        send(cloud(stuck.url + "/prod/resolution", timeout_seconds=0.5), png((10, 5)))

    assert len(stuck.received) == 2
    assert time.monotonic() - started < SECONDS


def test_a_request_under_way_is_abandoned_at_once(stuck: Loopback) -> None:
    started = time.monotonic()
    with pytest.raises(CancelledError):
        send(
            cloud(stuck.url + "/prod/resolution", timeout_seconds=SECONDS),
            png((10, 5)),
            is_cancelled=lambda: bool(stuck.received),
        )

    assert time.monotonic() - started < SECONDS / 2


def test_abandoned_requests_cannot_pile_up(stuck: Loopback) -> None:
    engine = cloud(stuck.url + "/prod/resolution", timeout_seconds=SECONDS)
    for _ in range(8):
        with pytest.raises(CancelledError):
            send(engine, png((10, 5)), is_cancelled=lambda: True)

    with pytest.raises(BusyError):
        send(engine, png((10, 5)))


def test_an_answer_that_drips_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.client.transport.CONNECT_SECONDS", 0.2)
    is_over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not is_over.wait(0.1):
            connection.sendall(b" ")

    with raw_server(drip) as address:
        with pytest.raises(EndpointTimeoutError):
            send(cloud(f"http://{address}/prod/resolution", timeout_seconds=0.5), png((10, 5)))
        is_over.set()


# The button.


def test_a_connection_that_works_says_with_what(server: Answering) -> None:
    with Gateway(server, signed=True) as gateway:
        tested = check_connection(cloud(gateway.address, signs=True))

    assert isinstance(tested, RemoteUpscaled)
    assert tested.model == "fast"


def test_a_connection_that_does_not_work_says_why(server: Answering) -> None:
    with Gateway(server, api_key=True) as gateway:
        tested = check_connection(cloud(gateway.address))

    assert isinstance(tested, SuperResolutionError)
    assert message_for(tested, texts("en")).title == "The cloud does not let this page in"
    assert "SR_ENDPOINT_API_KEY" in message_for(tested, texts("en")).body


def test_the_estimate_follows_what_was_measured(server: Answering, picture: bytes) -> None:
    with Gateway(server) as gateway:
        engine = cloud(gateway.address)
        guess = engine.estimated_seconds((96, 64), FAST)
        result = send(engine, picture)

    assert engine.estimated_seconds((96, 64), FAST) == max(1.0, result.seconds)
    assert engine.estimated_seconds((9600, 6400), FAST) > guess
