"""Keeps known values out of logs.

    for handler in logging.getLogger().handlers:
        handler.addFilter(RedactSecrets(secrets))
"""
import logging

from ._load import Secrets

__all__ = ["RedactSecrets"]

_PLAIN = logging.Formatter()


class RedactSecrets(logging.Filter):
    """Replaces each value, also with the escapes of repr and JSON, by [NAME], in messages, tracebacks and stacks.

    Put it on handlers: filters of a logger do not see what its children log. Values shorter than `shortest` bytes are left:
    they would redact ordinary words. It looks for values that Secrets hold now, after a rotation for the new ones.
    """

    def __init__(self, secrets: Secrets, shortest: int = 6) -> None:
        super().__init__()
        self._secrets, self._shortest = secrets, shortest

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: nothing is dropped, values are replaced."""
        try:
            text = record.getMessage()
        except Exception:
            # A handler would report it with its arguments, on stderr.
            text = f"a log message that cannot be formatted ({type(record.msg).__name__})"
        record.msg, record.args = self._redacted(text), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = _PLAIN.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self._redacted(record.exc_text)
        if record.stack_info:
            record.stack_info = self._redacted(record.stack_info)
        return True

    def _redacted(self, text: str) -> str:
        return self._secrets._held.redact(text.encode("utf-8", "replace").decode(), self._shortest)
