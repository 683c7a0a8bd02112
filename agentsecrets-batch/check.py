#!/usr/bin/env python3
"""Looks for timing leaks: in the model with valgrind, in machine code by reading it.

    check.py constant-time PROGRAM   the example `ctgrind`: valgrind reports every jump and every address that depends on a
                                     secret; none in the model, and the one that is planted with `leak`
    check.py binary PROGRAM          the machine code of `ladder` and `multiply`, where secret scalars are worked on: no call in
                                     a loop, so that no wrapper stopped being inlined; no gather, no scatter, no division; no
                                     jump and no address that depends on what came out of a vector or mask register;
                                     and the stack that is wiped afterwards is larger than the deepest chain of frames
    check.py --self-test             plants each kind of leak and shows that it is found

Values that the compiler would load from memory straight into a general register are not followed through memory other than
the stack. Closes with "N passed, N failed".
"""
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
HOT = {"ladder": r"ifma6ladder6ladder", "multiply": r"ifma5table8multiply"}
# Multiplications of a step of the ladder with this instruction, at the least: fewer would mean that it is another function.
MADDS = {"ladder": 300, "multiply": 300}

REGISTER = {}
for name in "ax bx cx dx".split():
    REGISTER.update({form: name for form in (f"r{name}", f"e{name}", name, f"{name[0]}l", f"{name[0]}h")})
for name in "si di bp sp".split():
    REGISTER.update({form: name for form in (f"r{name}", f"e{name}", name, f"{name}l")})
for number in range(8, 16):
    REGISTER.update({f"r{number}{suffix}": f"r{number}" for suffix in ("", "d", "w", "b")})

LINE = re.compile(r"^\s*([0-9a-f]+):\s+(?:lock |rep[nz]* |notrack )?(\S+)\s*(.*)$")
JUMP = re.compile(r"^j(?!mp)[a-z]+$")
SETS_FLAGS = re.compile(r"^(cmp|test|sub|add|and|or|xor|inc|dec|neg|shl|shr|sar|bt|adc|sbb|kortest|ktest|vptest|vtest|vu?comis)")
READS_FLAGS = re.compile(r"^(cmov|set|adc|sbb|rc[lr])")
OVERWRITES = re.compile(r"^(mov(?!s)|movz|movs[xl]|lea|set|cmov|pop|kmov|vmov|vpextr|vpmovmskb|popcnt|lzcnt|tzcnt|rorx|shlx|shrx|andn|pext|bextr)")


def functions(text):
    """{symbol: [(address, mnemonic, operands)]}, each function up to its padding."""
    found, current = {}, None
    for line in text.splitlines():
        if match := re.match(r"^[0-9a-f]+ <(.*)>:$", line):
            current = found.setdefault(match.group(1), [])
        elif current is not None and (match := LINE.match(line)):
            if match.group(2) == "int3":
                current = None
            else:
                current.append((int(match.group(1), 16), match.group(2), match.group(3).split("#")[0].strip()))
    return found


