"""`Custom::ModelFiles`: copies the networks from S3 to the mounted file system.

The handler is `backend.custom_resources.model_files.handler`. Properties: `Bucket`, `Key`,
`Sha256` (of the archive) and `Directory` (the mount). Attribute: `Directory`, the folder with the
manifest, named by the sha256, for `SR_MODELS_DIR`. An update writes the new folder beside the one
in use and removes older ones, so a rollback finds what it had. A deletion removes every version;
what it cannot remove goes with the file system, so it never fails and never blocks a stack.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from backend.aws.lambda_limits import LambdaContext
from backend.custom_resources.custom_resource import Event, cause, respond
from backend.custom_resources.model_archive import ModelArchive, remove_others
from backend.deadline import Deadline, DeadlineExceededError

log = logging.getLogger("backend.aws")

PAUSES = (1, 2, 4, 8, 15, 20, 20, 20, 20)
"""Seconds between attempts: a mount may fail for 90 s after its creation, a role for less."""
HOPELESS = ("NoSuchKey", "NoSuchBucket")


def handler(event: Event, context: LambdaContext) -> None:
    """Take CloudFormation's event; see `custom_resource.respond`."""
    respond(event, context, work, is_deletion_forgiven=True)


def work(
    event: Event, deadline: Deadline, *, pause: Callable[[float], None] = time.sleep
) -> dict[str, str]:
    """Return the resource's attributes; raise ModelError, OSError or botocore's errors."""
    archive = ModelArchive.from_properties(event["ResourceProperties"])
    if event["RequestType"] == "Delete":
        remove_others(archive.parent, keep=())
        return {}
    _install(archive, deadline, pause)
    if event["RequestType"] == "Update":
        before = ModelArchive.from_properties(event["OldResourceProperties"])
        remove_others(archive.parent, keep=(archive.folder, before.folder))
    return {"Directory": str(archive.folder)}


def _install(archive: ModelArchive, deadline: Deadline, pause: Callable[[float], None]) -> None:
    s3 = boto3.session.Session().client("s3")
    for seconds in PAUSES:
        try:
            return archive.install(s3, check_time=deadline.check)
        except DeadlineExceededError:
            raise
        except (OSError, BotoCoreError, ClientError) as exc:
            if cause(exc) in HOPELESS:
                raise
            log.warning("trying again in %s s after %s", seconds, cause(exc))
            deadline.check()
            pause(seconds)
    return archive.install(s3, check_time=deadline.check)
