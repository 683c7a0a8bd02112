"""One exception class for each situation that callers tell apart; the stable word is `.code`."""
from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple, Type

    from ._native import _Code

__all__ = [
    "AgentSecretsError", "Closed", "Conflict", "Forbidden", "HistoryError", "InvalidArgument", "InvitationError",
    "KeychainError", "LeaseOver", "LeaseWider", "MissingSecrets", "NoIdentity", "NoWorkspace", "NotAdmitted", "OpenFailed", "ReadForbidden", "RelayError",
    "RelayUnreachable", "UnknownEnvironment", "UnknownMember", "UnknownSecret", "UpstreamError", "UseForbidden", "VaultError", "VaultForked",
]


class AgentSecretsError(Exception):
    """Every error of this package. None holds a value of a secret.

    code: the stable word, such as "relay_unreachable", by which documentation and logs know it
    hint: the command that helps in most cases
    retryable: whether the same call may succeed later; retry_after: in how many seconds, where that is known
    """

    code: "_Code"
    hint: str
    retryable: bool
    retry_after: "Optional[float]"
    _usual: "_Code" = "internal"

    def __init__(self, message: str = "", *, code: "Optional[_Code]" = None, hint: "Optional[str]" = None,
                 retryable: "Optional[bool]" = None, retry_after: "Optional[float]" = None) -> None:
        """A host's own vault or transport raises one to say what failed; what is left out is the code's."""
        super().__init__(message)
        self.code, self.retry_after = code or self._usual, retry_after
        if hint is None or retryable is None:
            _, usual_hint, usually = _native.describe(self.code)
            hint, retryable = usual_hint if hint is None else hint, usually if retryable is None else retryable
        self.hint, self.retryable = hint, retryable

    @property
    def message(self) -> str:
        """The cause, without code and hint."""
        return str(self.args[0])

    @property
    def number(self) -> int:
        """The code as a number, the same in every language."""
        return _native.ERROR_CODES[self.code]

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" (try: {self.hint})" if self.hint else "")

    def __reduce__(self) -> "Tuple[object, Tuple[object, ...]]":
        return make, (self.code, self.message, self.hint, self.retryable, self.retry_after)


class InvalidArgument(AgentSecretsError, ValueError):
    """An argument has a form that the call does not take; the argument is not repeated."""

    _usual = "invalid_argument"


class Closed(AgentSecretsError):
    """The client, operation or secret was closed before."""

    _usual = "closed"


class NoIdentity(AgentSecretsError):
    """The vault holds no identity yet."""

    _usual = "no_identity"


class NoWorkspace(AgentSecretsError):
    """No workspace here, and none was named."""

    _usual = "no_workspace"


class InvitationError(AgentSecretsError):
    """The invitation is damaged, used, withdrawn or expired."""

    _usual = "malformed_invitation"


class HistoryError(AgentSecretsError):
    """The relay serves a history that cannot be true: a rollback, a fork, a refused entry, something withheld."""

    _usual = "rollback"


class OpenFailed(AgentSecretsError):
    """A sealed box cannot be opened, or its inside is not what was signed."""

    _usual = "open_failed"


class VaultError(AgentSecretsError):
    """The vault cannot be read or written."""

    _usual: "_Code" = "vault_io"


class VaultForked(VaultError):
    """It was opened before fork(): the child opens its own."""

    _usual = "vault_forked"


class KeychainError(VaultError):
    """The OS keychain is missing, locked or does not answer."""

    _usual = "keychain_failed"


class RelayError(AgentSecretsError):
    """The relay cannot be used for now, or refuses."""

    _usual: "_Code" = "relay_error"


class RelayUnreachable(RelayError):
    """No connection, or no answer in time."""

    _usual = "relay_unreachable"


class NotAdmitted(AgentSecretsError):
    """This device is not (yet) a member."""

    _usual = "not_admitted"


class Forbidden(AgentSecretsError):
    """This member's role or scope does not allow it."""

    _usual = "forbidden"


