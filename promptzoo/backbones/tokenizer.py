"""The tokenizers of text towers, each read once, at its first use: a vocabulary takes a while, or a hub."""

from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any

import torch
from torch import Tensor

from promptzoo.errors import ZooError
from promptzoo.extras import installing

CLIPS = 49408  # the words of CLIP's own
Words = tuple[tuple[str, Any], ...]


class Tokenizer:
    """Texts -> c t, cut to `context` tokens: CLIP's own, or the one that the hub has by its `name`.

    A copy or a pickle of it is the one that is read already.
    """

    def __init__(self, context: int, name: str | None = None, words: Words = ()) -> None:
        self.context, self.name, self.words = context, name, words

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Raises `ZooError` where its library or its files are not there."""
        ids: Tensor = self.read(list(texts))
        return ids

    @cached_property
    def read(self) -> Any:
        from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

        if self.name is None:
            return SimpleTokenizer(context_length=self.context)
        try:
            return HFTokenizer(self.name, context_length=self.context, **dict(self.words))
        except Exception as error:  # a missing package, a hub out of reach, files that are none
            said = f"the tokenizer '{self.name}' cannot be read ({first_line(error)})"
            way = f"{installing('hf')} and connect to the hub once, or use a head that reads no texts"
            raise ZooError(said, key="backbone.open", given=self.name, remedy=way) from error

    @cached_property
    def start(self) -> int:
        """How many tokens stand before the first word."""
        return 1 if self.name is None else int(self.ends(self([""]))[0])

    def ends(self, ids: Tensor) -> Tensor:
        """c: the place behind the last word of each row, where the end of the text or the padding begins."""
        if self.name is None:
            return ids.argmax(-1)
        ended = torch.isin(ids, torch.tensor(sorted(self.blanks)).to(ids)).int()
        return torch.where(ended.any(-1), ended.argmax(-1), ids.shape[-1] - 1)

    @cached_property
    def blanks(self) -> set[int]:
        """The numbers of what ends a text or fills it up."""
        own = self.read.tokenizer
        found = {own.pad_token_id, own.eos_token_id, own.sep_token_id, 0 if self.read.strip_sep_token else None}
        return {one for one in found if one is not None}

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[int, str | None, Words]]:
        return tokenizer_of, (self.context, self.name, self.words)


def first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:160]}"


@cache
def tokenizer_of(context: int, name: str | None = None, words: Words = ()) -> Tokenizer:
    """The tokenizer for rows of `context` tokens."""
    return Tokenizer(context, name, words)


def tokenizer_for(text: dict[str, Any]) -> Tokenizer:
    """The tokenizer of a text tower as open_clip describes it."""
    words = tuple(sorted(text.get("tokenizer_kwargs", {}).items()))
    if mode := text.get("tokenizer_mode"):
        words += (("tokenizer_mode", mode),)
    return tokenizer_of(text.get("context_length", 77), text.get("hf_tokenizer_name"), words)
