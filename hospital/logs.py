"""What the log says."""

from __future__ import annotations

import logging

from hospital.outage import is_outage


class OutagesInOneLine(logging.Filter):
    """Hundreds of requests meet the same outage, and no traceback tells more about it than its first line."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if is_outage(error):
            [reason, *_] = str(error).splitlines() or [""]
            record.msg, record.args = "%s: %s: %s", (record.getMessage(), type(error).__name__, reason)
            record.exc_info = record.exc_text = None
        return True
