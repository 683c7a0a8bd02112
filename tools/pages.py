"""What the project's pages hold: blocks of code with their fence words, commands inside sentences, links."""
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^(?P<fence>```+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=fence)[ ]*$|^<!-- run(?P<hidden>[^\n]*)\n(?P<lines>.*?)^-->$",
                   re.M | re.S)


@dataclass
class Block:
    """One block of code: its language, its words (`as=you keep=CODE`), why it is not run, its text."""
    page: Path
    line: int
    language: str
    words: dict
    norun: str
    text: str
    hidden: bool = False

    @property
    def place(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass
class Page:
    path: Path
    text: str
    blocks: list = field(default_factory=list)

    @property
    def name(self):
        return str(self.path.relative_to(ROOT))

    def prose(self):
        """The text with its blocks blanked."""
        return FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), self.text)


def paths():
    """Every page that is committed or about to be."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in sorted(listed.stdout.split()) if (ROOT / name).exists()]


def words_of(info):
    """`sh as=you norun: needs a Mac` gives ("sh", {"as": "ada"}, "needs a Mac")."""
    info, _, norun = info.partition("norun:")
    first, *rest = info.split() or [""]
    pairs = (word.partition("=") for word in rest)
    return first, {key: value for key, _, value in pairs}, norun.strip()


def read(path):
    text = path.read_text()
    page = Page(path, text)
    for match in FENCE.finditer(text):
        hidden = match.group("lines") is not None
        info = "sh " + match.group("hidden") if hidden else match.group("info")
        body = match.group("lines") if hidden else match.group("text")
        language, words, norun = words_of(info)
        page.blocks.append(Block(path, text.count("\n", 0, match.start()) + 1, language, words, norun, body, hidden))
    return page


def spans(page):
    """(line, text) of each `code span` in the prose."""
    prose = page.prose()
    return [(prose.count("\n", 0, match.start()) + 1, match.group(1).replace("\\|", "|"))
            for match in re.finditer(r"(?<!`)`([^`\n]+)`(?!`)", prose)]


def links(page):
    """(line, target) of each link and picture that stays inside the project."""
    prose = re.sub(r"(?<!`)`[^`\n]+`(?!`)", lambda match: " " * len(match.group()), page.prose())
    targets = re.finditer(r"\]\(([^)\s]+)\)|<img[^>]*src=\"([^\"]+)\"", prose)
    found = [(prose.count("\n", 0, match.start()) + 1, match.group(1) or match.group(2)) for match in targets]
    return [(line, target) for line, target in found if not re.match(r"[a-z]+:", target)]


def anchors(text):
    """Anchors of the headings, as a forge makes them."""
    headings = re.findall(r"^#+ +(.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page):
    """Links that lead nowhere."""
    wrong = []
    for line, target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.path.parent / path).resolve() if path else page.path
        if not file.exists():
            wrong.append(f"{page.name}:{line}: {target} is not there")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
            wrong.append(f"{page.name}:{line}: {target} has no such heading")
    return wrong
