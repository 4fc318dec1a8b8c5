"""A function that does not measure its answer."""

from testbed.aws.runtime_api import MAX_ANSWER_BYTES


def handler(event: object, context: object) -> dict[str, str]:
    return {"body": "a" * MAX_ANSWER_BYTES}
