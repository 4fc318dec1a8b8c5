"""AWS Signature Version 4 verified with botocore's own signer."""

from __future__ import annotations

import hashlib
import re
import time
from calendar import timegm
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from testbed.loopback import Received

ACCESS_KEY = "AKIDEXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
REGION = "eu-west-1"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}
CREDENTIALS = Credentials(ACCESS_KEY, SECRET_KEY)
MINUTES_OF_SKEW = 15

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/"
    r"(?P<service>[^/]+)/aws4_request, SignedHeaders=(?P<headers>[^,]+), "
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


def is_signed(request: Received, *, service: str) -> bool:
    """Return whether the one user signed host, date and body for this region and service."""
    match = _AUTHORIZATION.fullmatch(request.headers.get("Authorization", ""))
    if match is None or (match["key"], match["region"]) != (ACCESS_KEY, REGION):
        return False
    names = match["headers"].split(";")
    moment = request.headers.get("X-Amz-Date", "")
    if match["service"] != service or not {"host", "x-amz-date"} <= set(names):
        return False
    if not moment.startswith(match["day"]) or not _is_now(moment):
        return False
    digest = request.headers.get("X-Amz-Content-SHA256")
    if digest is not None and digest != hashlib.sha256(request.body).hexdigest():
        return False
    auth_type = S3SigV4Auth if service == "s3" else SigV4Auth
    auth = auth_type(CREDENTIALS, service, REGION)
    signed = {name: request.headers[name] for name in names if name in request.headers}
    return _signature(auth, request, headers=signed, moment=moment) == match["signature"]


def is_presigned(request: Received) -> bool:
    """Return whether a link to an S3 object was signed by the one user and is still valid."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()}
    try:
        signature = query["X-Amz-Signature"]
        moment, seconds = query["X-Amz-Date"], int(query["X-Amz-Expires"])
    except KeyError:
        return False
    if time.time() > _seconds(moment) + seconds:
        return False
    target = request.target.replace(f"&X-Amz-Signature={signature}", "")
    unsigned = Received(method=request.method, target=target, headers=request.headers, body=b"")
    auth = S3SigV4QueryAuth(CREDENTIALS, "s3", REGION)
    headers = {"host": request.headers["Host"]}
    return _signature(auth, unsigned, headers=headers, moment=moment) == signature


def _signature(auth: Any, request: Received, *, headers: dict[str, str], moment: str) -> str:
    again = AWSRequest(
        method=request.method,
        url=f"http://{request.headers['Host']}{request.target}",
        headers=headers,
        data=request.body,
    )
    again.context["timestamp"] = moment
    canonical = auth.canonical_request(again)
    return str(auth.signature(auth.string_to_sign(again, canonical), again))


def _seconds(moment: str) -> int:
    return timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ"))


def _is_now(moment: str) -> bool:
    return abs(time.time() - _seconds(moment)) < MINUTES_OF_SKEW * 60
