"""An AWS account that ministack plays: every signature, policy and API key is checked."""

from __future__ import annotations

import io
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
import trustme
from botocore.config import Config

from testbed.processes import free_ports

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".tools" / "ministack" / "bin" / "python"
REGION = "eu-west-1"
HOST = "127.0.0.1"
SECONDS_TO_START = 300
PROBE = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    try:
        getattr(boto3.client(event["service"]), event["operation"])(**event["parameters"])
    except ClientError as exc:
        return exc.response["Error"]["Code"]
    return "done"
"""
"""A function that does one thing with its role's permissions."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Credentials of an IAM user, or of a role for some time."""

    key: str
    secret: str
    token: str | None = None


class Account:
    """`with Account(folder) as account:` has a port with TLS on 127.0.0.1, and one without."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._owner = Credentials(key=f"OWNER{secrets.token_hex(8)}", secret=secrets.token_hex(20))
        self._session = boto3.session.Session(region_name=REGION)
        self._clients: dict[str, Any] = {}
        self._probes: set[str] = set()
        self._switches = folder / "strict.json"
        self.certificates = folder / "ca.pem"
        """The certificate of the server's authority."""

    def __enter__(self) -> Self:
        certificate, key = self._make_certificate()
        self.https_port, self.http_port = free_ports(2)
        self._log = (self._folder / "ministack.log").open("wb")
        self._process = subprocess.Popen(
            [
                *(str(PYTHON), "-P", str(Path(__file__).with_name("serve.py"))),
                *(sys.executable, str(self.https_port), str(self.http_port)),
                *(str(certificate), str(key)),
            ],
            cwd=self._folder,
            env=self._environment(certificate, key),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for client in self._clients.values():
            client.close()
        self._stop()

    @property
    def pid(self) -> int:
        """The server's process id; the functions are its children."""
        return self._process.pid

    @property
    def url(self) -> str:
        """The address at which every service answers."""
        return f"https://{HOST}:{self.https_port}"

    @property
    def url_without_tls(self) -> str:
        """The same address without TLS."""
        return f"http://{HOST}:{self.http_port}"

    def be_strict(self, **switches: Any) -> None:
        """Switch rules of `strict.py`: all that are not named are off."""
        made = self._switches.with_suffix(".new")
        made.write_text(json.dumps(switches))
        made.replace(self._switches)

    def client(self, service: str) -> Any:
        """Return boto3's client of the account's owner, made once."""
        if service not in self._clients:
            self._clients[service] = self.client_for(self._owner, service, url=self.url)
        return self._clients[service]

    def pause(self, seconds: float) -> None:
        """Wait a third of it: ministack closes a connection that is idle for five seconds."""
        time.sleep(seconds / 3)

    def client_for(self, credentials: Credentials, service: str, *, url: str) -> Any:
        """Return boto3's client of somebody else, which the caller closes."""
        return self._session.client(
            service,
            endpoint_url=url,
            verify=str(self.certificates),
            aws_access_key_id=credentials.key,
            aws_secret_access_key=credentials.secret,
            aws_session_token=credentials.token,
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    def make_bucket(self, name: str) -> None:
        """Make a bucket in the account's region."""
        where = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)

    def make_user(self, action: str | None = None, resource: str = "*") -> Credentials:
        """Make a user who may do that and nothing else."""
        iam = self.client("iam")
        name = f"user-{secrets.token_hex(4)}"
        iam.create_user(UserName=name)
        if action is not None:
            policy = json.dumps(_policy(action, resource))
            iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=policy)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key=made["AccessKeyId"], secret=made["SecretAccessKey"])

    def make_user_with(self, *policies: dict[str, Any]) -> Credentials:
        """Make a user who has these policies and nothing else."""
        iam, name = self.client("iam"), f"user-{secrets.token_hex(4)}"
        iam.create_user(UserName=name)
        for number, policy in enumerate(policies):
            made = iam.create_policy(
                PolicyName=f"{name}-{number}", PolicyDocument=json.dumps(policy)
            )["Policy"]["Arn"]
            iam.attach_user_policy(UserName=name, PolicyArn=made)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Credentials(key=key["AccessKeyId"], secret=key["SecretAccessKey"])

    def make_session(self, action: str, resource: str) -> Credentials:
        """Take, for some time, a role that may do that and nothing else."""
        name = f"role-{secrets.token_hex(4)}"
        owner = {"AWS": self.client("sts").get_caller_identity()["Account"]}
        trust = {"Effect": "Allow", "Principal": owner, "Action": "sts:AssumeRole"}
        iam = self.client("iam")
        arn = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        policy = json.dumps(_policy(action, resource))
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=policy)
        made = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="caller")["Credentials"]
        return Credentials(
            key=made["AccessKeyId"], secret=made["SecretAccessKey"], token=made["SessionToken"]
        )

    def act_as(self, role: str, service: str, operation: str, **parameters: str) -> str:
        """Do it in a function with this role (its ARN), and return `done` or an error's code."""
        name = f"probe-{role.rpartition('-')[2]}"
        functions = self.client("lambda")
        if name not in self._probes:
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr("probe.py", PROBE)
            functions.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=role,
                Handler="probe.handler",
                Code={"ZipFile": buffer.getvalue()},
                Timeout=30,
            )
            self._probes.add(name)
        event = {"service": service, "operation": operation, "parameters": parameters}
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
        return str(json.loads(answer["Payload"].read()))

    def _environment(self, certificate: Path, key: Path) -> dict[str, str]:
        """Return an environment for ministack, which passes its own to the functions.

        Step Functions waits a fiftieth of the usual time before it tries again.
        """
        temporary = self._folder / "tmp"
        temporary.mkdir()
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "TMPDIR": str(temporary),
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.https_port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            "AUTH": "true",
            "STRICT_FILE": str(self._switches),
            "SFN_WAIT_SCALE": "0.02",
            "USE_SSL": "1",
            "MINISTACK_SSL_CERT": str(certificate),
            "MINISTACK_SSL_KEY": str(key),
            "MINISTACK_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self._owner.key,
            "AWS_SECRET_ACCESS_KEY": self._owner.secret,
            "AWS_CA_BUNDLE": str(self.certificates),
            "SSL_CERT_FILE": str(self.certificates),
        }

    def _make_certificate(self) -> tuple[Path, Path]:
        authority = trustme.CA()
        made = authority.issue_cert("localhost", HOST)
        authority.cert_pem.write_to_path(str(self.certificates))
        certificate, key = self._folder / "server.pem", self._folder / "server.key"
        certificate.write_bytes(b"".join(blob.bytes() for blob in made.cert_chain_pems))
        made.private_key_pem.write_to_path(str(key))
        return certificate, key

    def _wait_until_it_listens(self) -> None:
        end = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                for port in (self.https_port, self.http_port):
                    socket.create_connection((HOST, port), timeout=1).close()
                return
            except OSError:
                is_over = time.monotonic() > end or self._process.poll() is not None
                log = (self._folder / "ministack.log").read_text() if is_over else ""
                assert not is_over, f"ministack did not start:\n{log}"
                time.sleep(0.05)

    def _stop(self) -> None:
        """End the server's process group."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()


def _policy(action: str, resource: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}
