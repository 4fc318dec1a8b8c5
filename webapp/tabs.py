"""The page's memory of each open tab, and its lifetime.

A tab is known by a token that cannot be guessed. The browser keeps it in the tab's own session
storage, so pictures, jobs and results survive a reload or a lost connection. When a tab has been
away for the setting `keep_seconds`, its jobs end and all that it had is deleted. The jobs of one
that said goodbye end after `LEFT_SECONDS`: it was closed, unless it is back by then.
"""

from __future__ import annotations

import gc
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from webapp.base.errors import TooManyPicturesError

if TYPE_CHECKING:
    from backend.errors import SuperResolutionError
    from webapp.client.remote import RemoteUpscaled
    from webapp.intake.picker import Arrival
    from webapp.intake.pictures import InputFile, Inspection
    from webapp.result.downloads import Archive, Download
    from webapp.work.comparison import EngineComparison
    from webapp.work.enhance import Enhanced, EnhanceRequest
    from webapp.work.jobs import Job
    from webapp.work.live import Live

MAX_PICTURES = 50
MAX_UPLOAD_BYTES = 512 * 2**20
"""Largest bytes of one tab's pictures."""
MAX_UPLOADS = 4
"""Uploads of one tab at a time; the page itself sends one after the other."""
UNFINISHED_SECONDS = 60.0
"""Seconds for which the bytes of an unfinished upload still count."""
MAX_RESULT_BYTES = 1024 * 2**20
"""Largest bytes of one tab's results; the least recently shown make room."""

LEFT_SECONDS = 30.0
"""Seconds after which the work of a tab that said goodbye ends; a reload takes less."""

Result: TypeAlias = "Enhanced | EngineComparison"


class Upload:
    """One upload of a tab."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self.nbytes = 0
        self.is_finished = False
        self.ended: float | None = None
        """Monotonic time of its end; None until then."""

    @property
    def counts(self) -> bool:
        """Return whether its bytes still count for its tab."""
        return self.ended is None or time.monotonic() - self.ended < UNFINISHED_SECONDS

    def take(self, nbytes: int) -> None:
        """Count a piece; raise TooManyPicturesError beyond the tab's bounds."""
        self._tab.check_room(nbytes, upload=self)
        self.nbytes += nbytes


@dataclass(kw_only=True)
class Tab:
    """One open tab; its page and the threads of its jobs use it."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    stream: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    """The secret in the address of the tab's event stream."""
    session_id: str = ""
    """Streamlit's session id of the present connection."""
    last_seen: float = 0.0
    left: float | None = None
    """The time of the page's end or reload, as its browser told it; None once it is back."""
    refused_restores: int = 0
    """The count of the browser's vain requests for the tab that it had before."""
    is_forgotten: bool = False
    """True if that tab is gone for ever."""

    pictures: OrderedDict[str, InputFile] = field(default_factory=OrderedDict)
    """The visitor's own pictures, by digest, in the order of arrival."""
    arrivals: list[Arrival] = field(default_factory=list)
    """Uploads and links that the browser told of, and the page has not taken yet."""
    is_begun: bool = False
    """True once pictures arrived, or the visitor chose one."""
    awaits_pictures: bool = False
    """True while the browser hands in those that the server lost."""
    has_several: bool = False
    """True from the arrival of several pictures until their work was planned."""
    inspections: dict[str, Inspection | SuperResolutionError] = field(default_factory=dict)
    current: str | None = None
    """The digest of the picture on the page; None for a sample."""
    jobs: dict[EnhanceRequest, Job] = field(default_factory=dict)
    errors: dict[EnhanceRequest, SuperResolutionError] = field(default_factory=dict)
    pressed: EnhanceRequest | None = None
    """The request that the visitor just pressed the button for."""
    asked: set[EnhanceRequest] = field(default_factory=set)
    """Requests that the visitor pressed the button for and waited for."""
    shown: EnhanceRequest | None = None
    """The result on the page, until the next one replaces it."""
    lives: dict[EnhanceRequest, Live] = field(default_factory=dict)
    """First looks and finished pieces of unfinished results."""
    live: Live | None = None
    """The live work of the picture on the page."""
    is_cropping: bool = False
    """True if a frame is shown on the picture."""
    is_cutting: bool = False
    """True from the visitor's press until the inside of the frame is cut out."""
    input_error: SuperResolutionError | None = None
    """The reason why the last file or link was refused."""
    refused_name: str = ""
    is_testing: bool = False
    """True from the visitor's press until the endpoint was tried."""
    connection_test: RemoteUpscaled | SuperResolutionError | None = None
    """The outcome when the visitor last tried the endpoint."""
    downloads: dict[int, Download] = field(default_factory=dict)
    """Downloads by the identity of a kept result, which they keep alive."""
    archive: Archive | None = None

    _uploads: list[Upload] = field(default_factory=list)
    """Uploads that are under way, or were unfinished a moment ago."""
    _results: OrderedDict[EnhanceRequest, Result] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, picture: InputFile) -> None:
        """Keep an own picture; raise TooManyPicturesError beyond the tab's bounds."""
        self.check_room(picture.nbytes if picture.digest not in self.pictures else 0)
        self.pictures[picture.digest] = picture

    def show(self, picture: InputFile) -> None:
        """Keep an own picture and put it on the page; TooManyPicturesError as `add`."""
        self.add(picture)
        self.current = picture.digest
        self.input_error = None

    @contextmanager
    def upload(self) -> Iterator[Upload]:
        """Count an upload while it comes, and for a while longer if it is not finished.

        Raise TooManyPicturesError, at the start or at a piece, beyond the tab's bounds.
        """
        self.check_room(0)
        upload = Upload(self)
        self._uploads.append(upload)
        try:
            yield upload
        finally:
            upload.ended = time.monotonic()
            if upload.is_finished:
                self._uploads.remove(upload)

    def check_room(self, nbytes: int, *, upload: Upload | None = None) -> None:
        """Raise TooManyPicturesError if so many more bytes exceed the tab's bounds.

        They are those of a new picture, or of an `upload` under way.
        """
        self._uploads[:] = [each for each in self._uploads if each.counts]
        used = sum(each.nbytes for each in list(self.pictures.values()))
        used += sum(each.nbytes for each in self._uploads)
        others = [each for each in self._uploads if each.ended is None and each is not upload]
        number = len(self.pictures) + len(others)
        is_full = number >= MAX_PICTURES or len(others) >= MAX_UPLOADS
        if is_full or used + nbytes > MAX_UPLOAD_BYTES:
            raise TooManyPicturesError(max_pictures=MAX_PICTURES, max_bytes=MAX_UPLOAD_BYTES)

    def remove(self, digest: str) -> None:
        """Forget a picture and all its results, and show the next one, or else the last."""
        later = self._later(digest)
        self.pictures.pop(digest, None)
        self.inspections.pop(digest, None)
        with self._lock:
            for request in [each for each in self._results if each.digest == digest]:
                self._drop(request)
        for request in [each for each in self.lives if each.digest == digest]:
            del self.lives[request]
        if self.current == digest:
            self.current = next(iter(later), next(reversed(self.pictures), None))

    def replace(self, digest: str, picture: InputFile) -> None:
        """Keep a picture in the place of another, which is forgotten."""
        later = self._later(digest)
        self.remove(digest)
        self.add(picture)
        for each in [picture.digest, *later]:
            self.pictures.move_to_end(each)

    def _later(self, digest: str) -> list[str]:
        """Return the digests of the pictures that came after this one."""
        digests = list(self.pictures)
        return digests[digests.index(digest) + 1 :] if digest in digests else []

    def keep(self, request: EnhanceRequest, result: Result) -> None:
        """Store a result; the newest stays even if it alone exceeds the bound."""
        with self._lock:
            self._results[request] = result
            self._results.move_to_end(request)
            while len(self._results) > 1 and self._nbytes() > MAX_RESULT_BYTES:
                self._drop(next(iter(self._results)))

    def result(self, request: EnhanceRequest) -> Result | None:
        """Return the result, or None if there is none or it was evicted."""
        with self._lock:
            if request in self._results:
                self._results.move_to_end(request)
            return self._results.get(request)

    def results(self) -> dict[EnhanceRequest, Result]:
        """Return all results that are kept."""
        with self._lock:
            return dict(self._results)

    def _drop(self, request: EnhanceRequest) -> None:
        result = self._results.pop(request)
        for part in result.parts:
            self.downloads.pop(id(part), None)

    def _nbytes(self) -> int:
        return sum(result.nbytes for result in self._results.values())


