"""CLIP's tokenizer, read once: its vocabulary takes a while."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from torch import Tensor


class Tokenizer:
    """Texts -> c t, cut to `context` tokens.  A copy or a pickle of it is the one that is read already."""

    def __init__(self, context: int) -> None:
        import open_clip

        self.context, self.read = context, open_clip.SimpleTokenizer(context_length=context)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        ids: Tensor = self.read(texts)
        return ids

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[int]]:
        return tokenizer_of, (self.context,)


@cache
def tokenizer_of(context: int) -> Tokenizer:
    """The tokenizer for rows of `context` tokens."""
    return Tokenizer(context)
