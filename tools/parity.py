#!/usr/bin/env python3
"""Holds the real surfaces of the model and of every binding to bindings/api.toml, both ways.

A binding beside C brings bindings/LANGUAGE/surface.py with `surface(root)`, the set of its public names as api.toml writes
them, and `codes(root)`, its error codes as {WORD: "number"}.

    tools/parity.py             exit code 1 and a line for each difference
    tools/parity.py --self-test shows that each kind of difference is found
"""
import importlib.util
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODEL = "agentsecrets-ffi/src/model"


def model_surface(root):
    """Public functions and methods of the model, as `Type::name` or `name`."""
    found = set()
    for file in sorted((root / MODEL).glob("*.rs")):
        owner = None
        for line in file.read_text().split("#[cfg(test)]")[0].splitlines():
            if start := re.match(r"impl(?:<[^>]*>)? (?:\w+(?:<[^>]*>)? for )?(\w+)", line):
                owner = None if " for " in line else start.group(1)
            elif line == "}":
                owner = None
            if name := re.match(r"(\s*)pub (?:const )?fn (\w+)", line):
                if not name.group(1):
                    found.add(name.group(2))
                elif owner:
                    found.add(f"{owner}::{name.group(2)}")
    return found


def c_surface(root):
    return set((root / "include/agentsecrets.symbols").read_text().split())


def c_codes(root):
    return dict(re.findall(r"#define AGENTSECRETS_ERROR_(\w+) (\d+)", (root / "include/agentsecrets.h").read_text()))


def core_codes(root):
    table = (root / "agentsecrets-core/src/error.rs").read_text()
    return dict((word.upper(), number) for number, word in re.findall(r'^\s+(\d+) \w+ "(\w+)" (?:true|false) "', table, re.MULTILINE))


def bindings(root):
    """(language, its surface.py) of every binding that has one."""
    for file in sorted((root / "bindings").glob("*/surface.py")):
        spec = importlib.util.spec_from_file_location(f"surface_{file.parent.name}", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield file.parent.name, module


def differences(api, surfaces, codes):
    """Lines that say what differs; `codes` is the core's table and each language's."""
    for language, real in surfaces.items():
        listed = []
        for row in api["operation"]:
            names = row.get(language)
            if names is None:
                yield f"{row['name']}: no {language}"
            listed += [names] if isinstance(names, str) and names != "-" else names if isinstance(names, list) else []
        for name in sorted(set(listed) - real):
            yield f"{language}: {name} stands in api.toml and is not there"
        for name in sorted(real - set(listed)):
            yield f"{language}: {name} is there and stands in no row of api.toml"
        for row in api.get("reserved", []):
            if row.get(language) in real:
                yield f"{language}: {row[language]} is reserved: make its row an operation"
        for name in sorted({name for name in listed if listed.count(name) > 1}):
            yield f"{language}: {name} stands in two rows"
    core = codes["core"]
    for language, known in codes.items():
        for word in sorted(core.items() ^ known.items()):
            yield f"{language}: error code {word[0]} = {word[1]} differs from the core's"


def read(root):
    api = tomllib.loads((root / "bindings/api.toml").read_text())
    surfaces, codes = {"model": model_surface(root), "c": c_surface(root)}, {"core": core_codes(root), "c": c_codes(root)}
    for language, module in bindings(root):
        surfaces[language], codes[language] = module.surface(root), module.codes(root)
    return api, surfaces, codes


def self_test():
    api, surfaces, codes = read(ROOT)
    first = api["operation"][0]
    cases = {
        "a function of C's that no row has": (api, {**surfaces, "c": surfaces["c"] | {"agentsecrets_more"}}, codes),
        "a row whose C is gone": (api, {**surfaces, "c": set(list(surfaces["c"])[1:])}, codes),
        "a method of the model that no row has": (api, {**surfaces, "model": surfaces["model"] | {"Client::more"}}, codes),
        "a row without C": ({**api, "operation": [{k: v for k, v in first.items() if k != "c"}, *api["operation"][1:]]}, surfaces, codes),
        "a row twice": ({**api, "operation": [first, *api["operation"]]}, surfaces, codes),
        "a reserved name that is there": ({**api, "reserved": [{"name": "to come", "c": first["c"]}]}, surfaces, codes),
        "a code with another number": (api, surfaces, {**codes, "c": {**codes["c"], "BUSY": "9"}}),
    }
    failed = [name for name, case in cases.items() if not list(differences(*case))]
    for name in failed:
        print(f"not found: {name}")
    print(f"{len(cases) - len(failed)} passed, {len(failed)} failed")
    return bool(failed)


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    found = list(differences(*read(ROOT)))
    print("\n".join(found) or "the surfaces are those of bindings/api.toml")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