def split(operands):
    """AT&T operands; commas inside parentheses belong to an address."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", operands)] if operands else []


def registers(operand):
    return {REGISTER[name] for name in re.findall(r"%(\w+)", operand) if name in REGISTER}


def is_vector(operand):
    return re.search(r"%([xyz]mm\d+|k[0-7])", operand) is not None and "(" not in operand


def slot(operand):
    return operand if re.fullmatch(r"(-?0x[0-9a-f]+)?\(%r[bs]p\)", operand) else None


def leaks(code):
    """What is wrong in a function, line by line; a value is secret once it came out of a vector or mask register."""
    found, secret, spilled = [], set(), set()
    loops = [(int(to.group(1), 16), address) for address, name, text in code
             if name.startswith("j") and (to := re.match(r"([0-9a-f]+)", text)) and int(to.group(1), 16) <= address]
    for _ in range(3):  # A loop carries what it found back to its start.
        flags = False
        for address, name, text in code:
            operands = split(text)
            where = f"{address:x}: {name} {text}"
            if name.startswith("nop"):
                continue
            if name.startswith("call") and any(start <= address <= end for start, end in loops):
                found.append(f"a call in a loop {where}")
            if re.match(r"vp?(gather|scatter)", name) or re.match(r"(i?div)", name):
                found.append(f"time depends on data {where}")
            for operand in operands:
                if "(" in operand and registers(operand) & secret:
                    found.append(f"an address that depends on a secret {where}")
            if JUMP.match(name) and flags:
                found.append(f"a jump that depends on a secret {where}")
            if name.startswith("jmp") and registers(text) & secret:
                found.append(f"a jump to a secret address {where}")
            target = operands[-1] if operands else ""
            sources = operands[:-1] if OVERWRITES.match(name) or name.startswith("v") else operands
            if re.match(r"^(xor|sub)[lq]?$", name) and len(operands) == 2 and operands[0] == operands[1]:
                sources = []
            tainted = any(is_vector(o) and not target.startswith("%k") and not is_vector(target)
                          or not is_vector(o) and "(" not in o and registers(o) & secret or o in spilled for o in sources)
            tainted |= bool(READS_FLAGS.match(name) and flags)
            if SETS_FLAGS.match(name) and not name.startswith(("setb", "set")):
                flags = tainted or name.startswith(("kortest", "ktest", "vptest"))
            if JUMP.match(name) or name.startswith(("cmp", "test", "bt")) or not target:
                continue
            if "(" not in target and not is_vector(target):
                (secret.update if tainted else secret.difference_update)(registers(target))
            elif slot(target):
                vector = any(is_vector(o) for o in sources)
                (spilled.add if tainted and not vector else spilled.discard)(target)
    return sorted(set(found))


def frames(code, symbols):
    """Bytes of stack of each function of this crate, with what it calls."""
    size = 0
    for _, name, text in code:
        if match := re.fullmatch(r"\$0x([0-9a-f]+),%rsp", text) if name == "sub" else None:
            size += int(match.group(1), 16)
        size += 8 * (name == "push")
    callees = {match.group(1) for _, name, text in code if name.startswith(("call", "jmp"))
               and (match := re.search(r"<([^>+]+)>", text)) and match.group(1) in symbols}
    return size + 8, callees


def deepest(symbols, start, seen=()):
    size, callees = frames(symbols[start], symbols)
    return size + max((deepest(symbols, callee, (*seen, start)) for callee in callees - {start, *seen}), default=0)


def disassembly(program):
    return subprocess.run(["objdump", "-d", "--no-show-raw-insn", program], check=True, capture_output=True, text=True).stdout


def binary(program):
    symbols = functions(disassembly(program))
    results = []
    for name, pattern in HOT.items():
        code = next((code for symbol, code in symbols.items() if re.search(pattern + r"17h", symbol)), [])
        madds = sum(instruction.startswith("vpmadd52") for _, instruction, _ in code)
        jumps = sum(bool(JUMP.match(instruction)) for _, instruction, _ in code)
        found = leaks(code) if madds >= MADDS[name] else [f"not found: {len(code)} instructions, {madds} vpmadd52"]
        print(f"    {name}: {len(code)} instructions, {madds} vpmadd52, {jumps} jumps, {len(found)} leaks")
        results.append(found)
    wiped = 8 * int(re.search(r"const STACK: usize = (\d+);", (HERE / "src/wipe.rs").read_text()).group(1))
    own = {symbol: code for symbol, code in symbols.items() if "agentsecrets_batch4ifma" in symbol}
    starts = [symbol for symbol in own if re.search(r"ifma5boxes4(seal|open)17h|x25519(6x25519|12x25519_table)17h", symbol)]
    depth = max((deepest(own, start) for start in starts), default=0)
    print(f"    stack: {depth} bytes deep, {wiped} wiped")
    results.append([] if 1000 < depth < wiped else [f"the stack is {depth} bytes deep, {wiped} are wiped"])
    return results


def constant_time(program):
    def run(*more):
        return subprocess.run(["valgrind", "-q", "--error-exitcode=9", program, *more], capture_output=True, text=True)
    clean, leak = run(), run("leak")
    done = clean.stdout.splitlines()
    return [
        [] if clean.returncode == 0 and done == ["ladder: done", "table: done", "seal: done", "open: done"]
        else [f"the model leaks: {clean.stdout}{clean.stderr[:4000]}"],
        [] if leak.returncode == 9 and "Use of uninitialised value" in leak.stderr
        else [f"the planted leak was not found: {leak.stdout}{leak.stderr[:4000]}"],
    ]


PLANTED = [  # machine code, what must be found ("" for nothing)
    ("kmovd %k1,%edx\n xor %edx,%edi\n kmovd %edi,%k2", ""),
    ("kmovd %k1,%edx\n test %edx,%edx\n jne 10", "a jump"),
    ("vmovq %xmm3,%rax\n mov (%rsi,%rax,8),%rcx", "an address"),
    ("vpextrq $0x1,%xmm3,%rax\n lea 0x1(%rax),%rbx\n mov %rbx,%rcx\n cmp $0x3,%rcx\n jb 10", "a"),
    ("kortestb %k1,%k1\n je 10", "a jump"),
    ("vpgatherqq (%rax,%zmm1,8),%zmm2{%k1}", "time"),
    ("call 4000 <_mm512_madd52lo_epu64>\n jb 0", "a call"),
    ("call 4000 <doubled>\n nopl (%rax)", ""),
    ("kmovd %k1,%eax\n mov %eax,0x8(%rsp)\n mov 0x8(%rsp),%ecx\n mov (%rdi,%rcx,1),%al", "an address"),
    ("kmovd %k1,%eax\n xor %eax,%eax\n test %eax,%eax\n je 10", ""),
    ("add $0x40,%rax\n cmp $0x1000,%rax\n jb 10\n vmovdqa64 (%rdi,%rax,1),%zmm1", ""),
]


def self_test():
    results = []
    for text, expected in PLANTED:
        code = functions("0 <f>:\n" + "\n".join(f" {n:x}:\t{line.strip()}" for n, line in enumerate(text.splitlines())))["f"]
        found = leaks(code)
        right = any(what.startswith(expected) for what in found) if expected else not found
        results.append([] if right else [f"expected {expected!r}, found {found} in {text!r}"])
    return results


def main():
    match sys.argv[1:]:
        case ["--self-test"]:
            results = self_test()
        case ["constant-time", program]:
            results = constant_time(program)
        case ["binary", program]:
            results = binary(program)
        case _:
            print(__doc__)
            return 2
    for found in results:
        print(*found, sep="\n", end="\n" if found else "")
    failed = sum(bool(found) for found in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