class UnknownMember(AgentSecretsError):
    """No member, or more than one, has this label, fingerprint or id."""

    _usual = "unknown_member"


class UnknownEnvironment(AgentSecretsError):
    """The workspace has no environment of this label."""

    _usual = "unknown_environment"


class UnknownSecret(AgentSecretsError, KeyError):
    """The environment has no secret of this name."""

    _usual = "unknown_secret"


class MissingSecrets(AgentSecretsError):
    """Required secrets are missing: `.names` has all of them, the message where they were looked for."""

    _usual = "missing_secrets"

    @property
    def names(self) -> "List[str]":
        """Every required name that is not there."""
        return self.message.partition(": ")[2].rpartition("; looked in")[0].split(", ")


class Conflict(AgentSecretsError):
    """The secret was changed here and by somebody else."""

    _usual = "conflict"


class ReadForbidden(AgentSecretsError):
    """The secret may be used and not read."""

    _usual = "read_forbidden"


class UseForbidden(AgentSecretsError):
    """The secret's policy does not allow this use."""

    _usual = "use_forbidden"


class LeaseWider(AgentSecretsError):
    """A narrower handle was asked to allow more than the one it comes from."""

    _usual = "lease_wider"


class LeaseOver(AgentSecretsError):
    """The handle's time is over or its uses are spent."""

    _usual = "lease_over"


class UpstreamError(AgentSecretsError):
    """The host of a request cannot be reached, or its answer cannot be handed out."""

    _usual = "upstream_unreachable"


_OF_CODE: "Dict[_Code, Type[AgentSecretsError]]" = {
    "invalid_argument": InvalidArgument, "malformed_recipient": InvalidArgument, "malformed_identity": InvalidArgument,
    "weak_key": InvalidArgument, "malformed_words": InvalidArgument, "invalid_name": InvalidArgument,
    "value_too_large": InvalidArgument, "not_an_environment_value": InvalidArgument, "dotenv_syntax": InvalidArgument,
    "closed": Closed, "no_identity": NoIdentity, "no_workspace": NoWorkspace, "vault_forked": VaultForked,
    "no_keychain": KeychainError, "keychain_locked": KeychainError, "keychain_timeout": KeychainError,
    "keychain_failed": KeychainError, "relay_unreachable": RelayUnreachable, "relay_timeout": RelayUnreachable,
    "not_admitted": NotAdmitted, "forbidden": Forbidden, "out_of_scope": Forbidden, "unknown_member": UnknownMember,
    "ambiguous_member": UnknownMember, "unknown_environment": UnknownEnvironment, "unknown_secret": UnknownSecret,
    "missing_secrets": MissingSecrets, "conflict": Conflict, "read_forbidden": ReadForbidden,
    "use_forbidden": UseForbidden, "address_forbidden": UseForbidden, "redirect_refused": UseForbidden,
    "lease_wider": LeaseWider, "lease_over": LeaseOver, "invalid_request": InvalidArgument,
    "not_injectable": InvalidArgument, "malformed_policy": InvalidArgument, "secret_too_short": InvalidArgument,
    "upstream_unreachable": UpstreamError, "upstream_timeout": UpstreamError, "upstream_malformed": UpstreamError,
    "answer_too_large": UpstreamError, "answer_unreadable": UpstreamError,
}
# The bands of the codes' numbers.
_OF_BAND: "Dict[int, Type[AgentSecretsError]]" = {
    1: InvitationError, 2: HistoryError, 3: OpenFailed, 4: VaultError, 5: RelayError,
}


def make(code: "_Code", message: str, hint: "Optional[str]" = None, retryable: "Optional[bool]" = None,
         retry_after: "Optional[float]" = None) -> AgentSecretsError:
    """The exception of a code."""
    kind = _OF_CODE.get(code) or _OF_BAND.get(_native.ERROR_CODES[code] // 100, AgentSecretsError)
    return kind(message, code=code, hint=hint, retryable=retryable, retry_after=retry_after)
