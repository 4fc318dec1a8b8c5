"""`python -m backend page`."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

from backend.commands.address import check_address
from backend.errors import RequestError
from backend.settings import Settings

PACKAGE = Path(__file__).resolve().parents[1]
APPS = (PACKAGE / "webapp" / "app.py", PACKAGE.parent / "webapp" / "app.py")
"""The page's place in an installation and in the clone."""


def run(arguments: argparse.Namespace, settings: Settings) -> int:  # noqa: ARG001
    """Run Streamlit with the page, in this process, until it is stopped.

    Raise ModuleNotFoundError if Streamlit is not installed, SettingsError if the address is not
    free, and RequestError for what is no option of Streamlit.
    """
    if arguments.streamlit and not arguments.streamlit[0].startswith("--"):
        raise RequestError(f"'{arguments.streamlit[0]}' is no option of Streamlit.")
    if find_spec("streamlit") is None:
        raise ModuleNotFoundError(name="streamlit")
    check_address(arguments.host, arguments.port)
    app = next(each for each in APPS if each.is_file())
    sys.argv = [
        *("streamlit", "run", str(app)),
        *("--server.address", arguments.host, "--server.port", str(arguments.port)),
        *("--server.headless", "false" if arguments.browser else "true"),
        *arguments.streamlit,
    ]
    os.environ.setdefault("STREAMLIT_SERVER_FILE_WATCHER_TYPE", "none")
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
    return 0
