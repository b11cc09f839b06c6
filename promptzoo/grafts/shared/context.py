"""Learned vectors among the words of the class texts."""

from typing import Any, Literal

import torch
from torch import Tensor, nn

from promptzoo.backbones.notes import Notes
from promptzoo.errors import ZooError, some
from promptzoo.model.heads import TextSimilarity, text_head
from promptzoo.model.model import Model
from promptzoo.model.site import Around, Wrap, bare
from promptzoo.model.texts import ends, first

Position = Literal["end", "middle", "front"]


class Context(nn.Module):
    """`length` learned vectors in every class text, the same for all classes or (`class_specific`) each its own.

    `position` is the class name's: at the `end` of the vectors, in their `middle`, or in `front` of them; what stands
    before the name goes after the start token.  The words `init` are what the vectors begin as, and how many they are;
    with more `length` than words, zeros stand before the words.  Without words, draws of standard deviation 0.02.
    The head's sentences hold no places for them: words behind them move to the right, over the padding at the end.
    Raises `ZooError` naming the classes without room, and for a second such graft.
    """

    order: Tensor

    def __init__(
        self,
        model: Model,
        *,
        length: int | None = None,
        init: str | None = None,
        position: Position = "end",
        class_specific: bool = False,
    ):
        super().__init__()
        head = text_head(model, "a context of learned vectors")
        start = beginning(model, head, length, init)
        self.length, self.classes, self.start = len(start), len(head.names), first(head.tokenize)
        if class_specific:
            start = start.repeat(self.classes, 1, 1) if init else torch.randn(self.classes, *start.shape) * 0.02
        self.class_specific, self.vectors = class_specific, nn.Parameter(start)
        self.register_buffer("order", arrangement(head, self.length, position), persistent=False)  # s n

    def attach(self, model: Model, name: str, wrap: Wrap) -> None:
        """Grafts `wrap`, which calls `put`, onto the words of the text tower."""
        site = model.at("text.tokens")[0]
        module: Any = site.module
        while isinstance(module, Around):
            owner = getattr(module.wrap[0], "__self__", None)
            if any(isinstance(part, Context) for part in getattr(owner, "modules", tuple)()):
                raise ZooError(
                    f"'{module.name}' and '{name}' both put words into the class texts at text.tokens; use only one"
                )
            module = module.step
        site.around(wrap, name)

    def put(self, tokens: Wrap, ids: Tensor, notes: Notes, shift: Tensor | None = None) -> Tensor:
        """r n -> r n d; `shift` (r 1 d) is added to the vectors.  Token numbers move along: they tell the end."""
        x: Tensor = tokens(ids, notes)
        vectors: Tensor = self.vectors[notes["sentence"] % self.classes] if self.class_specific else self.vectors
        vectors = (vectors if shift is None else vectors + shift).to(x.dtype).expand(x.shape[0], -1, -1)
        source = self.order[notes["sentence"]]
        notes["ids"] = torch.cat([ids.new_zeros(ids.shape[0], self.length), ids], 1).gather(1, source)
        return torch.cat([vectors, x], 1).gather(1, source.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


def beginning(model: Model, head: TextSimilarity, length: int | None, init: str | None) -> Tensor:
    """m d: what the vectors begin as.  Raises `ZooError` when they are fewer than the words, or none."""
    assert model.text is not None
    table = bare(model.text.tokens).table
    if init is None:
        length = 16 if length is None else length
        if length < 1:
            raise ZooError(f"length must be 1 or more, got {length}", key="length", given=length)
        return torch.randn(length, table.embedding_dim) * 0.02
    ids = head.tokenize([init])[0]
    begin, end = first(head.tokenize), int(ends(head.tokenize, ids[None]))
    words: Tensor = table(ids[begin:end].to(table.weight.device)).detach().float().cpu()
    length = len(words) if length is None else length
    if not len(words) or length < len(words):
        said, way = f"init '{init}' has {len(words)} tokens, but length is {length}", "leave out one of the two"
        raise ZooError(said, key="init", given=init, remedy=way)
    return torch.cat([words.new_zeros(length - len(words), words.shape[1]), words])


def arrangement(head: TextSimilarity, length: int, position: Position) -> Tensor:
    """s n: where each place of a new sentence comes from, a vector (below `length`) or, behind those, a word.

    Raises `ZooError` naming the classes that have no room.
    """
    ids = head.ids.flatten(0, 1).cpu()
    start, places = first(head.tokenize), ids.shape[-1]
    full = (ends(head.tokenize, ids) + length >= places).nonzero().flatten().tolist()
    if full:
        lacking = dict.fromkeys(head.names[row % len(head.names)] for row in full)
        raise ZooError(
            f"no room for {length} more tokens in the {places} that the text tower reads, "
            f"for the class {some(lacking)}",
            key="length",
            given=length,
            remedy="use fewer tokens, or shorter names",
        )
    before = {"end": length, "middle": length // 2, "front": 0}[position]
    behind = torch.full((len(ids), 1), start) if position == "end" else names_end(head, ids).unsqueeze(1)
    place = torch.arange(places).expand(len(ids), -1)
    found = torch.where(place < behind + length, place - behind.long(), place)
    found = torch.where(place < behind + before, place + length - before, found)
    found = torch.where(place < start + before, place - start, found)
    return torch.where(place < start, place + length, found)


def names_end(head: TextSimilarity, ids: Tensor) -> Tensor:
    """s: the place behind the class name in each sentence.  Raises `ZooError` where no token ends with the name."""
    found = []
    for row, tokens in enumerate(ids):
        template, name = head.templates[row // len(head.names)], head.names[row % len(head.names)]
        alone = head.tokenize([template.partition("{}")[0] + name])[0].to(tokens)
        end = int(ends(head.tokenize, alone[None]))
        if not torch.equal(alone[:end], tokens[:end]):
            said = f"in '{template}' no token ends at the end of the class name '{name}'"
            raise ZooError(said, key="position", given=name, remedy="use position 'end'")
        found.append(end)
    return torch.tensor(found)
