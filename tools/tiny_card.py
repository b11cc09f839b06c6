"""What the embedded model can do, measured; its weights and its card, written."""

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tiny_scenes as scenes
import torch
import torch.nn.functional as F
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import load_file, save_file
from torch import Tensor

from promptzoo.data.sources.digits import WORDS, ClutteredDigits

MEAN, STD = (torch.tensor(value).view(1, 3, 1, 1) for value in (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD))
TEMPLATES = ("a photo of a {}.", "a photo of the digit {}.", "This is a photo of a {}.")


@cache
def tokens(text: str) -> tuple[int, ...]:
    return tuple(tokenizer()(text)[0].tolist())


@cache
def tokenizer() -> SimpleTokenizer:
    return SimpleTokenizer(context_length=77)


def encode_captions(model: CLIP, captions: list[str]) -> Tensor:
    """Unit features of captions; each distinct one is encoded once, without the empty end of its context."""
    distinct = sorted(set(captions))
    rows = torch.tensor([tokens(text) for text in distinct])
    length = int((rows != 0).sum(1).max())
    rows = rows[:, :length]
    x = model.token_embedding(rows) + model.positional_embedding[:length]
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    x = x[torch.arange(len(rows)), rows.argmax(1)] @ model.text_projection
    number = {text: at for at, text in enumerate(distinct)}
    return F.normalize(x.float(), dim=-1)[[number[text] for text in captions]]


def pixels(pictures: Tensor) -> Tensor:
    """Bytes `n 3 h w` as the model takes them."""
    return (pictures.float() / 255 - MEAN) / STD


def features(model: CLIP, pictures: Tensor) -> Tensor:
    """Unit features of pictures."""
    return torch.cat([model.encode_image(pixels(part), normalize=True) for part in pictures.split(100)])


def zero_shot(model: CLIP, image: Tensor, labels: Tensor, template: str) -> float:
    """Share of pictures (unit features) whose class name, in the template, lies nearest; in percent."""
    text = encode_captions(model, [template.format(word) for word in WORDS])
    return 100 * (image @ text.T).argmax(1).eq(labels).float().mean().item()


def retrieval(model: CLIP, image: Tensor, shown: list[scenes.Scene]) -> tuple[float, float]:
    """Among 100 scenes and a caption of each: how often the nearest caption is true of a scene, in percent.

    Second: how often the scene nearest to a caption fits it.
    """
    rng = np.random.default_rng(0)
    told = [scenes.caption(rng, scene, "anything") for scene in shown]
    facts, claims = scenes.tell([scene.facts() for scene in shown]), scenes.tell([claim for _, claim in told])
    text, right = encode_captions(model, [caption for caption, _ in told]), [[], []]
    for start in range(0, len(shown) - 99, 100):
        part = slice(start, start + 100)
        true = torch.from_numpy((1 - facts[part]) @ claims[part].T < 0.5)
        alike = image[part] @ text[part].T
        right[0] += true[torch.arange(100), alike.argmax(1)].tolist()
        right[1] += true[alike.argmax(0), torch.arange(100)].tolist()
    return 100 * float(np.mean(right[0])), 100 * float(np.mean(right[1]))


def set_pictures(part: str) -> tuple[Tensor, Tensor]:
    """Pictures and labels of a split of the embedded set."""
    listed = getattr(ClutteredDigits(), part)
    drawn = np.stack([np.asarray(picture.open()) for picture in listed])
    return torch.from_numpy(drawn).permute(0, 3, 1, 2), torch.tensor([picture.label for picture in listed])


@torch.no_grad()
def measure(model: CLIP, held: Tensor, shown: list[scenes.Scene]) -> list[tuple[str, str]]:
    """The figures of the card: what, and how much."""
    labels = torch.tensor([next((WORDS.index(t.kind) for t in s.things if t.kind in WORDS), -1) for s in shown])
    image, (clutter, clutter_labels) = features(model, held), set_pictures("val")
    clutter, has_digit = features(model, clutter), labels >= 0
    rows = []
    for template in TEMPLATES:
        for name, at, label in (
            ("scenes like those it was made from", image[has_digit], labels[has_digit]),
            ("`cluttered_digits`, val", clutter, clutter_labels),
        ):
            rows.append((f'zero-shot, "{template}", {name}', f"{zero_shot(model, at, label, template):.1f} %"))
    caption, picture = retrieval(model, image, shown)
    rows.append(("of 100 captions the nearest is true of the picture (scenes)", f"{caption:.1f} %"))
    rows.append(("of 100 pictures the nearest fits the caption (scenes)", f"{picture:.1f} %"))
    return rows


def finish(
    model: CLIP, config: Path, out: Path, settings: dict[str, Any], held: Tensor, shown: list[scenes.Scene]
) -> None:
    """Writes the weights in half precision and the card, and prints the figures, which are of the written file."""
    told = {
        "config_sha256": hashlib.sha256(config.read_bytes()).hexdigest(),
        **{k: str(v) for k, v in settings.items()},
    }
    weights, part = out / "zoo_tiny.safetensors", out / "zoo_tiny.safetensors.part"
    save_file({name: value.half().contiguous() for name, value in model.state_dict().items()}, part, told)
    part.chmod(0o644)
    os.replace(part, weights)
    written = CLIP(**json.loads(config.read_text()))
    written.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    figures = measure(written.eval(), held, shown)
    for what, much in figures:
        print(f"{much:>8}  {what}", flush=True)
    millions = sum(p.numel() for p in written.parameters()) / 1e6
    table = "\n".join(f"| {what} | {much} |" for what, much in figures)
    card = CARD.format(millions=millions, size=weights.stat().st_size / 1e6, table=table, **settings)
    (out / "README.md").write_text(card)


CARD = """# zoo_tiny

A very small CLIP, so that every recipe runs at once, without network: for demonstrations and tests, never for results.

| | |
|---|---|
| architecture | `open_clip.model.CLIP` as in `zoo_tiny.json` |
| pictures | 64 x 64 in patches of 8 x 8, 6 layers of width 128; normalised as OpenAI's CLIP does |
| texts | CLIP's own vocabulary and context of 77, 3 layers of width 64 |
| weights | `zoo_tiny.safetensors`: {millions:.2f} million parameters, fp16, {size:.1f} MB, open_clip's names |
| made by | `python tools/pretrain_tiny.py --out promptzoo/zoo_tiny` |
| run | {steps} steps of {batch} pictures, seed {seed}, {threads} thread, {precision} |
| time | 54 minutes on one core beside other work, for the shipped weights |
| licence | as this repository's |

## Made from

{pool} drawn scenes with captions, no photograph: a digit (in four scenes of five), large and nearly upright, and up
to two plain shapes, in colour on a textured ground; easy scenes first. Captions speak of the digit, or of colours,
shapes, places and grounds. The digits are 900 of the 1,797 handwritten ones that scikit-learn brings (Alpaydin and
Kaynak, "Optical Recognition of Handwritten Digits", UCI, CC BY 4.0); the data set `cluttered_digits` draws from the
other 897. The contrastive loss does not count captions that happen to be true of another picture.

## Good for

| measured on drawings of digits that it was not made from | |
|---|---|
{table}

Its words are the ten digits, eight colours, six shapes, five textures and nine places; about anything else it knows
nothing, and most rows of its vocabulary were never trained.
"""
