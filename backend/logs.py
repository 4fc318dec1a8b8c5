"""Logging: one line per event, for people or programs."""

from __future__ import annotations

import errno
import json
import logging
import re
import sys
import time

from backend.settings import Settings

OWN = (__name__.partition(".")[0], "webapp")
AWS_CODE = re.compile("[A-Za-z0-9.]{1,64}")
LONGEST_CHAIN = 6
"""The most causes of an exception that the log names."""
TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def write_logs(settings: Settings) -> None:
    """Log to standard error at the settings' level and in their format.

    Other libraries log at INFO at most: some write signatures, tokens and whole addresses at DEBUG.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter() if settings.log_format == "json" else logging.Formatter(TEXT)
    )
    level = logging.getLevelNamesMapping()[settings.log_level]
    logging.basicConfig(level=max(level, logging.INFO), handlers=[handler])
    for name in OWN:
        logging.getLogger(name).setLevel(level)


def cause_in_words(error: BaseException) -> str:
    """Return the classes and codes of an exception and of its causes, without their texts.

    A library's text may quote an address with its signature, the key of an object in S3, or a path.
    """
    names: list[str] = []
    found: BaseException | None = error
    while found is not None and len(names) < LONGEST_CHAIN:
        code = _code(found)
        names.append(type(found).__name__ + (f" ({code})" if code else ""))
        found = found.__cause__ or found.__context__
    return " from ".join(names)


def _code(error: BaseException) -> str | None:
    """Return the name of a system's error, or the code of an answer of AWS."""
    if isinstance(error, OSError):
        return errno.errorcode.get(error.errno or 0)
    answer = getattr(error, "response", None)
    code = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
    return code if isinstance(code, str) and AWS_CODE.fullmatch(code) else None


class JsonFormatter(logging.Formatter):
    """One JSON object a line; the facts of a request are fields of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as JSON; a message that is itself a JSON object is merged into it."""
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
        }
        message = record.getMessage()
        try:
            facts = json.loads(message) if message.startswith("{") else None
        except ValueError:
            facts = None
        line |= facts if isinstance(facts, dict) else {"message": message}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
