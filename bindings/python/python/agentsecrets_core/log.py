"""Keeps known values out of logs.

    logging.getLogger().handlers[0].addFilter(RedactSecrets(secrets))
"""
import logging
from typing import List

from ._load import Secrets

__all__ = ["RedactSecrets"]


class RedactSecrets(logging.Filter):
    """Replaces each value by [NAME]. Put it on handlers: filters of a logger do not see what its children log.

    Values shorter than `shortest` characters are left: they would redact ordinary words.
    """

    def __init__(self, secrets: Secrets, shortest: int = 6) -> None:
        super().__init__()
        self._secrets, self._shortest = secrets, shortest

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: nothing is dropped, values are replaced."""
        pairs = self._pairs()
        try:
            text = record.getMessage()
        except Exception:
            # What cannot be formatted is left to the handler, which reports it without its arguments.
            record.msg, record.args = "log message that cannot be formatted: %s", (type(record.msg).__name__,)
            return True
        record.msg, record.args = self._redact(text, pairs), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        for field in ("exc_text", "stack_info"):
            if shown := getattr(record, field):
                setattr(record, field, self._redact(shown, pairs))
        return True

    def _pairs(self) -> "List[List[str]]":
        found = []
        for name in self._secrets:
            value = self._secrets[name].reveal_bytes().decode("utf-8", "replace")
            if len(value) >= self._shortest:
                found.append([value, f"[{name}]"])
        # Longest first: a value may be a part of another.
        return sorted(found, key=lambda pair: -len(pair[0]))

    @staticmethod
    def _redact(text: str, pairs: "List[List[str]]") -> str:
        for value, instead in pairs:
            # Python shows text within quotes with its escapes.
            for shown in {value, repr(value)[1:-1]}:
                text = text.replace(shown, instead)
        return text
