"""The public names of the Python package, for tools/parity.py: read from its sources, so that nothing has to be built."""
import ast
import re
from pathlib import Path

# Where the front page has its names from, and the modules beside it. Integrations are no operations of their own.
FRONT = ["_client.py", "errors.py", "_agents.py", "_load.py", "_watch.py", "_native.pyi"]
MODULES = {"io": ["io.py", "_native.pyi"], "testing": ["testing.py"]}
# What makes values a mapping.
SHOWN = {"Secrets.__getitem__", "Secrets.__iter__"}


def package(root):
    return Path(root) / "bindings/python/python/agentsecrets_core"


def listed(tree):
    """The names of `__all__`."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return ast.literal_eval(node.value)
    return []


def members(tree):
    """{name: its public methods and properties} of what a file defines."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            protocol = any(getattr(base, "id", "") == "Protocol" for base in node.bases)
            methods = [] if protocol else [f for f in node.body if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef))]
            names = {f"{node.name}.{method.name}" for method in methods}
            found[node.name] = {name for name in names if not name.split(".")[1].startswith("_") or name in SHOWN}
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[node.name] = set()
    return found


def of(folder, front, files):
    """The names that `front` lists, with the members of those that are classes."""
    trees = [ast.parse((folder / file).read_text()) for file in files]
    # The first file that defines a name is the one it comes from.
    defined = {}
    for tree in trees:
        for name, names in members(tree).items():
            defined.setdefault(name, names)
    wanted = listed(ast.parse((folder / front).read_text()))
    return {name for one in wanted for name in {one, *defined.get(one, ())}}


def surface(root):
    folder = package(root)
    found = of(folder, "__init__.py", FRONT)
    for module, files in MODULES.items():
        found |= {f"{module}.{name}" for name in of(folder, files[0], files)}
    return found


def codes(root):
    """The words that the package's types know, with the numbers that the core gives them at run time."""
    words = re.search(r"_Code = Literal\[(.*?)\]", (package(root) / "_native.pyi").read_text(), re.DOTALL).group(1)
    core = (Path(root) / "agentsecrets-core/src/error.rs").read_text()
    numbers = {word: number for number, word in re.findall(r'^\s+(\d+) \w+ "(\w+)" (?:true|false) "', core, re.MULTILINE)}
    return {word.upper(): numbers.get(word, "none") for word in re.findall(r'"(\w+)"', words)}
