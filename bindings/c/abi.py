#!/usr/bin/env python3
"""The binary interface as a library of empty functions in C, made from the header: what abidw reads.

    bindings/c/abi.py HEADER > abi.c

The real library cannot differ from the header, which is generated from it, and its symbols are compared.
"""
import re
import sys
from pathlib import Path

DECLARATION = re.compile(r"^(\w[\w ]*?[ *]+)(agentsecrets_\w+)\(([^)]*)\);", re.MULTILINE)
OPAQUE = re.compile(r"typedef struct (agentsecrets_\w+) \1;")


def main(header):
    text = Path(header).read_text()
    print("#include <agentsecrets.h>")
    for name in OPAQUE.findall(text):
        print(f"struct {name} {{ char opaque; }};")
    for returns, name, parameters in DECLARATION.findall(text):
        end = "" if returns.strip() == "void" else " return 0;"
        print(f"{returns.strip()} {name}({' '.join(parameters.split())}) {{{end} }}")


if __name__ == "__main__":
    main(sys.argv[1])
