"""The public names of the npm package, for tools/parity.py: read from its types, so that nothing has to be built."""
import re
from pathlib import Path

# Each module's types, and the prefix of its names.
MODULES = {"index.d.ts": "", "io.d.ts": "io.", "testing.d.ts": "testing."}
# What every object of a kind has in JavaScript, and what refuses to be anything else.
COMMON = {"toString", "toJSON", "valueOf", "constructor"}


def declared(text):
    """Exported functions and constants, and the members of exported classes and of what is iterated; interfaces are no operations."""
    owner = None
    for line in text.splitlines():
        if start := re.match(r"export (?:class|interface) (\w+)", line):
            kind = line.split()[1]
            owner = start.group(1) if kind == "class" or start.group(1) == "Watch" else None
            if owner:
                yield owner
        elif line == "}":
            owner = None
        elif found := re.match(r"export (?:function|const) (\w+)", line):
            yield found.group(1)
        elif owner and (member := re.match(r"  (?:static |readonly )*(\w+)(?:\(|\?*:)", line)) and member.group(1) not in COMMON:
            yield f"{owner}.{member.group(1)}"


def surface(root):
    types = Path(root) / "bindings/node/lib"
    return {prefix + name for file, prefix in MODULES.items() for name in declared((types / file).read_text())}


def codes(root):
    """The words and numbers of the type ErrorCodes."""
    text = (Path(root) / "bindings/node/lib/index.d.ts").read_text()
    body = re.search(r"export interface ErrorCodes \{(.*?)\n\}", text, re.DOTALL).group(1)
    return {word.upper(): number for word, number in re.findall(r"readonly (\w+): (\d+);", body)}
