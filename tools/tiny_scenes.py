"""What the embedded model is made from: scenes, what is true of them, and ways of saying it."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from promptzoo.data.sources import drawing
from promptzoo.data.sources.digits import WORDS, sources
from promptzoo.data.sources.drawing import Floats

PLACES = ("top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right")
DIGIT_SAYINGS = (
    "a photo of the digit {}.", "a photo of a {}.", "This is a photo of a {}.", "a photo of the number {}.",
    "a photo of {}.", "This is a photo of the digit {}.", "the digit {}.", "a picture of the number {}.",
    "a handwritten {}.", "{}", "a {}.", "an image of a {}.", "itap of a {}.", "a bad photo of the {}.",
    "a close-up photo of a {}.",
)  # fmt: skip
THING_SAYINGS = ("{}", "a photo of {}.", "{}.", "This is a photo of {}.", "an image of {}.", "a picture of {}.")
Claims = tuple[str, ...]


@dataclass(frozen=True)
class Thing:
    """A digit or a shape of a scene."""

    kind: str
    colour: str
    place: str

    def facts(self) -> Claims:
        return self.kind, f"{self.colour} {self.kind}", f"{self.kind} at {self.place}"


@dataclass(frozen=True)
class Scene:
    """What a picture shows; `facts` are all that its captions may claim."""

    things: tuple[Thing, ...]
    texture: str
    ground: str

    def facts(self) -> Claims:
        told = [fact for thing in self.things for fact in thing.facts()]
        return (*told, self.texture, f"{self.ground} ground")


def _atoms() -> dict[str, int]:
    kinds = (*WORDS, *drawing.SHAPES)
    told = [*kinds, *drawing.TEXTURES, *(f"{colour} ground" for colour in drawing.GROUNDS)]
    told += [f"{colour} {kind}" for colour, kind in product(drawing.INKS, kinds)]
    told += [f"{kind} at {place}" for kind, place in product(kinds, PLACES)]
    return {fact: number for number, fact in enumerate(told)}


ATOMS = _atoms()


def tell(facts: list[Claims]) -> np.ndarray:
    """Lists of facts (or claims) as rows of 0 and 1, one column for each fact there can be."""
    table = np.zeros((len(facts), len(ATOMS)), np.float32)
    for row, told in zip(table, facts, strict=True):
        row[[ATOMS[fact] for fact in told]] = 1
    return table


def draw(seed: int, number: int, split: str = "pretrain", hardness: float = 1.0) -> tuple[np.ndarray, Scene]:
    """Scene `number` of a split: a digit large and upright (in four scenes of five), and up to two shapes beside it.

    At hardness 0 the digit is larger still, most grounds are plain, and a digit stands alone.
    """
    rng = np.random.default_rng([seed, number, list(sources()[1]).index(split)])
    masks, split_sources = sources()
    names = list(drawing.GROUNDS)
    texture = drawing.TEXTURES[rng.integers(len(drawing.TEXTURES))] if rng.random() < 0.2 + 0.8 * hardness else "plain"
    first_name, second_name = (names[i] for i in rng.choice(len(names), 2, replace=False))
    first, second = (drawing.paint(rng, drawing.GROUNDS[name]) for name in (first_name, second_name))
    canvas = drawing.ground(rng, texture, first, second)
    has_digit = rng.random() < 0.8
    shapes = int(rng.integers(0 if has_digit else 1, 3)) if rng.random() < hardness or not has_digit else 0
    cells = rng.permutation(9).tolist()
    things: list[Thing] = []
    for _ in range(shapes):
        size = float(rng.uniform(13, 22))
        kind = drawing.SHAPES[rng.integers(len(drawing.SHAPES))]
        things.append(_put(rng, canvas, cells[len(things)], drawing.shape_masks()[kind], kind, size, 180))
    if has_digit:
        label = int(rng.integers(10))
        mask = masks[rng.choice(split_sources[split][label])]
        size = float(rng.uniform(44 - 18 * hardness, 58 - 14 * hardness))
        things.append(_put(rng, canvas, cells[len(things)], mask, WORDS[label], size, 10))
    picture = np.asarray(drawing.finish(rng, canvas))
    return picture, Scene(tuple(things), texture, first_name)


def _put(
    rng: np.random.Generator, canvas: Floats, cell: int, mask: Floats, kind: str, size: float, tilt: float
) -> Thing:
    room = drawing.SIDE - size
    centre = [size / 2 + room * np.clip((at + rng.uniform(0.1, 0.9)) / 3, 0, 1) for at in divmod(cell, 3)]
    colour = list(drawing.INKS)[rng.integers(len(drawing.INKS))]
    drawing.stamp(canvas, mask, centre, size, float(rng.uniform(-tilt, tilt)), drawing.paint(rng, drawing.INKS[colour]))
    return Thing(kind, colour, PLACES[cell])


def caption(rng: np.random.Generator, scene: Scene, about: str) -> tuple[str, Claims]:
    """A caption of a scene and what it claims: `about` its "digit" alone, or "anything"."""
    digit = next((thing for thing in scene.things if thing.kind in WORDS), None)
    if about == "digit" and digit is not None:
        return str(rng.choice(DIGIT_SAYINGS)).format(digit.kind), (digit.kind,)
    kind = rng.random()
    if kind < 0.15:
        phrase, claims = f"{scene.texture} {scene.ground}", (scene.texture, f"{scene.ground} ground")
    elif kind < 0.25:
        phrase, claims = f"a {scene.texture} ground", (scene.texture,)
    elif kind < 0.7 or len(scene.things) == 1:
        thing = scene.things[rng.integers(len(scene.things))]
        choices = (
            (f"a {thing.colour} {thing.kind}", f"{thing.colour} {thing.kind}"),
            (f"a {thing.kind} at the {thing.place}", f"{thing.kind} at {thing.place}"),
            (f"a {thing.kind}", thing.kind),
        )
        phrase, claim = choices[rng.choice(3, p=[0.5, 0.3, 0.2])]
        claims = (claim,)
        if rng.random() < 0.3:
            phrase, claims = f"{phrase} on {scene.ground}", (claim, f"{scene.ground} ground")
    else:
        one, other = (scene.things[i] for i in rng.choice(len(scene.things), 2, replace=False))
        phrase = f"a {one.colour} {one.kind} and a {other.colour} {other.kind}"
        claims = (f"{one.colour} {one.kind}", f"{other.colour} {other.kind}")
    return str(rng.choice(THING_SAYINGS)).format(phrase), claims
