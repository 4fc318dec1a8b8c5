"""The decoding process: `python -m backend.images.sandbox.worker`, with a socket as its input.

It is one thread that has loaded the decoders and waits, with a copy of itself that waits for the
next picture. The copy sets its own limits, decodes, answers and ends; so one visitor's picture is
never in the memory of the process that reads another's, and what a decoder takes is given back.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from contextlib import suppress

from backend.images.sandbox.answer import answer, warm_up
from backend.images.sandbox.limits import end_with_parent, limit
from backend.images.sandbox.wire import NO_ROOM, PID_BYTES, fate_line, receive, send

BUSY, OVER = b"b", b"o"
"""Messages of a copy: it has got a picture, or there will be no more."""


def main() -> None:
    """Serve until the other side closes the socket, or ends, which closes it too."""
    warm_up()
    gc.freeze()  # a collection would write to every page that the copies share
    gc.disable()
    me = os.getpid()
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as control:
        signal.signal(signal.SIGCHLD, lambda *_: _report(control))
        while True:
            reader, writer = os.pipe()
            if os.fork() == 0:
                os.close(reader)
                _wait_and_answer(control, writer, parent=me)
            os.close(writer)
            word = os.read(reader, 1)  # nothing from a copy that was ended from outside
            os.close(reader)
            if word == OVER:
                return


def _report(control: socket.socket) -> None:
    """Tell the caller of each copy that did not end well: why, only its parent is told."""
    with suppress(ChildProcessError):
        while True:
            number, status = os.waitpid(-1, os.WNOHANG)
            if number == 0:
                return
            if status:
                with suppress(OSError):
                    control.send(fate_line(number, status), socket.MSG_DONTWAIT)


def _wait_and_answer(control: socket.socket, writer: int, *, parent: int) -> None:
    """Answer one picture; never return."""
    code = 1
    try:
        end_with_parent(parent)
        word, connections, _, _ = socket.recv_fds(control, 1, 1)
        os.write(writer, BUSY if word else OVER)
        for each in connections:
            limit()
            with socket.socket(fileno=each) as caller:
                caller.send(os.getpid().to_bytes(PID_BYTES, "big"))
                request = receive(caller)
                if request is not None:
                    head, content = request
                    max_side = int(str(head["max_side"]))
                    found = answer(bytes(content), max_side=max_side, expect=limit)
                    code = NO_ROOM
                    send(caller, *found)
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