class Tabs:
    """All open tabs of the process."""

    def __init__(
        self,
        *,
        is_connected: Callable[[str], bool],
        keep_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_connected = is_connected
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._tabs: dict[str, Tab] = {}

    def open(self, session_id: str) -> Tab:
        """Open a new tab for a new connection."""
        tab = Tab(session_id=session_id, last_seen=self._clock())
        with self._lock:
            self._tabs[tab.token] = tab
        return tab

    def find(self, token: str) -> Tab | None:
        """Find the tab with this token."""
        with self._lock:
            return self._tabs.get(token)

    def find_stream(self, secret: str) -> Tab | None:
        """Return the tab whose event stream has this secret."""
        with self._lock:
            return next((each for each in self._tabs.values() if each.stream == secret), None)

    def restore(self, token: str, *, session_id: str) -> Tab | None:
        """Connect a tab that was reloaded; None when it is gone, or still open elsewhere."""
        with self._lock:
            tab = self._tabs.get(token)
            if tab is None or (tab.session_id != session_id and self._is_connected(tab.session_id)):
                return None
            tab.session_id, tab.last_seen = session_id, self._clock()
            tab.left = None
            return tab

    def leave(self, token: str) -> None:
        """Note that the browser closes or reloads the tab with this token, if there is one."""
        tab = self.find(token)
        if tab is not None:
            tab.left = self._clock()

    def is_waited_for(self, token: str) -> bool:
        """Return whether the work of the tab with this token goes on."""
        tab = self.find(token)
        if tab is None:
            return False
        is_gone = tab.left is not None and self._clock() - tab.left > LEFT_SECONDS
        return not is_gone or self._is_connected(tab.session_id)

    def sweep(self) -> None:
        """Forget the tabs that were closed long enough ago, and delete their files."""
        if self._forget_closed():
            gc.collect()  # what refers to itself would stay, with its files, until a later visitor

    def _forget_closed(self) -> bool:
        """Return whether there were any."""
        now = self._clock()
        with self._lock:
            before = len(self._tabs)
            for token, tab in list(self._tabs.items()):
                if self._is_connected(tab.session_id):
                    tab.last_seen = now
                elif now - tab.last_seen > self._keep_seconds:
                    del self._tabs[token]
            return len(self._tabs) < before
