"""Class names in templates, through a frozen text tower."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from promptzoo.errors import ZooError
from promptzoo.tower import Tower

Tokenize = Callable[[list[str]], Tensor]

ROWS = 256  # sentences that go through a text tower at a time


@torch.no_grad()
def encode_text(text: Tower, tokenize: Tokenize, classes: Sequence[str], template: str | Sequence[str]) -> Tensor:
    """-> c t, unit rows on the CPU: each class's name in the template; of several templates the unit rows' mean.

    Radford et al. 2021 (CLIP), Sec. 3.1.4.  A hollow tower gives zeros.  Raises `ZooError` for a template without `{}`.
    """
    templates = [template] if isinstance(template, str) else list(template)
    for one in templates:
        if "{}" not in one:
            raise ZooError(f"the template '{one}' has no {{}} for the class name")
    if text.hollow:
        return torch.zeros(len(classes), text.out)
    device = next(text.parameters()).device
    total = torch.zeros(len(classes), text.out)
    for one in templates:
        ids = tokenize([one.replace("{}", name) for name in classes]).to(device)
        rows = [text.features(part).float().cpu() for part in torch.split(ids, ROWS)]
        total += normalize(torch.cat(rows), dim=-1)
    return normalize(total, dim=-1)
