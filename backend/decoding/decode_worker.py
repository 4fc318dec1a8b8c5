"""The decoding process: `python -m backend.decoding.decode_worker`, with a socket as its input.

It is one thread that has loaded the decoders and waits. For every picture it makes a copy of
itself, which sets its own limits, decodes, answers and ends; so one visitor's picture is never in
the memory of the process that reads another's, and whatever a decoder takes is given back.
"""

from __future__ import annotations

import os
import signal
import socket
import sys

from backend.decoding.limits import end_with_parent, limit
from backend.decoding.message import receive, send
from backend.decoding.picture_message import message_from_error, message_from_picture
from backend.errors import SuperResolutionError
from backend.images import examine, read_pixels

MAX_CONNECTIONS = 16
"""That can arrive with one message."""


def main() -> None:
    """Until the other side ends, which closes the socket."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the copies leave nothing behind
    me = os.getpid()
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as control:
        while True:
            word, connections, _, _ = socket.recv_fds(control, 1, MAX_CONNECTIONS)
            if not word:
                return
            for each in connections:
                if os.fork() == 0:
                    _answer(each, parent=me)
                os.close(each)


def _answer(connection: int, *, parent: int) -> None:
    """One picture; never returns."""
    try:
        end_with_parent(parent)
        limit()
        with socket.socket(fileno=connection) as caller:
            request = receive(caller)
            if request is not None:
                head, content = request
                _decode(caller, bytes(content), max_side=int(str(head["max_side"])))
    finally:
        os._exit(0)


def _decode(caller: socket.socket, data: bytes, *, max_side: int) -> None:
    try:
        examined = examine(data, max_side=max_side)
        width, height = examined.size
        limit(pixels=width * height)
        picture = read_pixels(examined)
    except SuperResolutionError as exc:
        send(caller, message_from_error(exc), ())
    else:
        send(caller, *message_from_picture(picture))


if __name__ == "__main__":
    main()
