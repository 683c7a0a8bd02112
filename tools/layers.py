#!/usr/bin/env python3
"""Proves that imports point downward, that algorithms have one home, and that unsafe code has one.

    tools/layers.py             checks the tree, prints FILE:LINE of every violation, exit code 1 if any
    tools/layers.py --self-test plants every kind of violation and shows that each is found

Unit tests inside a file (`#[cfg(test)]`) may look upward; shipped code may not.
"""
import os
import re
import sys
import tempfile
from pathlib import Path

CORE = "agentsecrets-core/src"
LAYERS = {
    1: "crypto error encoding secret weakened",
    2: "name identity fingerprint sealed_box workspace_key parcel invitation dotenv export import message"
       " redact request_signature secret_policy wire",
    3: "call_audit log drift policy snapshot",
    4: "sync",
    5: "vault transport client config handle report",
}
LAYER_OF = {module: layer for layer, modules in LAYERS.items() for module in modules.split()}

ALGORITHMS = ("agentsecrets_batch argon2 blake2 blake3 chacha20poly1305 curve25519_dalek ed25519_dalek graviola hmac poly1305"
              " salsa20 sha2 x25519_dalek").split()
ALGORITHM_HOME = f"{CORE}/crypto"
BATCH = "agentsecrets-batch"
# The C interface; where the batches' arrays become registers, a detected processor enters the instructions,
# registers are cleared, and valgrind is asked.
UNSAFE_HOMES = ("agentsecrets-ffi/src/capi/", f"{BATCH}/src/vector/avx512.rs", f"{BATCH}/src/ifma.rs", f"{BATCH}/src/wipe.rs",
                f"{BATCH}/examples/valgrind/mod.rs")

RELAY = "relay-reference/src"
RELAY_MAY = {"crypto", "encoding", "error", "log", "request_signature", "wire", "Error", "ErrorCode", "Result"}
RELAY_MAY_FROM = {"identity": {"Recipient"}}

SKIP_FOLDERS = {"target", "node_modules", "dist", "build"}
NOT_CODE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|b?r(?P<h>\#*)".*?"(?P=h)|b?"(?:\\.|[^"\\])*"|b?'(?:\\.[^']*|[^'\\])'""",
    re.DOTALL | re.VERBOSE)


