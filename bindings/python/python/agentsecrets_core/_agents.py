"""Secrets that may be used and not read: what agents and their tools get."""
from collections.abc import Mapping

from . import _native
from ._load import Secrets, seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Literal, NoReturn, Optional, Tuple, Union

    from ._load import _Age
    from ._native import Child, Redaction, Secret


class Answer:
    """What a request brought back, without the secret in any form.

    status: the status; headers: by name in lower case, without cookies; body: bytes, decoded
    redactions: how often the secret was taken out
    """

    __slots__ = ("body", "headers", "redactions", "status")

    def __init__(self, status: int, headers: "Dict[str, str]", body: bytes, redactions: int) -> None:
        self.status, self.headers, self.body, self.redactions = status, headers, body, redactions

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as UTF-8; what is none is replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> "Any":
        """The body as JSON."""
        from json import loads

        return loads(self.body)

    def __repr__(self) -> str:
        return f"<Answer {self.status}: {len(self.body)} bytes, {self.redactions} redactions>"


class Handle:
    """A secret that may be used and not read, where its policy says so. In the program's own process it stops accidents,
    not code that looks into memory: for that, the value belongs into another process (`agentsecrets broker`)."""

    __slots__ = ("_lease",)
    _lease: "_native.Handle"

    @classmethod
    def _of(cls, native: "_native.Handle") -> "Handle":
        self = cls.__new__(cls)
        self._lease = native
        return self

    def __init__(self) -> None:
        raise TypeError("handles come from secrets.handle(name)")

    def _about(self) -> "Dict[str, Any]":
        from json import loads

        about: "Dict[str, Any]" = loads(self._lease.about())
        return about

    @property
    def name(self) -> str:
        """Name of the secret."""
        return self._lease.name

    @property
    def uses_left(self) -> "Optional[int]":
        """Uses that are left; None for any number."""
        left: "Optional[int]" = self._about()["uses_left"]
        return left

    @property
    def until(self) -> "Optional[float]":
        """When it ends, in seconds since 1970; None for never."""
        until: "Optional[int]" = self._about()["until"]
        return None if until is None else until / 1000

    @property
    def policy(self) -> "Optional[Dict[str, Any]]":
        """Its policy, as Client.set_secret_policy takes it."""
        policy: "Optional[Dict[str, Any]]" = self._about()["policy"]
        return policy

    def reveal(self) -> "NoReturn":
        """Raises ReadForbidden."""
        self._lease.reveal()
        raise AssertionError("a handle was read")

    def request(self, method: str, url: str, *, headers: "Optional[Mapping[str, str]]" = None,
                body: "Union[str, bytes, bytearray]" = b"", json: object = None, place: str = "",
                timeout: "Optional[_Age]" = None) -> Answer:
        """Sends a request with the secret in it and waits for the whole answer. Whatever the status, it is an answer.

        body: bytes or text; json: a value to be sent as JSON instead
        place: where the secret stands ("bearer", "basic:USER", "header:X-Api-Key", "query:key", "json:/key", "form:key");
            needed where the policy allows several
        timeout: for the whole answer; two minutes unless given
        """
        given = list((headers or {}).items())
        if json is not None:
            from json import dumps

            body = dumps(json)
            if not any(name.lower() == "content-type" for name, _ in given):
                given.append(("content-type", "application/json"))
        data = _encoded(body) if isinstance(body, str) else body
        status, found, body, redactions = self._lease.request(method, url, given, data, place, seconds(timeout))
        return Answer(status, _joined(found), body, redactions)

    async def arequest(self, method: str, url: str, *, headers: "Optional[Mapping[str, str]]" = None,
                       body: "Union[str, bytes, bytearray]" = b"", json: object = None, place: str = "",
                       timeout: "Optional[_Age]" = None) -> Answer:
        """As request(), in a thread of the event loop's pool."""
        from asyncio import to_thread

        return await to_thread(self.request, method, url, headers=headers, body=body, json=json, place=place,
                               timeout=timeout)

    def attenuate(self, *, methods: "Optional[Iterable[str]]" = None, paths: "Optional[Iterable[str]]" = None,
                  ttl: "Optional[_Age]" = None, uses: "Optional[int]" = None) -> "Handle":
        """A handle that allows less; its uses count against this one too. LeaseWider where it would allow more."""
        if isinstance(methods, str) or isinstance(paths, str):
            raise TypeError("methods and paths are lists, not one str")
        if uses is not None and (isinstance(uses, bool) or uses < 1):
            raise ValueError("uses is a number from 1 on")
        words = [None if one is None else " ".join(one) for one in (methods, paths)]
        return Handle._of(self._lease.attenuate(words[0], words[1], seconds(ttl), uses))

    def sign(self, message: "Union[str, bytes, bytearray]", encoding: "Literal['hex', 'base64']" = "hex") -> str:
        """HMAC-SHA256 of a message, as webhooks are signed."""
        mac = self._lease.sign(_encoded(message) if isinstance(message, str) else message)
        if encoding == "base64":
            from base64 import b64encode

            return b64encode(mac).decode()
        if encoding != "hex":
            raise ValueError("encoding is hex or base64")
        return mac.hex()

    def __repr__(self) -> str:
        return f"<Handle {self.name}: may be used, redacted>"

    def __reduce__(self) -> str:
        raise TypeError("a Handle cannot be pickled or copied")


def _encoded(text: str) -> bytes:
    """In UTF-8; Python's own error would carry the text."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass
    raise ValueError("the text has half of a surrogate pair in it")


def _joined(headers: "List[Tuple[str, str]]") -> "Dict[str, str]":
    """Headers of one name are one list."""
    joined: "Dict[str, str]" = {}
    for name, value in headers:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


class Redactor:
    """Takes values out of texts in every form in which programs echo them: logs, a model's context, answers.

        Redactor(secrets).redact(text)              every value of an environment, of five bytes and more
        Redactor({"API_KEY": key}).redact(text)     these values
    """

    __slots__ = ("_native",)

    def __init__(self, values: "Union[Secrets, Mapping[str, Union[str, bytes, bytearray, Secret]]]") -> None:
        if isinstance(values, Secrets):
            self._native = values._held.redactor()
        elif not isinstance(values, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"values are Secrets or a mapping, not {type(values).__name__}")
        else:
            self._native = _native.Redactor(list(values.items()))

    def redact(self, text: str) -> str:
        """A text with `[redacted NAME]` in the place of every value."""
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a text is str, not {type(text).__name__}: for bytes there is redact_bytes()")
        return self._native.redact(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")

    def redact_bytes(self, text: "Union[bytes, bytearray]") -> bytes:
        """As redact(), for bytes."""
        return self._native.redact(text)

    def stream(self) -> "Redaction":
        """For a text that comes in pieces: push(piece), and finish() at the end."""
        return self._native.stream()


def spawn(command: "Iterable[str]", *, only: "Iterable[str]", secrets: "Optional[Secrets]" = None) -> "Child":
    """Starts a command with chosen names in its environment, which it can read; its streams are this process's own."""
    if isinstance(command, str) or isinstance(only, str):
        raise TypeError("command and only are lists, not one str")
    if secrets is None:
        from ._load import load

        secrets = load()
    return _native.spawn(secrets._held, list(command), list(only))
