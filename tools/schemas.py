#!/usr/bin/env python3
"""Checks the JSON schemas of docs/schemas, or standard input against one of them. Needs jsonschema.

    tools/schemas.py         each schema is one, its examples keep to it, and they need every field
    tools/schemas.py NAME    standard input keeps to docs/schemas/NAME.json; exit code 1 otherwise
"""
import copy
import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

FOLDER = Path(__file__).resolve().parent.parent / "docs/schemas"


def validator(path):
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def maimed(value):
    """The value with one field left out or of a wrong type, in every way."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        if isinstance(value, dict):
            without = copy.copy(value)
            del without[key]
            yield f"without {key}", without
        for what, other in [("of a wrong type", {"x": 1.5})] + list(maimed(child)):
            changed = copy.copy(value)
            changed[key] = other
            yield f"{key} {what}", changed


def faults(path):
    try:
        check = validator(path)
    except (SchemaError, ValueError) as error:
        yield f"is no schema: {error}"
        return
    examples = check.schema.get("examples", [])
    if not examples:
        yield "has no example"
    optional = set(check.schema.get("properties", {})) - set(check.schema.get("required", []))
    for example in examples:
        yield from (f"its example is refused: {error.message}" for error in check.iter_errors(example))
        for what, other in maimed(example):
            if check.is_valid(other) and what.removeprefix("without ") not in optional:
                yield f"takes an example {what}"


def main():
    if len(sys.argv) == 2:
        errors = [error.message for error in validator(FOLDER / f"{sys.argv[1]}.json").iter_errors(json.load(sys.stdin))]
        print("\n".join(errors) or "keeps to the schema")
        return bool(errors)
    passed = failed = 0
    for path in sorted(FOLDER.glob("*.json")):
        found = list(faults(path))
        for fault in found:
            print(f"{path.name} {fault}")
        passed, failed = passed + (not found), failed + bool(found)
    print(f"{passed} passed, {failed} failed")
    return failed > 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
