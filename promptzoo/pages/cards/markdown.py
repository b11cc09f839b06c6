"""The pieces of Markdown that cards are made of."""

from collections.abc import Iterable


def sections(*parts: str) -> str:
    """Parts with an empty line between; empty ones are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def fence(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"* {sentence}" for sentence in sentences)


def prose(text: str) -> str:
    """A sentence in which `<` outside code is a sign, not the start of HTML."""
    return "`".join(part if i % 2 else part.replace("<", r"\<") for i, part in enumerate(text.split("`")))


def code(text: str) -> str:
    return f"`{text}`"


def link(text: str, target: str) -> str:
    return f"[{text}]({target})"
