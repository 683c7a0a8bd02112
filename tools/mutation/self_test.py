"""Does a switch do what cargo-mutants' change of the text does? Each sample mutant is built both ways, and both must say the same."""
import subprocess
import tempfile
from pathlib import Path

from mutation import switched

SAMPLE = """
pub struct Pair { left: u32, right: u32 }
impl Pair {
    fn with(self, left: u32) -> Self { Self { left, ..self } }
}
const fn kind(n: u32) -> &'static str {
    match n {
        0 => "zero",
        n if n % 2 == 0 => "even",
        7 | 9 => "high",
        _ => "other",
    }
}
fn both(a: bool, b: bool, c: bool) -> bool {
    a || b && !c
}
fn sum(list: &[u32]) -> u32 {
    let mut total = 1;
    for n in list { total += (n + 3) * 2 - 1; }
    total
}
fn main() {
    for n in 0..10 { print!("{} {} ", kind(n), sum(&[n, 5])); }
    for n in 0..8 { print!("{} ", both(n & 1 > 0, n & 2 > 0, n & 4 > 0)); }
    let Pair { left, right } = Pair { left: 1, right: 2 }.with(3);
    println!("{left} {right}");
}
"""
# genre, text that occurs once, what of it is replaced, and by what, as cargo-mutants would.
MUTANTS = [("FnValue", 'match n {', 'match n {\n        0 => "zero",\n        n if n % 2 == 0 => "even",\n        7 | 9 => "high",\n'
            '        _ => "other",\n    }', '"xyzzy"'),
           ("FnValue", "a || b && !c", "a || b && !c", "false"),
           ("BinaryOperator", "a || b", "||", "&&"), ("BinaryOperator", "b && !c", "&&", "||"), ("UnaryOperator", "!c", "!", ""),
           ("BinaryOperator", "total += (", "+=", "-="), ("BinaryOperator", "total += (", "+=", "*="),
           ("BinaryOperator", "n + 3", "+", "*"), ("BinaryOperator", ") * 2", "*", "+"), ("BinaryOperator", "2 - 1", "-", "+"),
           ("MatchArm", '0 => "zero",', '0 => "zero",', ""), ("MatchArm", '7 | 9 => "high",', '7 | 9 => "high",', ""),
           ("MatchArm", 'n if n % 2 == 0 => "even",', 'n if n % 2 == 0 => "even",', ""), ("MatchArmGuard", "n % 2 == 0", "n % 2 == 0", "true"),
           ("MatchArmGuard", "n % 2 == 0", "n % 2 == 0", "false"), ("BinaryOperator", "% 2 == 0", "==", "!="),
           ("StructField", "Self { left, ..", "left,", "")]
ASKS = """
mod mutants {
    pub fn on(number: usize) -> bool { std::env::var("MUTANT").is_ok_and(|text| text == number.to_string()) }
}
"""


def place(offset):
    before = SAMPLE[:offset]
    return {"line": before.count("\n") + 1, "column": offset - (before.rfind("\n") + 1) + 1}


def spanned(genre, around, replaced, replacement):
    assert SAMPLE.count(around) == 1, around
    start = SAMPLE.index(replaced, SAMPLE.index(around))
    return {"genre": genre, "replacement": replacement, "bytes": (start, start + len(replaced)),
            "span": {"start": place(start), "end": place(start + len(replaced))}}


def program_of(folder, text):
    source, program = Path(folder, "sample.rs"), Path(folder, "sample")
    source.write_text(text)
    subprocess.run(["rustc", "--edition", "2024", "--cap-lints", "allow", "-C", "overflow-checks=off", "-o", program, source], check=True)
    return lambda **variables: subprocess.run([program], env=variables, check=True, capture_output=True, text=True).stdout


def main():
    mutants = [spanned(*mutant) for mutant in MUTANTS]
    file = switched.File(SAMPLE.encode())
    for number, mutant in enumerate(mutants):
        file.add(number, mutant)
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        original = program_of(folder, SAMPLE)()
        every = program_of(folder, file.written()[0].decode() + ASKS)
        answers = [every(MUTANT=str(number)) for number in range(len(mutants))]
        if every() != original:
            wrong.append("with all switches off, the text does something else")
        for (start, end), mutant, answer in zip((m["bytes"] for m in mutants), MUTANTS, answers):
            alone = program_of(folder, SAMPLE[:start] + mutant[3] + SAMPLE[end:])()
            if answer != alone or alone == original:
                wrong.append(f"{mutant}: {answer} with a switch, {alone} without")
    print(*wrong, f"{len(MUTANTS) + 1 - len(wrong)} passed, {len(wrong)} failed", sep="\n")
    return 1 if wrong else 0
