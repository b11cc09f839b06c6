"""The fenced blocks of a Markdown file."""

import functools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fence:
    """A fenced block: its language, its text, where it stands, and the fence right above it, if any."""

    language: str
    text: str
    page: str
    section: str
    line: int
    above: "Fence | None"

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that a comment in the first line names."""
        named = re.match(r"# (\S+\.(?:py|yaml))\n", self.text)
        return named[1] if named else None

    @functools.cached_property
    def commands(self) -> list[list[str]]:
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]


def read(path: Path) -> Iterator[Fence]:
    """Every fence of a file; anything that looks like one and is none is an error."""
    section, above, body, language, start = "", None, None, "", 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith(("```", "~~~")):
            assert line.startswith("```"), f"{path.name}:{number}: a fence stands at the left and is made of ```"
            if body is None:
                body, language, start = [], line[3:], number
            else:
                assert line == "```", f"{path.name}:{number}: a fence inside a fence"
                above = Fence(language, "\n".join(body) + "\n", path.name, section, start, above)
                yield above
                body = None
        elif body is not None:
            body.append(line)
        elif line.startswith("## "):
            section = line[3:]
        elif line.strip():
            above = None
    assert body is None, f"{path.name}:{start}: this fence does not end"
