"""What listings hold; each keeps to a schema in docs/schemas. Imported by type checkers alone."""
from typing import List, Optional, TypedDict


class Status(TypedDict):
    workspace: str
    name: Optional[str]
    relay: Optional[str]
    environment: str
    head: Optional[str]
    joining: bool


class Pulled(TypedDict):
    environment: str
    updated: List[str]
    deleted: List[str]
    error: Optional[str]


class Synced(TypedDict):
    admitted: List[str]
    shared_with: List[str]
    freshness: str
    pulled: List[Pulled]


class MemberRow(TypedDict):
    label: str
    id: str
    fingerprint: str
    kind: str
    role: str
    scope: List[str]
    how: str
    admitted_by: str
    since: int
    active: bool
    me: bool


class InvitationRow(TypedDict):
    id: str
    role: str
    scope: List[str]
    author: str
    expires: str


class EnvironmentRow(TypedDict):
    name: str
    id: str
    secrets: int
    in_scope: bool
    archived: bool


class SecretRow(TypedDict):
    name: str
    version: int
    environment: str
    updated_at: str
    author: str


class DriftChange(TypedDict):
    name: str
    state: str


class DriftReport(TypedDict):
    environment: str
    in_sync: bool
    changes: List[DriftChange]


class VersionRow(TypedDict):
    version: int
    time: str
    author: str
    operation: str
    held: bool
    live: bool


class AuditRow(TypedDict):
    seq: int
    time: str
    author: str
    kind: str
    environment: Optional[str]
    names: List[str]
    recipients: List[str]


class ExposureRow(TypedDict):
    environment: str
    name: str
    versions: List[int]
    live: bool
    needs_rotation: bool
    readers: List[str]


class TeamRow(TypedDict):
    member: str
    seq: Optional[int]
    behind: Optional[int]
    seen_at: Optional[str]
    missing: int


class Policy(TypedDict):
    fresh_seconds: int
    stale: str


class Verified(TypedDict):
    workspace: str
    entries: int
    head: str
    members: int
