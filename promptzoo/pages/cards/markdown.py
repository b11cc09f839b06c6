"""The pieces of Markdown that cards are made of."""

from collections.abc import Iterable, Sequence


def sections(*parts: str) -> str:
    """Parts with an empty line between; empty ones are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def fence(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"* {sentence}" for sentence in sentences)


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """A table; the columns `right` stand to the right.  Nothing where there are no rows."""
    numbers, filled = set(right), [[cell.replace("|", r"\|") for cell in row] for row in rows]
    if not filled:
        return ""
    rule = ["---:" if column in numbers else "---" for column in range(len(titles))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [titles, rule, *filled])


def prose(text: str) -> str:
    """A sentence in which `<` outside code is a sign, not the start of HTML."""
    return "`".join(part if i % 2 else part.replace("<", r"\<") for i, part in enumerate(text.split("`")))


def code(text: str) -> str:
    return f"`{text}`"


def link(text: str, target: str) -> str:
    return f"[{text}]({target})"
