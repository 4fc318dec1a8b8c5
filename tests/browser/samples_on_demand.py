"""`python -m streamlit`, except that the page makes a sample's result when it is looked at.

A server makes the results of all samples at its start, which takes more processor time than most
tests.
"""

from __future__ import annotations

import threading

from streamlit.web.cli import main

from webapp import wiring
from webapp.shared import Shared


def prepare_none(shared: Shared, stop: threading.Event) -> None:
    """Take the place of `prepare_samples`."""


if __name__ == "__main__":
    wiring.prepare_samples = prepare_none
    main(prog_name="streamlit")
