"""The decoding process: `python -m backend.images.sandbox.worker`, with a socket as its input.

It is one thread that has loaded the decoders and waits, with a copy of itself that waits for the
next picture. The copy sets its own limits, decodes, answers and ends; so one visitor's picture is
never in the memory of the process that reads another's, and what a decoder takes is given back.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import socket
import sys
from importlib import import_module

from PIL import Image

from backend.errors import SuperResolutionError
from backend.images.decode import examine, read, read_pixels
from backend.images.formats import JPEG, WRITABLE
from backend.images.sandbox.limits import end_with_parent, limit
from backend.images.sandbox.picture_wire import message_from_error, message_from_picture
from backend.images.sandbox.wire import receive, send

BUSY, OVER = b"b", b"o"
"""What a copy tells: it has a picture now, or there will be none any more."""
WARM_UP_SIDE = 16


def main() -> None:
    """Until the other side closes the socket, or ends, which closes it too."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the copies leave nothing behind
    _warm_up()
    gc.freeze()  # a collection would write to every page that the copies share
    gc.disable()
    me = os.getpid()
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as control:
        while True:
            told, teller = os.pipe()
            if os.fork() == 0:
                os.close(told)
                _wait_and_answer(control, teller, parent=me)
            os.close(teller)
            word = os.read(told, 1)  # nothing from a copy that was ended from outside
            os.close(told)
            if word == OVER:
                return


def _warm_up() -> None:
    """What is loaded at first use is loaded before the copies are made."""
    for each in WRITABLE:
        import_module(each.plugin)
    file = io.BytesIO()
    Image.new("RGB", (WARM_UP_SIDE, WARM_UP_SIDE)).save(file, JPEG.pillow_name)
    read(file.getvalue(), max_side=WARM_UP_SIDE)


def _wait_and_answer(control: socket.socket, teller: int, *, parent: int) -> None:
    """One picture; never returns."""
    try:
        end_with_parent(parent)
        word, connections, _, _ = socket.recv_fds(control, 1, 1)
        os.write(teller, BUSY if word else OVER)
        for each in connections:
            limit()
            with socket.socket(fileno=each) as caller:
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
