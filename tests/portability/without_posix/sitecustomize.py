"""Python on Linux without what Windows lacks: put this folder on PYTHONPATH.

Modules and functions that Windows does not have are gone, and files are as strict as there: no
name that Windows refuses is made, and no file that this process has open is renamed or deleted.
psutil, which has an implementation for Windows, is loaded before.
What Linux's own event loop and subprocess module need stays.
"""

import os
import re
import signal
import socket
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path, PurePath

MODULES = {
    "crypt",
    "fcntl",
    "grp",
    "nis",
    "pty",
    "pwd",
    "resource",
    "spwd",
    "syslog",
    "termios",
    "tty",
}
FUNCTIONS = {
    os: """chown chroot ctermid fchown fork forkpty getegid geteuid getgid getgroups
        getloadavg getpgid getpgrp getpriority getsid getuid killpg lchown memfd_create mkfifo nice
        pread preadv pwrite pwritev sched_getaffinity sched_setaffinity sched_yield sendfile setegid
        seteuid setgid setpgid setpriority setregid setsid setuid statvfs sysconf wait wait3
        O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK""",
    signal: """ITIMER_PROF ITIMER_REAL SIGALRM SIGHUP SIGKILL SIGPROF SIGQUIT SIGUSR1 SIGUSR2
        alarm pause pthread_kill pthread_sigmask setitimer sigtimedwait sigwait""",
    socket: "recv_fds send_fds",
}
REFUSED = re.compile(
    r'[<>:"|?*\x00-\x1f]|[. ]$|^(CON|PRN|AUX|NUL|COM\d|LPT\d)(\.|$)', re.IGNORECASE
)


class Missing(MetaPathFinder):
    """A finder that reports some modules as missing."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raise ModuleNotFoundError for a module that Windows lacks."""
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def open_files() -> set[str]:
    """Return the paths that this process has open or mapped."""
    found = set()
    for each in Path("/proc/self/fd").iterdir():
        try:
            found.add(str(each.readlink()))
        except OSError:
            continue
    maps = Path("/proc/self/maps").read_bytes().decode(errors="surrogateescape")
    found.update(line.split(maxsplit=5)[5] for line in maps.splitlines() if "/" in line)
    return found


def check(event: str, arguments: tuple[object, ...]) -> None:
    """Raise PermissionError or OSError as Windows would."""
    if event == "os.remove":
        paths, made = [arguments[0]], None
    elif event == "os.rename":
        paths, made = [arguments[0], arguments[1]], arguments[1]
    elif event == "os.mkdir" or (
        event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wxa")
    ):
        paths, made = [], arguments[0]
    else:
        return
    if isinstance(made, (str, os.PathLike)):
        name = PurePath(made).name
        if REFUSED.search(name) and not str(made).startswith(("/dev/", "/proc/")):
            raise OSError(22, "Invalid argument, as on Windows", str(made))
    held = open_files() if paths else set()
    for path in paths:
        if isinstance(path, (str, os.PathLike)) and str(Path(path).resolve()) in held:
            raise PermissionError(13, "The file is open, as on Windows", str(path))


for package in ("psutil", "asyncio", "subprocess", "multiprocessing.util"):
    try:
        __import__(package)
    except ImportError:
        continue
for name in MODULES:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Missing())
for module, names in FUNCTIONS.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
sys.addaudithook(check)
