"""The pieces of Markdown that cards are made of."""

import re
from collections.abc import Callable, Iterable

OVERRIDE = re.compile(r"""\b[a-z]\w*(\.[\w*]+)*=(\{.*?\}+|\[.*?\]|"[^"]*"|[^\s.,;:)'"]+(\.[^\s.,;:)'"]+)*)""")


def sections(*parts: str) -> str:
    """Parts with an empty line between; empty ones are left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def fence(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"* {sentence}" for sentence in sentences)


def prose(text: str) -> str:
    """A sentence in which `<` outside code is a sign, not the start of HTML."""
    return outside(text, lambda part: part.replace("<", r"\<"))


def coded(text: str) -> str:
    """A sentence in which overrides are code."""
    return outside(text, lambda part: OVERRIDE.sub(r"`\g<0>`", part))


def outside(text: str, change: Callable[[str], str]) -> str:
    """A text changed where it is not code."""
    return "`".join(part if i % 2 else change(part) for i, part in enumerate(text.split("`")))


def code(text: str) -> str:
    return f"`{text}`"


def link(text: str, target: str) -> str:
    return f"[{text}]({target})"
