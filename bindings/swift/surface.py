"""The public names of the Swift modules, for tools/parity.py: read from their sources, so that nothing has to be built.

`./test swift` holds them to what the compiler says: `surface.py --symbols FOLDER` compares with its symbol graphs.
"""
import json
import re
import sys
from pathlib import Path

MODULES = ["AgentSecrets", "AgentSecretsURLSession", "AgentSecretsTesting"]
# Rows are data, whose fields docs/schemas has; codes are compared by number.
DATA = {"Rows.swift", "ErrorCode.swift", "SecretPolicy.swift"}
# What conformances to the standard library ask for.
CONFORMANCES = {"description", "debugDescription", "customMirror", "errorDescription", "recoverySuggestion", "==",
                "appendInterpolation", "Element", "makeAsyncIterator", "next(isolation:)"}

TYPE = re.compile(r"^(\s*)public (?:final )?(?:class|struct|enum|actor|protocol) (\w+)")
EXTENSION = re.compile(r"^(\s*)(?:public )?extension ([\w.]+)")
MEMBER = re.compile(r"^(\s*)public (?:static |convenience |mutating )*(?:func|var|let) (\w+|==)")
BARE = re.compile(r"^(\s*)(?:func|var) (\w+)")
INIT = re.compile(r"^(\s*)public (?:convenience )?init\b")
CASE = re.compile(r"^(\s*)case (\w+)")
SUBSCRIPT = re.compile(r"^(\s*)public subscript\b")


def of_file(text):
    """`Type.member` of every public member; enum cases are data."""
    owners, found = [], set()
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if line.strip() == "}":
            owners = [owner for owner in owners if owner[0] < indent]
        if start := TYPE.match(line) or EXTENSION.match(line):
            owners = [owner for owner in owners if owner[0] < indent] + [(indent, start.group(2), "protocol" in line)]
            continue
        if not owners or indent != owners[-1][0] + 4:
            continue
        path, protocol = ".".join(owner[1] for owner in owners), owners[-1][2]
        if name := MEMBER.match(line) or (protocol and BARE.match(line)):
            found.add(f"{path}.{name.group(2)}")
        elif INIT.match(line):
            found.add(f"{path}.init")
        elif SUBSCRIPT.match(line):
            found.add(f"{path}.subscript")
    return {name for name in found if name.rsplit(".", 1)[1] not in CONFORMANCES}


def surface(root):
    files = [file for module in MODULES for file in (Path(root) / "bindings/swift/Sources" / module).glob("*.swift")]
    return set().union(*(of_file(file.read_text()) for file in files if file.name not in DATA))


def codes(root):
    """{WORD: "number"}, as ErrorCode.swift has them."""
    text = (Path(root) / "bindings/swift/Sources/AgentSecrets/ErrorCode.swift").read_text()
    found = re.findall(r"public static let `?(\w+)`? = ErrorCode\(rawValue: (\d+)\)", text)
    return {re.sub(r"(?<!^)([A-Z])", r"_\1", name).upper(): number for name, number in found}


def compiled(root, folder):
    """The same of the compiler's symbol graphs, and the public symbols that have no comment."""
    data = {row for file in DATA for module in MODULES for source in [Path(root) / f"bindings/swift/Sources/{module}/{file}"]
            if source.exists() for row in re.findall(r"^public struct (\w+)", source.read_text(), re.MULTILINE)}
    found, bare = set(), set()
    for file in sorted(Path(folder).glob("*.symbols.json")):
        if file.name.split(".")[0].split("@")[0] not in MODULES:
            continue
        for symbol in json.loads(file.read_text())["symbols"]:
            if symbol["accessLevel"] not in ("public", "open") or "::SYNTHESIZED::" in symbol["identifier"]["precise"]:
                continue
            path = [re.sub(r"\(.*", "", part) for part in symbol["pathComponents"]]
            kind = symbol["kind"]["identifier"].removeprefix("swift.")
            if path[-1] in CONFORMANCES:
                continue
            # What the compiler makes by itself stands at no place in a file.
            if "location" in symbol and "docComment" not in symbol:
                bare.add(".".join(symbol["pathComponents"]))
            if kind in ("class", "struct", "enum", "protocol", "enum.case", "typealias", "extension") or path[0] in data:
                continue
            if "location" in symbol:
                found.add(".".join(path))
    return found, bare


def main(arguments):
    root = Path(__file__).resolve().parents[2]
    found, bare = compiled(root, arguments[1])
    here = surface(root)
    lines = [f"the compiler alone: {name}" for name in sorted(found - here)]
    lines += [f"the sources alone: {name}" for name in sorted(here - found)]
    lines += [f"no comment: {name}" for name in sorted(bare)]
    print("\n".join(lines) or f"{len(found)} public members, each with a comment; the sources say what the compiler says")
    return bool(lines) or len(found) < 50


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
