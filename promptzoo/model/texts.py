"""Class names in templates, and their way through a text tower."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from promptzoo.backbones.notes import Notes
from promptzoo.backbones.tokenizer import Tokenizer
from promptzoo.backbones.tower import Tower
from promptzoo.data.dataset import spoken
from promptzoo.errors import ZooError, some

Tokenize = Callable[[list[str]], Tensor]

ROWS = 128  # sentences that go through a text tower at a time


def sentences(tokenize: Tokenize, classes: Sequence[str], template: str | Sequence[str]) -> Tensor:
    """-> k c n, the token numbers of each class's name in each of k templates; underscores of a name are spaces.

    Raises `ZooError` for a template without `{}`, and naming each class whose sentence is longer than the tower reads.
    """
    templates = [template] if isinstance(template, str) else list(template)
    found = []
    for one in templates:
        if "{}" not in one:
            raise ZooError(f"the template '{one}' has no {{}} for the class name", key="template", given=one)
        written = [one.replace("{}", spoken(name)) for name in classes]
        ids = tokenize(written)
        places = ids.shape[-1]
        full = [row for row, end in enumerate(ends(tokenize, ids).tolist()) if end == places - 1]
        if cut := [classes[row] for row in full if length(tokenize, written[row]) > places]:
            raise ZooError(
                f"too long for the text tower, which reads {places} tokens: {some(cut)} in the template '{one}'",
                given=cut,
            )
        found.append(ids)
    return torch.stack(found)


def length(tokenize: Tokenize, sentence: str) -> int:
    """The tokens of a sentence with its start and its end, however many the tower reads; words are cut one by one.

    A word that alone fills what the tower reads counts as one token too many: what was cut of it is not known.
    """
    ids, start = tokenize(sentence.split()), first(tokenize)
    found = ends(tokenize, ids)
    return start + 1 + int((found - start).sum()) + int(found.max() == ids.shape[-1] - 1)


def ends(tokenize: Tokenize, ids: Tensor) -> Tensor:
    """r n -> r: the place behind the last word of each row; that of the largest number, where nothing else is said."""
    found: Tensor = tokenize.ends(ids) if isinstance(tokenize, Tokenizer) else ids.argmax(-1)
    return found


def first(tokenize: Tokenize) -> int:
    """The place of the first word in each row."""
    return tokenize.start if isinstance(tokenize, Tokenizer) else 1


def through(text: Tower, ids: Tensor, sentence: Tensor, picture: Tensor | None = None) -> Tensor:
    """r n -> r t.  Notes tell what acts in the tower which row is which.

    `sentence` (r) is the number of the row among the head's sentences, template by template, class by class; `picture`
    (r t) the unit feature of the picture that the text will be compared with, where texts depend on it.
    """
    notes = Notes(ids.shape[0])
    notes["sentence"] = sentence
    if picture is not None:
        notes["picture"] = picture
    found: Tensor = text(ids, notes)
    return found


@torch.no_grad()
def encode_text(text: Tower, tokenize: Tokenize, classes: Sequence[str], template: str | Sequence[str]) -> Tensor:
    """-> c t, unit rows on the CPU: each class's name in the template; of several templates the unit rows' mean.

    Radford et al. 2021 (CLIP), Sec. 3.1.4.  The tower should be bare (`Model.ungrafted`).  A hollow tower gives zeros,
    or what it knows, whatever the template.
    Raises `ZooError` as `sentences` does.
    """
    written = sentences(tokenize, classes, template)
    if text.known is not None:
        return normalize(torch.stack([text.known[spoken(name)] for name in classes]), dim=-1)
    if text.hollow:
        return torch.zeros(len(classes), text.out)
    device = next(text.parameters()).device
    total = torch.zeros(len(classes), text.out)
    for ids in written:
        rows = [text.features(part).float().cpu() for part in torch.split(ids.to(device), ROWS)]
        total += normalize(torch.cat(rows), dim=-1)
    return normalize(total, dim=-1)
