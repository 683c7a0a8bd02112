"""The types of listings are those of docs/schemas."""
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Type, get_type_hints

import pytest
from agentsecrets_core import _rows

SCHEMAS = Path(__file__).resolve().parents[3] / "docs/schemas"
OF = {
    "audit": _rows.AuditRow,
    "env-list": _rows.EnvironmentRow,
    "environments-diff": _rows.DriftReport,
    "exposure": _rows.ExposureRow,
    "history": _rows.VersionRow,
    "invitations": _rows.InvitationRow,
    "members": _rows.MemberRow,
    "policy": _rows.Policy,
    "secrets-diff": _rows.DriftReport,
    "secrets-list": _rows.SecretRow,
    "verify": _rows.Verified,
}
KINDS: Dict[str, Any] = {"string": str, "integer": int, "boolean": bool}


def type_of(schema: Dict[str, Any]) -> Any:
    """The type that a field of a schema has in Python; a listing's own rows are dictionaries."""
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        return Optional[KINDS[kind[0]]]
    if kind == "array":
        inner = schema["items"]
        return List[_rows.DriftChange] if inner.get("type") == "object" else List[type_of(inner)]  # type: ignore[misc]
    return KINDS[kind]


@pytest.mark.parametrize(("name", "row"), OF.items(), ids=list(OF))
def test_a_row_has_the_fields_of_its_schema(name: str, row: Type[Any]) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    fields = (schema["items"] if schema["type"] == "array" else schema)["properties"]
    assert get_type_hints(row) == {field: type_of(described) for field, described in fields.items()}
