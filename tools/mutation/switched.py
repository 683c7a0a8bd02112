"""Source with many mutants in it, each behind a switch: one build tries all of them.

What cargo-mutants would write in place of the original stands beside it:

    a == b      becomes      (if crate::mutants::on(7) { a != b } else { a == b })

At most one switch is on in a process, so a mutant's text holds the original everywhere else. An expression's bounds come
from the parser tree-sitter; cargo-mutants names the operator alone.
"""
from dataclasses import dataclass, field

import tree_sitter_rust
from tree_sitter import Language, Parser

PARSER = Parser(Language(tree_sitter_rust.language()))
ON = "crate::mutants::on({})"
# Evaluated by the compiler, where no switch can be asked.
CONSTANT = {"const_item", "static_item", "array_type", "const_block", "enum_variant", "attribute_item", "type_arguments"}


@dataclass
class Place:
    """An expression with what may stand there instead."""
    start: int
    end: int
    instead: list = field(default_factory=list)
    before: str = ""


class NotSwitched(Exception):
    """A mutant that needs a build of its own."""


class NotBuilt(Exception):
    """A mutant that no compiler takes."""


class File:
    """One file's text, its syntax tree, and the places where it is to differ."""

    def __init__(self, text):
        self.text, self.root = text, PARSER.parse(text).root_node
        self.lines = [0]
        for line in text.split(b"\n"):
            self.lines.append(self.lines[-1] + len(line) + 1)
        self.places, self.inserted, self.left_out = {}, [], set()

    def offset(self, position):
        """Bytes before a line and a column, both counted from 1, the column in characters."""
        start = self.lines[position["line"] - 1]
        line = self.text[start:self.lines[position["line"]]].decode()
        return start + len(line[:position["column"] - 1].encode())

    def add(self, number, mutant):
        start, end = (self.offset(mutant["span"][side]) for side in ("start", "end"))
        node = self.root.descendant_for_byte_range(start, end)
        self.evaluated_late(node)
        getattr(self, mutant["genre"])(number, node, start, end, mutant["replacement"])

    def evaluated_late(self, node):
        """A function that the compiler may evaluate may not ask for a switch: here it is an ordinary one."""
        while node is not None:
            if node.type in CONSTANT:
                raise NotSwitched(node.type)
            modifiers = [child for child in node.children if child.type == "function_modifiers"] if node.type == "function_item" else []
            self.left_out |= {(word.start_byte, word.end_byte) for child in modifiers for word in child.children if word.text == b"const"}
            node = node.parent

    # --- by genre, as cargo-mutants calls them ---

    def FnValue(self, number, node, start, end, replacement):
        self.inserted.append((start, number, f"if {ON.format(number)} {{ return {replacement}; }}\n"))

    def BinaryOperator(self, number, node, start, end, replacement):
        outer = node.parent
        if outer.type == "let_chain":
            raise NotBuilt("`||` beside `let`")
        if outer.type not in ("binary_expression", "compound_assignment_expr"):
            raise NotSwitched(outer.type)
        # Without parentheses, another operator may bind otherwise.
        while outer.parent.type == "binary_expression":
            outer = outer.parent
        self.instead(number, outer, start, end, replacement)

    def UnaryOperator(self, number, node, start, end, replacement):
        self.instead(number, ancestor(node, "unary_expression"), start, end, "")

    def StructField(self, number, node, start, end, replacement):
        self.instead(number, ancestor(node, "struct_expression"), start, end, "")

    def MatchArmGuard(self, number, node, start, end, replacement):
        self.place(start, end).instead.append((number, replacement))

    def MatchArm(self, number, node, start, end, replacement):
        arm = ancestor(node, "match_arm")
        if not any(other.child_by_field_name("pattern").text == b"_" for other in arm.parent.named_children if other.type == "match_arm"):
            raise NotBuilt("a match without `_`")
        pattern = arm.child_by_field_name("pattern")
        guard = pattern.child_by_field_name("condition")
        off = f"!{ON.format(number)}"
        if guard is None:
            self.inserted.append((pattern.end_byte, number, f" if {off}"))
        else:
            self.place(guard.start_byte, guard.end_byte).before += f"{off} && "

    # --- text ---

    def instead(self, number, node, start, end, replacement):
        text = self.text[node.start_byte:start] + replacement.encode() + self.text[end:node.end_byte]
        self.place(node.start_byte, node.end_byte).instead.append((number, text.decode()))

    def place(self, start, end):
        return self.places.setdefault((start, end), Place(start, end))

    def written(self):
        """The whole text, and [(start, end, number)]: which bytes of it are whose."""
        writer = Writer(self)
        for start, end in self.left_out:
            writer.text = writer.text[:start] + b" " * (end - start) + writer.text[end:]
        writer.copy(0, len(self.text), sorted(self.places.values(), key=lambda place: (place.start, -place.end)),
                    sorted(self.inserted))
        return bytes(writer.out), writer.whose


class Writer:
    def __init__(self, file):
        self.text, self.out, self.whose = file.text, bytearray(), []

    def own(self, number, text):
        start = len(self.out)
        self.out += text.encode()
        self.whose.append((start, len(self.out), number))

    def copy(self, start, end, places, inserted):
        """The bytes from `start` to `end` with all that is to be in them."""
        at = start
        while places or inserted:
            if inserted and (not places or inserted[0][0] <= places[0].start):
                place, number, text = inserted.pop(0)
                self.out += self.text[at:place]
                self.own(number, text)
                at = place
                continue
            place = places.pop(0)
            self.out += self.text[at:place.start]
            inner = [other for other in places if other.end <= place.end]
            within = [other for other in inserted if other[0] < place.end]
            places[:], inserted[:] = places[len(inner):], inserted[len(within):]
            self.switch(place, inner, within)
            at = place.end
        self.out += self.text[at:end]

    def switch(self, place, inner, within):
        self.out += place.before.encode() + b"("
        for number, text in place.instead:
            self.out += f"if {ON.format(number)} {{ ".encode()
            self.own(number, text)
            self.out += b" } else "
        self.out += b"{ "
        self.copy(place.start, place.end, inner, within)
        self.out += b" })"


def ancestor(node, kind):
    while node.type != kind:
        if node.parent is None:
            raise NotSwitched(f"no {kind}")
        node = node.parent
    return node

