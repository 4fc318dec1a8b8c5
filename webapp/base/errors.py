"""Errors of the page itself, in addition to those of the engine and an endpoint.

SuperResolutionError
└── PageError
    ├── StorageFullError        no room on the server's disk for another upload or result
    ├── TooManyPicturesError    a visitor keeps as many pictures as one may
    ├── UploadFailedError       the connection was lost during an upload
    ├── EmptyFileError          an upload without a byte
    ├── LinkWithoutPictureError a link to a page or another file
    ├── ImpossibleSizeError     a size that cannot be made of this picture
    └── ConnectionLostError     a job that ended because its tab was away for too long

They are shown on the page and never sent to anyone.
"""

from __future__ import annotations

from backend.errors import JsonValue, SuperResolutionError


class PageError(SuperResolutionError):
    """An error that only the page raises; its `key` names the message in the catalogues."""

    key = "internal_error"

    def __init__(self, **details: JsonValue) -> None:
        super().__init__(self.key, **details)


class StorageFullError(PageError):
    status = 507
    key = "storage_full"


class TooManyPicturesError(PageError):
    status = 409
    key = "too_many_pictures"


class EmptyFileError(PageError):
    status = 400
    key = "empty_file"


class LinkWithoutPictureError(PageError):
    key = "link_without_picture"


class ImpossibleSizeError(PageError):
    key = "impossible_size"


class ConnectionLostError(PageError):
    key = "connection_lost"


class UploadFailedError(PageError):
    key = "upload_failed"
