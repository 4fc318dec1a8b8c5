"""Batches of a Step Functions distributed map: `backend.aws.bulk_handler.handler`.

`BULK_SOURCE` and `BULK_TARGET` are `s3://bucket/prefix/`. A batch is
`{"BatchInput": {"job": {...}, "keys": "url-encoded"}, "Items": [{"key": ...}, ...]}`: `job` has a
request's options, and `key` is an object's whole key, encoded as S3 Inventory does it in CSV files
where `keys` says so.
"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from urllib.parse import unquote_plus

from backend.aws.lambda_limits import LambdaContext, cores
from backend.bulk.s3_store import S3Store
from backend.bulk.store import Item, Stores
from backend.bulk.work import DONE, FAILED, FAULT, SKIPPED, Job, Result, make_job, work, work_all
from backend.engine import Watch
from backend.errors import RequestError
from backend.factory import create_engine
from backend.inference.local_engine import LocalEngine
from backend.requests.parsing import parse_options
from backend.settings import Settings

log = logging.getLogger("backend.bulk")

IN_HAND = 3
"""Pictures in the engine: one is in the network while its neighbours are decoded and encoded."""
TRANSFERS = 4
"""Pictures that are read and written at the same time."""
SECONDS_TO_ANSWER = 5.0
"""Time kept back; work that is not done by then is left to the next call."""
URL_ENCODED = "url-encoded"
MOST_TOLD = 100
"""Failures in an answer, which may have 256 KB; each has a file in `_failed` too."""


class BatchError(Exception):
    """Some pictures of a batch were not finished, through no fault of theirs: call again."""


@cache
def stores() -> Stores:
    """Make the stores once a process; RequestError ends its start if one lies in the other."""
    return Stores(
        source=S3Store.from_address(os.environ["BULK_SOURCE"]),
        target=S3Store.from_address(os.environ["BULK_TARGET"]),
    )


@cache
def engine() -> LocalEngine:
    settings = Settings.from_deployment()
    logging.getLogger("backend").setLevel(settings.log_level)
    settings = replace(settings, max_running=IN_HAND, max_queued=IN_HAND + TRANSFERS)
    return create_engine(settings, cores=cores(), max_networks=1)


def handler(event: object, context: LambdaContext) -> dict[str, object]:
    """Work through a batch and return its counts and failures.

    Raise BatchError if the call should be tried again, and RequestError for an event that no trial
    can make right.
    """
    items = _items(event)

    def is_cancelled() -> bool:
        return context.get_remaining_time_in_millis() / 1000 < SECONDS_TO_ANSWER

    def work_one(item: Item) -> Result:
        return work(item, items[item], stores(), watch=Watch(is_cancelled=is_cancelled))

    results = list(work_all(items, work_one, at_once=IN_HAND + TRANSFERS))
    _check(results, wanted=len(items))
    outcomes = Counter(result.outcome for result in results)
    counts = {outcome: outcomes[outcome] for outcome in (DONE, SKIPPED, FAILED)}
    log.info("%s", json.dumps(counts))
    failures = [result for result in results if result.outcome == FAILED]
    return {
        **counts,
        "failures": [
            {"key": each.key, "error": each.error, "message": each.message}
            for each in failures[:MOST_TOLD]
        ],
    }


def _check(results: list[Result], *, wanted: int) -> None:
    """Raise BatchError if a picture failed through our fault or was not finished."""
    faults = [result for result in results if result.outcome == FAULT]
    if faults:
        first = faults[0]
        raise BatchError(
            f"{len(faults)} of {wanted} pictures had a fault that is not theirs; the first, "
            f"{first.key}: {first.message} ({first.error})"
        )
    if len(results) < wanted:
        raise BatchError(
            f"The time was over after {len(results)} of {wanted} pictures. The next trial goes on; "
            "a smaller batchSize needs none."
        )


def _items(event: object) -> dict[Item, Job]:
    """Return the pictures of a batch; RequestError for an event that is none."""
    fields = event if isinstance(event, Mapping) else {}
    given, shared = fields.get("Items"), fields.get("BatchInput", {})
    if not isinstance(given, list) or not isinstance(shared, Mapping):
        raise RequestError('A batch is {"BatchInput": {"job": {…}}, "Items": [{"key": …}, …]}.')
    job, keys = shared.get("job", {}), shared.get("keys")
    if not isinstance(job, Mapping):
        raise RequestError("A batch's 'job' is a JSON object.")
    if keys not in (None, URL_ENCODED):
        raise RequestError(f"A batch's 'keys' is '{URL_ENCODED}', or it is left out.")
    source, items = stores().source, {}
    assert isinstance(source, S3Store)
    for each in given:
        if not isinstance(each, Mapping) or not isinstance(each.get("key"), str):
            raise RequestError("An item of a batch has a 'key'.")
        key = unquote_plus(each["key"]) if keys == URL_ENCODED else each["key"]
        if not key.endswith("/"):  # an empty object that a console shows as a folder
            items[Item(source.key_below(key))] = _job(json.dumps(job, sort_keys=True))
    return items


@cache
def _job(options: str) -> Job:
    """Make the job once for all pictures with the same JSON; RequestError for a wrong one."""
    made = engine()
    return make_job(made, made.registry, parse_options(json.loads(options)), made.settings)


if "AWS_LAMBDA_RUNTIME_API" in os.environ:
    stores()  # while Lambda starts the process; wrong addresses show at once
    engine()