def code_of(text):
    """The text with comments, literals and unit tests blanked; line breaks stay where they were."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    text = NOT_CODE.sub(blank, text)
    while match := re.search(r"#\[cfg\((?:test|all\(test\b[^\]]*)\)\]\s*(?:pub(?:\([a-z]+\))?\s+)?mod\s+\w+\s*", text):
        end = closing(text, match.end()) if text[match.end():match.end() + 1] == "{" else match.end()
        text = text[:match.start()] + re.sub(r"[^\n]", " ", text[match.start():end]) + text[end:]
    return text


def closing(text, opening):
    """The place after the brace that closes the one at `opening`."""
    depth = 0
    for place in range(opening, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    return len(text)


def paths_below(text, root):
    """(line, [segments]) of every path that begins with `root::`, groups in braces opened up."""
    for match in re.finditer(rf"(?<![\w:]){root}\s*::\s*", text):
        yield from segments(text, match.end(), [])


def segments(text, place, before):
    """Reads one path at `place`; at a brace, one path for every member of the group."""
    place += len(re.match(r"\s*", text[place:]).group())
    line = text.count("\n", 0, place) + 1
    if text[place:place + 1] == "{":
        end = closing(text, place)
        depth, start = 0, place + 1
        for i in range(place + 1, end):
            depth += {"{": 1, "}": -1}.get(text[i], 0)
            if depth < 0 or (depth == 0 and text[i] == ","):
                if text[start:i].strip():
                    yield from segments(text[:i], start, before)
                start = i + 1
        return
    word = re.match(r"\w+|\*", text[place:])
    path = before + ([word.group()] if word else [])
    follow = re.match(r"\s*::\s*(?=[\w{*])", text[place + word.end():]) if word else None
    if follow:
        yield from segments(text, place + word.end() + follow.end(), path)
    else:
        yield line, path


def reexports(front):
    """What lib.rs hands out under its own name: {name: module it comes from}."""
    found = {}
    for match in re.finditer(r"pub use\s+(?:crate::|self::)?(\w+)::([^;]*);", code_of(front)):
        found.update({name: match.group(1) for name in re.findall(r"\w+", match.group(2))})
    return found


def rust_files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIP_FOLDERS and not f.startswith(("target-", ".")))
        for name in sorted(names):
            if name.endswith(".rs"):
                yield (Path(folder) / name).relative_to(root).as_posix()


def upward_imports(file, code, exported):
    inside = Path(file).relative_to(CORE)
    own = inside.parts[0].removesuffix(".rs")
    layer = LAYER_OF.get(own)
    if layer is None:
        yield 1, f"is in no layer: add `{own}` to LAYERS in tools/layers.py"
        return
    # `super` of a file directly below src is the crate; deeper, only chains of it get there.
    roots = ["crate"] + ([r"super"] if len(inside.parts) == 1 else [r"super\s*::\s*super"])
    for root in roots:
        for line, path in paths_below(code, root):
            target = exported.get(path[0], path[0]) if path else "*"
            if target == "*":
                yield line, "imports everything from the crate's root, so nobody sees from where"
            elif target not in LAYER_OF:
                yield line, f"names crate::{target}, which is in no layer"
            elif LAYER_OF[target] > layer:
                yield line, f"layer {layer} ({own}) imports layer {LAYER_OF[target]} ({target})"


def relay_imports(code):
    if re.search(r"\bagentsecrets_core\s+as\b", code):
        yield code[:code.find("agentsecrets_core")].count("\n") + 1, "renames agentsecrets_core"
    for line, path in paths_below(code, "agentsecrets_core"):
        head = path[0] if path else "*"
        if head in RELAY_MAY or (len(path) > 1 and path[1] in RELAY_MAY_FROM.get(head, ())):
            continue
        yield line, f"the relay may not import {'::'.join(path)} from the core"


def algorithm_uses(code):
    pattern = rf"(?<![\w:])(?:::)?({'|'.join(ALGORITHMS)})\s*::|\b(?:use|extern\s+crate)\s+({'|'.join(ALGORITHMS)})\b"
    for match in re.finditer(pattern, code):
        yield code.count("\n", 0, match.start()) + 1, f"names {match.group(1) or match.group(2)}: only the module crypto may"


def violations(root):
    """Every violation below `root` as FILE:LINE: what is wrong."""
    front = Path(root, CORE, "lib.rs")
    exported = reexports(front.read_text()) if front.is_file() else {}
    for file in rust_files(root):
        code = code_of(Path(root, file).read_text())
        found = []
        in_core = file.startswith(CORE + "/")
        if in_core and file != f"{CORE}/lib.rs" and not file.endswith("/tests.rs"):
            found += upward_imports(file, code, exported)
        if file.startswith(RELAY + "/"):
            found += relay_imports(code)
        if "/src/" in file and not file.startswith((ALGORITHM_HOME + ".rs", ALGORITHM_HOME + "/", f"{BATCH}/src/tests.rs")):
            found += algorithm_uses(code)
        if not file.startswith(UNSAFE_HOMES):
            found += [(code.count("\n", 0, m.start()) + 1, "unsafe: not here; see UNSAFE_HOMES in tools/layers.py")
                      for m in re.finditer(r"\bunsafe\b", code)]
        yield from dict.fromkeys(f"{file}:{line}: {what}" for line, what in found)


PLANTED = [  # file, text, the line that must be named (0: nothing is wrong)
    (f"{CORE}/secret.rs", "use crate::error::Error;\n", 0),
    (f"{CORE}/secret.rs", "\nuse crate::{\n    error::{Error, Result},\n    log::{State, entry},\n};\n", 4),
    (f"{CORE}/name.rs", "fn f() -> crate::sync::Step { todo!() }\n", 1),
    (f"{CORE}/name.rs", "use crate::Machine;\n", 1),
    (f"{CORE}/name.rs", "use crate::*;\n", 1),
    (f"{CORE}/name.rs", "use super::vault::Vault;\n", 1),
    (f"{CORE}/name.rs", "//! [`crate::vault`]\nconst A: &str = \"crate::vault\"; /* crate::vault */\n", 0),
    (f"{CORE}/name.rs", "#[cfg(test)]\nmod tests {\n    use crate::vault::Memory;\n    fn f() {}\n}\n", 0),
    (f"{CORE}/name.rs", "#[cfg(test)]\nmod tests {\n    fn f() {}\n}\nuse crate::vault::Memory;\n", 5),
    (f"{CORE}/log/entry.rs", "use super::state;\n", 0),
    (f"{CORE}/log/entry.rs", "use super::super::client::Client;\n", 1),
    (f"{CORE}/vault/file.rs", "use crate::{log, sync::Step};\n", 0),
    (f"{CORE}/helpers.rs", "\n", 1),
    (f"{CORE}/log/entry.rs", "use crate::helpers;\n", 1),
    (f"{CORE}/identity.rs", "\nuse blake3;\n", 2),
    (f"{CORE}/identity.rs", "fn f() { ed25519_dalek::f() }\n", 1),
    (f"{CORE}/crypto.rs", "use blake3::Hasher;\n", 0),
    (f"{CORE}/crypto/curve.rs", "use graviola::key_agreement;\n", 0),
    (f"{CORE}/identity.rs", "use agentsecrets_batch::Ifma;\n", 1),
    (f"{CORE}/crypto/curve.rs", "\nfn f() { unsafe { g() } }\n", 2),
    ("agentsecrets-batch/src/vector/avx512.rs", "fn f() { unsafe { g() } }\n", 0),
    ("agentsecrets-batch/src/vector/model.rs", "fn f() { unsafe { g() } }\n", 1),
    ("agentsecrets-batch/src/lanes/field.rs", "fn f() { unsafe { g() } }\n", 1),
    ("agentsecrets-ffi/src/model/a.rs", "use sha2::Sha256;\n", 1),
    ("agentsecrets-ffi/src/model/a.rs", "\n\nunsafe fn f() {}\n", 3),
    ("agentsecrets-ffi/src/capi/a.rs", "unsafe fn f() {}\n", 0),
    ("agentsecrets-core/tests/a.rs", "fn f() { unsafe { g() } }\n", 1),
    (f"{RELAY}/rules.rs", "use agentsecrets_core::{log::State, identity::Recipient, Error};\n", 0),
    (f"{RELAY}/rules.rs", "use agentsecrets_core::{\n    log::State,\n    identity::{Recipient, Identity},\n};\n", 3),
    (f"{RELAY}/rules.rs", "fn f(v: agentsecrets_core::vault::Vault) {}\n", 1),
    (f"{RELAY}/rules.rs", "use agentsecrets_core as core;\n", 1),
]


def self_test():
    failures = 0
    for file, text, line in PLANTED:
        with tempfile.TemporaryDirectory() as root:
            for name, content in {f"{CORE}/lib.rs": "pub use sync::{Machine};\n", file: text}.items():
                Path(root, name).parent.mkdir(parents=True, exist_ok=True)
                Path(root, name).write_text(content)
            found = list(violations(root))
        right = len(found) == 1 and found[0].startswith(f"{file}:{line}: ") if line else not found
        if not right:
            failures += 1
            print(f"expected {'line ' + str(line) if line else 'nothing'}, found {found} in {file}:\n{text}")
    print(f"{len(PLANTED) - failures} passed, {failures} failed")
    return failures


def main():
    if sys.argv[1:] == ["--self-test"]:
        return 1 if self_test() else 0
    found = list(violations(Path(__file__).resolve().parent.parent))
    print("\n".join(found) or "imports point downward")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
