"""The errors of both kinds of decoding process."""

from __future__ import annotations

from backend.errors import BusyError, ImageError

RETRY_SECONDS = 5


def too_costly() -> ImageError:
    """Return the error for a file that was given up."""
    return ImageError(
        "The picture takes more time or memory to read than pictures of its size do; save it "
        "again in an image editor."
    )


def out_of_memory() -> BusyError:
    """Return the error for a machine that cannot start a process."""
    return BusyError.out_of_memory()


def given_up() -> BusyError:
    """Return the error for a good picture whose decoding process was ended again and again."""
    return BusyError(
        "The picture could not be read just now; try again in a moment.", retry_after=RETRY_SECONDS
    )
