"""`python -m backend page`."""

from __future__ import annotations

import argparse
import os
import runpy
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import NoReturn

from backend.commands.address import check_address
from backend.commands.interrupt import INTERRUPTED
from backend.errors import RequestError
from backend.settings import Settings

PACKAGE = Path(__file__).resolve().parents[1]
APPS = (PACKAGE / "webapp" / "app.py", PACKAGE.parent / "webapp" / "app.py")
"""The page's place in an installation and in the clone."""


def run(arguments: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001
    """Run Streamlit with the page, in this process, until it is stopped; 130 after Ctrl-C.

    Raise ModuleNotFoundError if Streamlit is not installed, SettingsError if the address is not
    free, and RequestError for what is no option of Streamlit.
    """
    if arguments.streamlit and not arguments.streamlit[0].startswith("--"):
        raise RequestError(f"'{arguments.streamlit[0]}' is no option of Streamlit.")
    if find_spec("streamlit") is None:
        raise ModuleNotFoundError(name="streamlit")
    check_address(arguments.host, arguments.port)
    app = next(each for each in APPS if each.is_file())
    os.environ.setdefault("STREAMLIT_SERVER_FILE_WATCHER_TYPE", "none")
    sys.argv = [
        *("streamlit", "run", str(app)),
        *("--server.address", arguments.host, "--server.port", str(arguments.port)),
        *("--server.headless", "false" if arguments.browser else "true"),
        *arguments.streamlit,
    ]
    # uvicorn raises the signal once more when it is done, at which Streamlit would say "Aborted!".
    signal.signal(signal.SIGINT, _exit)
    try:
        runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
    except SystemExit as exc:
        return int(exc.code or 0)
    return 0


def _exit(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise SystemExit(INTERRUPTED)
