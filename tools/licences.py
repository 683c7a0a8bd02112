#!/usr/bin/env python3
"""Holds every crate of the lock file to deny.toml: its licence, where it comes from, and the bans.

    tools/licences.py             exit code 1 and one line for each crate that breaks a rule
    tools/licences.py --self-test shows that a wrong licence, source or ban is found
"""
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def allowed(expression, allow):
    """Whether an SPDX expression can be met with licences of `allow` alone; `/` is an old OR."""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def either():
        result = both()
        while tokens[:1] == ["OR"]:
            tokens.pop(0)
            result = both() or result
        return result

    def both():
        result = one()
        while tokens[:1] == ["AND"]:
            tokens.pop(0)
            result = one() and result
        return result

    def one():
        token = tokens.pop(0)
        if token == "(":
            result = either()
            tokens.pop(0)
            return result
        if tokens[:1] == ["WITH"]:
            token = f"{token} WITH {tokens[1]}"
            del tokens[:2]
        return token in allow

    return either() and not tokens


def violations(packages, rules):
    """One line for every package that breaks a rule."""
    banned = {ban["name"]: ban for ban in rules["bans"]["deny"]}
    sources = {f"registry+{address}" for address in rules["sources"]["allow-registry"]}
    for package in packages:
        who = f"{package['name']} {package['version']}"
        if not allowed(package["license"] or "none", rules["licenses"]["allow"]):
            yield f"{who}: licence {package['license']} is not allowed"
        if package["source"] and package["source"] not in sources:
            yield f"{who}: comes from {package['source']}"
        ban = banned.get(package["name"])
        users = {user["name"] for user in packages if any(
            dependency["name"] == package["name"] for dependency in user.get("dependencies", ()))}
        # A ban with wrappers holds for everybody who is none of them.
        if ban and not (users and users <= set(ban.get("wrappers", ()))):
            yield f"{who}: banned, {ban['reason']}"


def self_test():
    rules = {"licenses": {"allow": ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]},
             "sources": {"allow-registry": ["https://good"]},
             "bans": {"deny": [{"name": "bad", "reason": "it is bad"}]}}
    cases = [  # name, licence, source, number of violations
        ("a", "MIT", None, 0), ("a", "MIT/GPL-3.0", None, 0), ("a", "GPL-3.0", None, 1), ("a", None, None, 1),
        ("a", "(GPL-3.0 OR MIT) AND ISC", None, 0), ("a", "MIT AND GPL-3.0", None, 1),
        ("a", "Apache-2.0 WITH LLVM-exception", None, 0), ("a", "Apache-2.0 WITH Other", None, 1),
        ("a", "MIT", "registry+https://good", 0), ("a", "MIT", "git+https://good", 1), ("bad", "MIT", None, 1),
    ]
    def package(name, licence="MIT", source=None, dependencies=()):
        return {"name": name, "version": "1", "license": licence, "source": source,
                "dependencies": [{"name": dependency} for dependency in dependencies]}

    rules["bans"]["deny"].append({"name": "half", "reason": "it is for benches", "wrappers": ["bench"]})
    cases += [("half", "MIT", None, 1)]
    wrong = [case for case in cases if case[3] != len(list(violations([package(*case[:3])], rules)))]
    for users, count in [(["bench"], 0), (["bench", "shipped"], 1)]:
        graph = [package("half")] + [package(user, dependencies=["half"]) for user in users]
        cases.append((users, count))
        if len(list(violations(graph, rules))) != count:
            wrong.append((users, count))
    for case in wrong:
        print("wrong verdict:", case)
    print(f"{len(cases) - len(wrong)} passed, {len(wrong)} failed")
    return bool(wrong)


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    metadata = subprocess.run(["cargo", "metadata", "--locked", "--format-version", "1", "--all-features"],
                              cwd=ROOT, check=True, capture_output=True).stdout
    packages = json.loads(metadata)["packages"]
    found = list(violations(packages, tomllib.loads((ROOT / "deny.toml").read_text())))
    print("\n".join(found) or f"{len(packages)} crates keep to deny.toml")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
