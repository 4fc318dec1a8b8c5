"""Proof of the images without a registry: `make image-check`, as root on Debian.

buildah builds every target on a root file system of Debian's packages. The server and the page are
started from their image's own configuration, as a user without rights, on a read-only root.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from containers.sbom import INSTALLED, LABEL, installed, listed, schema_error

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "sample_images" / "cat.jpg"
BASE = "localhost/debian-python"
DEBIAN = "bookworm"
TARGETS = ("server", "page", "lambda", "sagemaker")
MOST_MEGABYTES = {"server": 450}
GRACE_SECONDS = 30
START_SECONDS = 60
UNNEEDED = "path-exclude=/usr/share/{}/*"
MOUNT = """
mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" "$0" && mount -t proc proc "$0/proc" &&
mount --rbind /dev "$0/dev" && mount -t tmpfs tmpfs "$0/tmp" &&
exec chroot --userspec="$1" "$0" "${@:2}"
"""
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Storage:
    """The folder that buildah keeps everything in."""

    folder: Path

    def buildah(self, *arguments: str) -> str:
        """Run buildah and return what it prints."""
        places = ("--root", self.folder / "storage", "--runroot", self.folder / "run")
        command = ["buildah", *map(str, places), "--storage-driver", "vfs", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout

    def make_base(self) -> None:
        """Make the base image unless it is there."""
        if BASE in self.buildah("images", "--format", "{{.Name}}"):
            return
        archive = self.folder / "base.tar"
        excludes = [f"--dpkgopt={UNNEEDED.format(each)}" for each in ("doc", "man", "locale")]
        packages = "--include=ca-certificates,python3,python3-venv"
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", *excludes, packages, DEBIAN, archive],
            check=True,
        )
        with tempfile.TemporaryDirectory() as context:
            shutil.move(archive, Path(context, "base.tar"))
            Path(context, "Dockerfile").write_text("FROM scratch\nADD base.tar /\n", "utf-8")
            self.buildah("build", "--isolation", "chroot", "--tag", BASE, context)

    def build(self, target: str) -> None:
        """Build one target; a certificate of this machine's proxy goes along as a mount."""
        volume = f"{CERTIFICATES}:{CERTIFICATES}:ro"
        bases = [f"--build-arg={name}_IMAGE={BASE}" for name in ("PYTHON", "SAGEMAKER")]
        runtime = "--build-arg=RUNTIME=onnxruntime==1.32.0"  # no GPU here
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as pip:
            pip.write(f"[global]\ncert = {CERTIFICATES}\ntimeout = 180\n")
            pip.flush()
            os.chmod(pip.name, 0o644)  # noqa: PTH101
            self.buildah(
                *("build", "--isolation", "chroot", "--network", "host", "--format", "docker"),
                *("--pull-never", "--layers", "--volume", volume),
                *("--volume", f"{pip.name}:/etc/pip.conf:ro", *bases, runtime),
                *("--target", target, "--tag", name(target), "."),
            )

    @contextmanager
    def mounted(self, target: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Yield an image's root and its configuration."""
        container = self.buildah("from", "--pull-never", name(target)).strip()
        try:
            root = Path(self.buildah("mount", container).strip())
            about = json.loads(self.buildah("inspect", "--type", "image", name(target)))
            yield root, about["Docker"]["config"]
        finally:
            self.buildah("rm", container)


def name(target: str) -> str:
    """Return the name of the image of a target."""
    return f"localhost/super-resolution-{target}"


@contextmanager
def running(root: Path, config: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """Start the image's own command as its own user, on a read-only root with a /tmp."""
    command = [*config["Entrypoint"], *config["Cmd"]]
    command[command.index("0.0.0.0")] = "127.0.0.1"  # the network is this machine's
    process = subprocess.Popen(inside(root, config, command), text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def inside(root: Path, config: dict[str, Any], command: list[str]) -> list[str]:
    """Return the command that runs another in the image."""
    start = f'cd {config["WorkingDir"]} && exec "$@"'
    return [
        *("unshare", "--mount", "bash", "-c", MOUNT, str(root), config["User"] or "0:0"),
        *("env", "-i", *config["Env"], "sh", "-c", start, "sh", *command),
    ]


def seconds_until(port: int, path: str, process: subprocess.Popen[str]) -> float:
    """Return how long the server took to answer."""
    started = time.monotonic()
    while time.monotonic() - started < START_SECONDS and process.poll() is None:
        try:
            if ask(port, "GET", path)[0] == http.client.OK:
                return time.monotonic() - started
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"port {port} does not answer")


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Return the status and the body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request(
        method, path, body, {"Content-Type": "image/jpeg", "Accept": "image/*"} if body else {}
    )
    answer = connection.getresponse()
    return answer.status, answer.read()


def snapshot(root: Path) -> dict[str, tuple[int, float]]:
    """Return the size and the time of every file of an image."""
    found = {}
    for folder, _, files in os.walk(root):
        for each in files:
            about = os.lstat(Path(folder, each))
            found[str(Path(folder, each))] = (about.st_size, about.st_mtime)
    return found


def expected() -> bytes:
    """Return the result of this clone's engine."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "result.jpg")
        subprocess.run(
            [sys.executable, "-m", "backend", "upscale", SAMPLE, "-o", target],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return target.read_bytes()


def megabytes(root: Path) -> float:
    """Return what an image takes on the disk."""
    return (
        float(
            subprocess.run(["du", "-sk", root], check=True, capture_output=True).stdout.split()[0]
        )
        / 1024
    )


def check(storage: Storage, target: str) -> dict[str, object]:
    """Examine one image; SystemExit for what is not as promised."""
    storage.build(target)
    with storage.mounted(target) as (root, config):
        size = megabytes(root)
        facts: dict[str, object] = {"image": target, "megabytes": round(size)}
        require(size <= MOST_MEGABYTES.get(target, size), f"{target} is {size:.0f} MB large")
        facts["packages"] = check_sbom(root, config, target)
        if target == "sagemaker":
            return facts
        require(config["User"] == "10001:10001", f"{target} runs as '{config['User']}'")
        if target == "lambda":
            imports = ["python", "-c", "import awslambdaric, backend.aws.lambda_handler"]
            subprocess.run(inside(root, config, imports), check=True)
            return facts
        require("Healthcheck" in config, f"{target} has no health check")
        port, path = (8080, "/ping") if target == "server" else (8501, "/_stcore/health")
        before = snapshot(root)
        with running(root, config) as process:
            facts["seconds to the first answer"] = round(seconds_until(port, path, process), 1)
            health = config["Healthcheck"]["Test"][1:]
            subprocess.run(inside(root, config, health), check=True)
            if target == "server":
                status, result = ask(port, "POST", "/invocations", SAMPLE.read_bytes())
                require(status == http.client.OK, f"the server answered {status}")
                require(result == expected(), "the server's bytes are not the engine's")
            process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            process.wait(GRACE_SECONDS)
            facts["seconds to the end"] = round(time.monotonic() - started, 1)
        require(snapshot(root) == before, f"{target} wrote outside of /tmp")
    return facts


def check_sbom(root: Path, config: dict[str, Any], target: str) -> int:
    """Return the number of packages; SystemExit unless the image's list is valid and complete."""
    sbom = root / config["Labels"][LABEL].lstrip("/")
    problem = schema_error(sbom)
    require(not problem, f"the list of {target} is against the schema: {problem}")
    command = inside(root, config, ["python", "-c", INSTALLED])
    there = installed(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    difference = sorted(listed(sbom) ^ there)
    require(not difference, f"in the list or in {target}, not in both: {difference}")
    return len(there)


def require(is_so: bool, problem: str) -> None:
    """SystemExit with the problem unless all is well."""
    if not is_so:
        raise SystemExit(problem)


def main() -> None:
    """Check the targets that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", default=TARGETS)
    parser.add_argument("--storage", type=Path, default=Path("/var/tmp/super-resolution-images"))
    arguments = parser.parse_args()
    storage = Storage(arguments.storage)
    storage.folder.mkdir(parents=True, exist_ok=True)
    storage.make_base()
    for target in arguments.targets:
        sys.stdout.write(json.dumps(check(storage, target)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
