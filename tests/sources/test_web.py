"""Pictures from the web: what is fetched, and everything that is refused."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from backend.deadline import THREAD_NAME
from backend.errors import (
    PayloadTooLargeError,
    SourceNotAllowedError,
    SourceNotFoundError,
    SourceTimeoutError,
    SourceUnreachableError,
    SuperResolutionError,
)
from backend.options import UpscaleOptions
from backend.requests.parsing import UpscaleRequest
from backend.requests.sources.any_source import AnySource
from backend.requests.sources.web import WebSource
from backend.settings import Settings
from tests.sources.loopback import (
    PICTURE,
    Answer,
    Internet,
    Site,
    body,
    endless,
    redirect,
    status,
)

Serve = Callable[..., Site]

PUBLIC = "93.184.216.34"
RELAXED = Settings(allow_private_sources=True, source_timeout_seconds=20)
SHORT = Settings(allow_private_sources=True, source_timeout_seconds=0.5)
STRICT = Settings(source_timeout_seconds=20)


def read(url: str, settings: Settings = RELAXED, *, max_bytes: int = 100_000) -> bytes:
    request = UpscaleRequest(options=UpscaleOptions(), url=url)
    return AnySource(settings).read(request, max_bytes=max_bytes)


@pytest.fixture
def public_site(internet: Internet, serve: Serve) -> Site:
    """A server that http://pictures.example/ leads to, by a public address."""
    site = serve({"/cat.png": body(PICTURE)})
    internet.name("pictures.example", [PUBLIC])
    internet.routes[PUBLIC, 80] = site.port
    return site


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Check that the thread of every fetch ends."""
    yield
    _threads_end()


def _threads_end() -> None:
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            thread.join(timeout=5)
            assert not thread.is_alive()


# What is fetched


def test_a_picture_is_fetched(public_site: Site, internet: Internet) -> None:
    assert read("http://pictures.example/cat.png?size=large#top", STRICT) == PICTURE
    assert internet.connections == [(PUBLIC, 80)]
    path, headers = public_site.requests[0]
    assert path == "/cat.png?size=large"
    assert headers["host"] == "pictures.example"


def test_the_request_says_who_asks_and_carries_nothing_else(public_site: Site) -> None:
    read("http://pictures.example/cat.png", STRICT)
    headers = public_site.requests[0][1]
    assert headers["user-agent"].startswith("super-resolution")
    assert headers["accept-encoding"] == "identity"
    assert set(headers) == {"host", "user-agent", "accept", "accept-encoding", "connection"}


def test_the_usual_port_may_be_written_out(public_site: Site) -> None:
    assert read("HTTP://Pictures.Example:80/cat.png", STRICT) == PICTURE


def test_a_numeric_public_address_is_fetched(public_site: Site, internet: Internet) -> None:
    assert read(f"http://{PUBLIC}/cat.png", STRICT) == PICTURE
    assert internet.connections == [(PUBLIC, 80)]


@pytest.mark.parametrize("rest", ["?mail=a@b", "/?mail=a@b", "/@me", "#@"])
def test_an_at_sign_that_is_no_user_name_is_fetched(rest: str, public_site: Site) -> None:
    public_site.pages |= {"/": body(PICTURE), "/@me": body(PICTURE)}
    assert read(f"http://pictures.example{rest}", STRICT) == PICTURE


def test_a_name_in_another_script_is_fetched(public_site: Site, internet: Internet) -> None:
    internet.name("xn--bcher-kva.example", [PUBLIC])
    assert read("http://b\u00fccher.example/cat.png", STRICT) == PICTURE
    assert public_site.requests[0][1]["host"] == "xn--bcher-kva.example"


def test_any_port_is_reached_where_private_addresses_are(serve: Serve) -> None:
    assert read(serve({"/": body(PICTURE)}).url()) == PICTURE


def test_a_picture_sent_in_chunks_is_fetched(serve: Serve) -> None:
    def chunked(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in (PICTURE[:7], PICTURE[7:]):
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        handler.wfile.write(b"0\r\n\r\n")

    assert read(serve({"/": chunked}).url()) == PICTURE


def test_a_picture_compressed_all_the_same_is_fetched(serve: Serve) -> None:
    page = body(gzip.compress(PICTURE), Content_Encoding="gzip")
    assert read(serve({"/": page}).url()) == PICTURE


def test_many_fetches_at_once_do_not_disturb_each_other(serve: Serve) -> None:
    site = serve({f"/{n}": body(b"%d" % n * 5000) for n in range(8)})
    source, results = AnySource(RELAXED), dict[int, bytes]()

    def fetch(n: int) -> None:
        request = UpscaleRequest(options=UpscaleOptions(), url=site.url(f"/{n}"))
        results[n] = source.read(request, max_bytes=5000)

    threads = [threading.Thread(target=fetch, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {n: b"%d" % n * 5000 for n in range(8)}


# Redirects


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_three_redirects_are_followed(code: int, serve: Serve) -> None:
    site = serve(
        {
            "/1": redirect("/2", code),
            "/2": redirect("3?x=1", code),
            "/4": body(PICTURE),
        }
    )
    site.pages["/3"] = redirect(f"//127.0.0.1:{site.port}/4", code)
    assert read(site.url("/1")) == PICTURE


def test_four_redirects_are_not_followed(serve: Serve) -> None:
    site = serve({f"/{n}": redirect(f"/{n + 1}") for n in range(1, 9)})
    with pytest.raises(SourceUnreachableError, match="more than 3"):
        read(site.url("/1"))
    assert [path for path, _ in site.requests] == ["/1", "/2", "/3", "/4"]


def test_a_redirect_in_a_circle_ends(serve: Serve) -> None:
    site = serve({"/": redirect("/")})
    with pytest.raises(SourceUnreachableError):
        read(site.url())
    assert len(site.requests) == 4


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost./",
        "http://inside.example/",
        "http://[::1]/",
        "http://0x7f.1/",
        "http://user:secret@pictures.example/cat.png",
        "http://pictures.example:8080/cat.png",
        "file:///etc/passwd",
        "ftp://pictures.example/",
        "data:image/png;base64,QUJD",
        "s3://bucket/key",
    ],
)
def test_a_redirect_is_checked_like_the_first_address(
    target: str, public_site: Site, internet: Internet
) -> None:
    internet.name("inside.example", ["10.0.0.7"])
    public_site.pages["/"] = redirect(target)
    with pytest.raises(SourceNotAllowedError):
        read("http://pictures.example/", STRICT)
    assert internet.connections == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "target", ["http://[::1", "http:\\\\a", "/a b", "http://a:b/", "http://*/", "/\u00e9" * 5000]
)
def test_a_redirect_to_no_address_is_the_other_sides_fault(target: str, serve: Serve) -> None:
    site = serve({"/": redirect(target)})
    with pytest.raises(SourceUnreachableError, match="redirects to"):
        read(site.url())


def test_cookies_are_not_carried_from_hop_to_hop(serve: Serve) -> None:
    def first(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Set-Cookie", "id=1; Path=/")
        handler.send_header("Location", "/2")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    site = serve({"/": first, "/2": body(PICTURE)})
    assert read(site.url()) == PICTURE
    assert "cookie" not in site.requests[1][1]


def test_the_body_of_a_redirect_is_not_read(serve: Serve) -> None:
    site = serve({"/": endless(302, Location="/2"), "/2": body(PICTURE)})
    assert read(site.url()) == PICTURE


def test_a_redirect_without_a_target_is_an_error(serve: Serve) -> None:
    with pytest.raises(SourceUnreachableError) as caught:
        read(serve({"/": status(302)}).url())
    assert caught.value.details == {"status": 302}


# Addresses


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "2130706433",
        "0",
        "0.0.0.0",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:93.184.216.34]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[::1%25lo]",
        "[fe80::1%25eth0]",
        "[2606:4700:4700::1111%25eth0]",
        "[fc00::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[fd00:ec2::254]",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_of_an_inner_address_is_reached(
    scheme: str, host: str, internet: Internet
) -> None:
    internet.name("127.0.0.1.", ["127.0.0.1"])
    with pytest.raises(SourceNotAllowedError) as caught:
        read(f"{scheme}://{host}/", STRICT)
    assert internet.connections == []
    assert not any(part in caught.value.message for part in ("127", "169", "::"))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.%31",
        "%6cocalhost",
        "%31%32%37.0.0.1",
        "localhost%00.example",
        "[v1.a]",
        "[fe80::1%25lo]",
    ],
)
def test_a_percent_encoded_host_reaches_nothing(host: str, internet: Internet) -> None:
    with pytest.raises(SuperResolutionError) as caught:
        read(f"http://{host}/", STRICT)
    assert caught.value.code in ("invalid_request", "source_not_allowed", "source_unreachable")
    assert internet.connections == []


@pytest.mark.parametrize(
    "answer",
    [
        ["10.0.0.1"],
        ["127.0.0.1"],
        ["fd00::1"],
        ["64:ff9b::5db8:d822"],
        ["168.63.129.16"],
        [PUBLIC, "10.0.0.1"],
        ["10.0.0.1", PUBLIC],
        [PUBLIC, "::1"],
        [PUBLIC, "fe80::1"],
    ],
    ids="+".join,
)
def test_a_name_with_any_inner_address_is_not_reached(
    answer: list[str], internet: Internet
) -> None:
    internet.name("pictures.example", answer)
    with pytest.raises(SourceNotAllowedError):
        read("http://pictures.example/cat.png", STRICT)
    assert internet.connections == []


@pytest.mark.parametrize("inner", ["127.0.0.1", "10.0.0.1", "168.63.129.16", "fec0::1"])
@pytest.mark.parametrize("honest_answers", [1, 2, 3])
def test_a_name_that_changes_its_answer_never_leads_inside(
    honest_answers: int, inner: str, public_site: Site, internet: Internet
) -> None:
    internet.name("pictures.example", *[[PUBLIC]] * honest_answers, [inner])
    with contextlib.suppress(SourceNotAllowedError):
        assert read("http://pictures.example/cat.png", STRICT) == PICTURE
    assert set(internet.connections) <= {(PUBLIC, 80)}


def test_the_connection_goes_to_the_address_that_was_checked(
    public_site: Site, internet: Internet
) -> None:
    internet.name("pictures.example", [PUBLIC], [PUBLIC], ["127.0.0.1"])
    assert read("http://pictures.example/cat.png", STRICT) == PICTURE
    assert internet.connections == [(PUBLIC, 80)]


def test_the_relaxed_setting_relaxes_addresses_and_ports_only(serve: Serve) -> None:
    site = serve({"/": body(PICTURE)})
    assert read(f"http://localhost:{site.port}/") == PICTURE
    with pytest.raises(SourceNotAllowedError):
        read(f"http://user:secret@localhost:{site.port}/")
    with pytest.raises(SourceNotAllowedError):
        read(f"http://localhost:{site.port}/", STRICT)


@pytest.mark.parametrize("settings", [STRICT, RELAXED], ids=["strict", "relaxed"])
def test_proxies_and_passwords_of_the_environment_are_not_used(
    settings: Settings,
    public_site: Site,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: object,
) -> None:
    proxy = serve({})
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url())
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:  # noqa: PTH123
        file.write("machine pictures.example login me password secret\n")
    monkeypatch.setenv("NETRC", netrc)
    assert read("http://pictures.example/cat.png", settings) == PICTURE
    assert proxy.requests == []
    assert "authorization" not in public_site.requests[0][1]


# TLS


@pytest.fixture
def tls_source(authority_file: Path) -> WebSource:
    return WebSource(STRICT, ca_bundle=authority_file)


@pytest.fixture
def tls_site(internet: Internet, serve: Serve) -> Site:
    site = serve({"/cat.png": body(PICTURE)}, tls=True)
    internet.name("pictures.example", [PUBLIC])
    internet.name("other.example", [PUBLIC])
    internet.routes[PUBLIC, 443] = site.port
    return site


def test_a_certificate_is_verified_against_the_name(
    tls_source: WebSource, tls_site: Site, internet: Internet
) -> None:
    assert tls_source.read("https://pictures.example/cat.png", max_bytes=10**5) == PICTURE
    assert internet.connections == [(PUBLIC, 443)]
    assert tls_site.requests[0][1]["host"] == "pictures.example"


@pytest.mark.parametrize("host", ["other.example", PUBLIC])
def test_a_certificate_of_another_name_is_refused(
    host: str, tls_source: WebSource, tls_site: Site
) -> None:
    with pytest.raises(SourceUnreachableError, match="certificate"):
        tls_source.read(f"https://{host}/cat.png", max_bytes=10**5)
    assert tls_site.requests == []


@pytest.mark.parametrize("settings", [STRICT, RELAXED], ids=["strict", "relaxed"])
def test_an_unknown_authority_is_refused(
    settings: Settings,
    tls_site: Site,
    authority_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority_file))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(authority_file))
    with pytest.raises(SourceUnreachableError, match="certificate"):
        read("https://pictures.example/cat.png", settings)
    assert tls_site.requests == []


def test_a_server_without_tls_is_not_said_to_have_a_bad_certificate(
    internet: Internet, serve: Serve
) -> None:
    internet.name("plain.example", [PUBLIC])
    internet.routes[PUBLIC, 443] = serve({"/cat.png": body(PICTURE)}).port
    with pytest.raises(SourceUnreachableError, match=r"^The address cannot be reached over https"):
        read("https://plain.example/cat.png", STRICT)


def test_a_handshake_that_never_comes_is_cut_off(internet: Internet) -> None:
    with _silent_server(b"") as port:
        _cut_off(f"https://127.0.0.1:{port}/")
        _threads_end()


# Time


@contextlib.contextmanager
def _silent_server(drop: bytes, *, first: bytes = b"") -> Iterator[int]:
    """Accept, send `first`, then `drop` every 20 ms; yield the port."""
    stopping = threading.Event()

    def speak() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.sendall(first)
                while not stopping.wait(0.02):
                    connection.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=speak)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stopping.set()
            thread.join()


def _cut_off(url: str, settings: Settings = SHORT) -> None:
    started = time.monotonic()
    with pytest.raises(SourceTimeoutError):
        read(url, settings, max_bytes=10**9)
    # The bound is generous, for a busy machine; it proves only that there is an end.
    assert 0.4 < time.monotonic() - started < 4


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (b"", b""),
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"b"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"b"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nb\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    ],
    ids=[
        "silence",
        "status line",
        "a header field",
        "header fields",
        "continue",
        "silent body",
        "dripping body",
        "dripping body without a length",
        "dripping chunks",
        "dripping chunk size",
    ],
)
def test_a_slow_server_is_cut_off_at_the_deadline(first: bytes, drop: bytes) -> None:
    with _silent_server(drop, first=first) as port:
        _cut_off(f"http://127.0.0.1:{port}/")
        _threads_end()  # while the server goes on


@pytest.mark.parametrize("lookups_before", [0, 1])
def test_a_slow_name_server_is_cut_off_at_the_deadline(
    lookups_before: int, public_site: Site, internet: Internet
) -> None:
    answers, lookups = threading.Event(), list[str]()

    def slow_lookup(name: str) -> None:
        lookups.append(name)
        if len(lookups) > lookups_before:
            answers.wait(10)

    internet.lookup = slow_lookup
    _cut_off("http://pictures.example/cat.png", Settings(source_timeout_seconds=0.5))
    answers.set()
    _threads_end()
    assert lookups
    assert internet.connections == []  # an answer that comes too late leads nowhere


def test_slow_redirects_share_one_deadline(serve: Serve) -> None:
    def slow(target: str) -> Answer:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            site.stopping.wait(0.3)
            redirect(target)(handler)

        return answer

    site = serve({"/1": slow("/2"), "/2": slow("/3"), "/3": slow("/4"), "/4": body(PICTURE)})
    _cut_off(site.url("/1"))


def test_a_server_that_is_slow_but_in_time_is_waited_for() -> None:
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    with _silent_server(b"b", first=first) as port:
        assert read(f"http://127.0.0.1:{port}/") == b"bbbbb"


# Bytes


def test_as_many_bytes_as_the_limit_are_fetched_and_one_more_is_not(serve: Serve) -> None:
    site = serve({"/": body(PICTURE), "/undeclared": _without_length(PICTURE)})
    for path in ("/", "/undeclared"):
        assert read(site.url(path), max_bytes=len(PICTURE)) == PICTURE
        with pytest.raises(PayloadTooLargeError) as caught:
            read(site.url(path), max_bytes=len(PICTURE) - 1)
        assert caught.value.details == {"max_bytes": len(PICTURE) - 1}


def _without_length(data: bytes) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


@pytest.mark.parametrize(
    "page",
    [
        endless(),
        endless(Content_Length=str(10**12)),
        endless(Content_Length="-1"),
        endless(Content_Length="many"),
    ],
    ids=["none", "huge", "negative", "no number"],
)
def test_an_endless_body_is_cut_off_at_the_limit(page: Answer, serve: Serve) -> None:
    site = serve({"/": page})
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooLargeError):
            read(site.url(), max_bytes=10**6)
        assert tracemalloc.get_traced_memory()[1] < 6 * 10**6
    finally:
        tracemalloc.stop()


def test_a_body_announced_as_too_large_is_not_waited_for() -> None:
    first = b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n"
    with _silent_server(b"", first=first) as port, pytest.raises(PayloadTooLargeError):
        read(f"http://127.0.0.1:{port}/", max_bytes=100_000)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_bomb_is_cut_off_at_the_limit(
    encoding: str, layers: int, serve: Serve
) -> None:
    bomb = bytes(64 * 2**20)
    for _ in range(layers):
        bomb = (gzip.compress if encoding == "gzip" else zlib.compress)(bomb)
    page = body(bomb, Content_Encoding=", ".join([encoding] * layers))
    site = serve({"/": page})
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooLargeError):
            read(site.url(), max_bytes=10**6)
        assert tracemalloc.get_traced_memory()[1] < 8 * 10**6
    finally:
        tracemalloc.stop()


# Failures


@pytest.mark.parametrize("code", [404, 410])
def test_a_missing_picture_is_not_found(code: int, serve: Serve) -> None:
    with pytest.raises(SourceNotFoundError):
        read(serve({"/": status(code)}).url())


@pytest.mark.parametrize("code", [300, 304, 400, 401, 403, 418, 429, 500, 502, 503, 599, 999])
def test_another_status_is_unreachable(code: int, serve: Serve) -> None:
    with pytest.raises(SourceUnreachableError) as caught:
        read(serve({"/": status(code)}).url())
    assert caught.value.details == {"status": code}


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nno gz",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: " + b"gzip, " * 50 + b"gzip\r\n\r\nno gz",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70000 + b"\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe/\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_server_that_talks_nonsense_is_unreachable(first: bytes) -> None:
    def speak() -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            connection.sendall(first)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(SourceUnreachableError):
            read(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        thread.join()


def test_a_closed_port_is_unreachable(closed_port: int) -> None:
    with pytest.raises(SourceUnreachableError):
        read(f"http://127.0.0.1:{closed_port}/")


@pytest.mark.parametrize("settings", [STRICT, RELAXED], ids=["strict", "relaxed"])
def test_an_unknown_name_is_unreachable(settings: Settings) -> None:
    with pytest.raises(SourceUnreachableError):
        read("http://nowhere.example/", settings)


def test_neither_the_message_nor_the_logged_cause_holds_the_address(closed_port: int) -> None:
    with pytest.raises(SourceUnreachableError) as caught:
        read(f"http://127.0.0.1:{closed_port}/cat.png?signature=very-secret")
    told = f"{caught.value.message} {caught.value.details} {caught.value.__cause__!r}"
    assert "very-secret" not in told
    assert "127.0.0.1" not in told
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
