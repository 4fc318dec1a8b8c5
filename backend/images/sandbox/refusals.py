"""The errors of both kinds of decoding process."""

from __future__ import annotations

from backend.errors import BusyError, ImageError
from backend.posix import has_file_limit

RETRY_SECONDS = 5


def too_costly() -> ImageError:
    """Return the error for a file that was given up."""
    return ImageError(
        "The picture takes more time or memory to read than pictures of its size do; save it "
        "again in an image editor."
    )


def out_of_memory() -> BusyError:
    """Return the error for a machine that cannot start a process or pass a picture to it."""
    if has_file_limit():
        return BusyError(
            "This machine is out of memory, or the limit on the length of files (ulimit -f) is too "
            "low for pictures.",
            seconds=RETRY_SECONDS,
        )
    return BusyError.out_of_memory()


def given_up() -> BusyError:
    """Return the error for a good picture whose decoding process was ended again and again."""
    return BusyError(
        "The picture could not be read just now; try again in a moment.", seconds=RETRY_SECONDS
    )
