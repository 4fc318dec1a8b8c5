"""Sixty tabs of the page opened at the same moment: `python -m benchmarks.tabs`.

Each tab is a websocket, without a browser. Meanwhile the server is asked whether it lives; the run
ends with 1 if it is silent for longer than five seconds. Nothing else should run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from benchmarks.page import Served

TABS = 60
MOST_SILENT_SECONDS = 5.0
TAB_SECONDS = 300.0
PROTOCOL = Subprotocol("streamlit")
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def open_tab(address: str, start: threading.Barrier) -> float:
    """Open a tab, and return the seconds until the whole page was drawn."""
    start.wait()
    began = time.monotonic()
    address = address.replace("http:", "ws:") + "/_stcore/stream"
    with connect(
        address, subprotocols=[PROTOCOL], max_size=None, ping_interval=None, proxy=None
    ) as socket:
        message = BackMsg()
        message.rerun_script.query_string = ""
        socket.send(message.SerializeToString())
        while time.monotonic() - began < TAB_SECONDS:
            answer = socket.recv(timeout=TAB_SECONDS)
            if isinstance(answer, bytes) and is_finished(answer):
                return time.monotonic() - began
    raise TimeoutError("a tab was never drawn")


def is_finished(answer: bytes) -> bool:
    """Return whether a message of the server says that the page is drawn."""
    message = ForwardMsg()
    message.ParseFromString(answer)
    return message.WhichOneof("type") == "script_finished"


def longest_silence(address: str, is_over: threading.Event) -> float:
    """Ask the server again and again, and return the seconds of its slowest answer."""
    longest = 0.0
    while not is_over.is_set():
        asked = time.monotonic()
        NO_PROXY.open(address + "/_stcore/health", timeout=TAB_SECONDS).close()
        longest = max(longest, time.monotonic() - asked)
        time.sleep(0.05)
    return longest


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tabs", type=int, default=TABS)
    number = parser.parse_args().tabs
    is_over, start = threading.Event(), threading.Barrier(number)
    with tempfile.TemporaryDirectory() as folder, Served(Path(folder)) as server:
        before = server.memory
        with ThreadPoolExecutor(number + 1) as pool:
            silence = pool.submit(longest_silence, server.address, is_over)
            tabs = [pool.submit(open_tab, server.address, start) for _ in range(number)]
            try:
                drawn = sorted(each.result() for each in tabs)
            finally:
                is_over.set()
        print("| tabs | drawn after, s | the last after, s | longest silence, s | memory, MB |")
        print("|---|---|---|---|---|")
        seconds = f"{drawn[number // 2]:.1f} | {drawn[-1]:.1f} | {silence.result():.1f}"
        print(f"| {number} | {seconds} | {before >> 20} -> {server.most >> 20} |")
    return 0 if silence.result() <= MOST_SILENT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
