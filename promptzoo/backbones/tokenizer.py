"""CLIP's tokenizer, read once: its vocabulary takes a while."""

from collections.abc import Callable, Sequence
from functools import cache

from torch import Tensor


@cache
def tokenizer_of(context: int) -> Callable[[Sequence[str]], Tensor]:
    """Texts -> c t, cut to `context` tokens."""
    import open_clip

    tokenizer = open_clip.SimpleTokenizer(context_length=context)
    return lambda texts: tokenizer(texts)
