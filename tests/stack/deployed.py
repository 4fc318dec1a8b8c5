"""The Lambda stack as the project's own command deploys it, and calls of its API."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from botocore.credentials import Credentials as BotoCredentials
from requests_aws4auth import AWS4Auth

from cfn.archives import write_zip
from cfn.check import check_stack
from cfn.package import Package, engine_contents, model_contents
from cfn.stacks import Stacks
from cfn.upload import check_bucket, upload
from cfn.variants import FUNCTION_ARCHIVE, LAMBDA, MODEL_ARCHIVE, Variant
from tests.cfn.resolver import load_file
from tests.stack.account import REGION, Account, Credentials
from tests.stack.adapted import adapted
from tests.stack.reachable import Reachable

POLL_SECONDS = 0.1
CALL_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Artifacts:
    """A package in a bucket."""

    bucket: str
    package: Package
    template: Path
    """The template without what ministack refuses, beside the package's own."""
    variant: Variant = LAMBDA

    @property
    def template_key(self) -> str:
        return f"{self.prefix}/{self.template.name}"

    @property
    def prefix(self) -> str:
        """The package's folder in the bucket."""
        return self.package.prefix


def put_artifacts(
    account: Account, folder: Path, *, bucket: str, mount: Path, models: Path
) -> Artifacts:
    """Make and send the files as `python -m cfn package` does, but without wheels.

    Those are for AWS's Python 3.13; ministack runs functions with the Python of the tests, which
    has the same packages. The real zip is tested with the packaging.
    """
    folder.mkdir()
    digests = {
        FUNCTION_ARCHIVE: write_zip(folder / FUNCTION_ARCHIVE, engine_contents(models)),
        MODEL_ARCHIVE: write_zip(folder / MODEL_ARCHIVE, model_contents(models)),
    }
    package = Package(folder=folder, digests=digests, variants=(LAMBDA,))
    package.write_templates(bucket=bucket)
    s3 = account.client("s3")
    check_bucket(s3, bucket, region=REGION)
    upload(s3, package, bucket=bucket)
    template = folder / "adapted.json"
    whole = load_file(folder / LAMBDA.template)
    template.write_text(json.dumps(adapted(whole, mount=mount).template))
    artifacts = Artifacts(bucket=bucket, package=package, template=template)
    s3.upload_file(str(template), bucket, artifacts.template_key)
    return artifacts


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A deployed stack."""

    account: Account
    name: str
    outputs: Mapping[str, str]

    @property
    def api_id(self) -> str:
        return self.outputs["aikitsInvokeURL"].removeprefix("https://").partition(".")[0]

    @property
    def arn(self) -> str:
        """The ARN that callers must be allowed to invoke."""
        return self.outputs["aikitsInvokeURLArn"]

    @property
    def results(self) -> str:
        """The bucket's name."""
        return self.outputs["ResultsBucketName"]

    @property
    def api_key(self) -> str:
        """The API key's value, found as the output says."""
        gateway = self.account.client("apigateway")
        return str(gateway.get_api_key(apiKey=self.outputs["ApiKeyId"], includeValue=True)["value"])

    def physical_id(self, resource: str) -> str:
        """Return the id of a resource by its name in the template."""
        found = self.account.client("cloudformation").describe_stack_resource(
            StackName=self.name, LogicalResourceId=resource
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def role_arn(self, resource: str) -> str:
        found = self.account.client("iam").get_role(RoleName=self.physical_id(resource))
        return str(found["Role"]["Arn"])

    def configuration(self, resource: str) -> dict[str, Any]:
        """Return the configuration of a function."""
        name = self.physical_id(resource)
        found = self.account.client("lambda").get_function_configuration(FunctionName=name)
        return dict(found)

    def call(
        self,
        body: str,
        *,
        signer: Credentials | None = None,
        api_key: str | None = None,
        method: str = "POST",
        moment: datetime | None = None,
    ) -> requests.Response:
        """Call the invoke URL, with its host's name in a header since ministack is on 127.0.0.1.

        It is signed now, or for another `moment`.
        """
        path = urlsplit(self.outputs["aikitsInvokeURL"]).path
        headers = {
            "Content-Type": "application/json",
            "Host": f"{self.api_id}.execute-api.localhost:{self.account.https_port}",
        }
        if api_key is not None:
            headers["x-api-key"] = api_key
        if moment is not None:
            headers["x-amz-date"] = moment.strftime("%Y%m%dT%H%M%SZ")
        request = requests.Request(method, self.account.url + path, headers=headers, data=body)
        if signer is not None:
            request.auth = AWS4Auth(
                signer.key, signer.secret, REGION, "execute-api", session_token=signer.token
            )
        with requests.Session() as session:
            session.trust_env = False
            prepared = session.prepare_request(request)
            certificates = str(self.account.certificates)
            return session.send(prepared, verify=certificates, timeout=CALL_SECONDS)


def deploy(account: Account, name: str, artifacts: Artifacts, **parameters: str) -> Deployed:
    """Create or update the stack; DeploymentError when it fails."""
    return deploy_with(account, name, artifacts, parameters)


def deploy_with(
    account: Account,
    name: str,
    artifacts: Artifacts,
    parameters: Mapping[str, str],
    *,
    keep_failed: bool = False,
) -> Deployed:
    """Create or update the stack with these parameters."""
    template = str(artifacts.template)
    account.client("s3").upload_file(template, artifacts.bucket, artifacts.template_key)
    outputs = _stacks(account).deploy(
        name,
        template_url=f"{account.url}/{artifacts.bucket}/{artifacts.template_key}",
        parameters=parameters,
        keep_failed=keep_failed,
    )
    return Deployed(account=account, name=name, outputs=outputs)


@dataclass(frozen=True, kw_only=True)
class Session:
    """An account as the project's commands see it, with the credentials of a caller."""

    account: Account
    caller: Credentials
    region: str = REGION

    @property
    def session(self) -> Session:
        return self

    def get_credentials(self) -> BotoCredentials:
        return BotoCredentials(self.caller.key, self.caller.secret, self.caller.token)

    def pause(self, seconds: float) -> None:
        """Wait for as long as ministack takes."""
        time.sleep(POLL_SECONDS)

    def client(self, service: str) -> Any:
        return self if service == "cloudformation" else self.account.client(service)

    def describe_stacks(self, **request: str) -> Any:
        """Describe stacks with ministack's name of the API's host, which it wants to see signed."""
        found = self.account.client("cloudformation").describe_stacks(**request)
        host = f".execute-api.{REGION}.amazonaws.com"
        here = f".execute-api.localhost:{self.account.https_port}"
        for output in found["Stacks"][0].get("Outputs", []):
            output["OutputValue"] = output["OutputValue"].replace(host, here)
        return found


def check(stack: Deployed, caller: Credentials) -> list[str]:
    """Return what `python -m cfn check` tells; DeploymentError when something is wrong."""
    with requests.Session() as http, Reachable(stack.account) as adapter:
        http.trust_env = False
        http.mount("https://", adapter)
        session: Any = Session(account=stack.account, caller=caller)
        return list(check_stack(session, stack.name, http=http))


def delete(account: Account, name: str) -> None:
    """Delete the stack and wait until it is gone."""
    _stacks(account).delete(name)


def body_from(image: bytes, **fields: object) -> str:
    """Return the body of a request."""
    return json.dumps({"img": base64.b64encode(image).decode(), **fields})


def _stacks(account: Account) -> Stacks:
    owner: Any = account
    return Stacks(owner)
