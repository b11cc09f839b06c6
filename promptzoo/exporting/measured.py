"""How large an .onnx file is, and how fast beside torch: `measure_file`."""

from dataclasses import dataclass
from pathlib import Path

import torch

from promptzoo.costs.clock import Compared, alternate
from promptzoo.costs.conditions import Conditions
from promptzoo.costs.sides import forward, pictures, whole
from promptzoo.errors import ZooError
from promptzoo.exporting.onnx_file import OnnxFile
from promptzoo.model.heads import fixed
from promptzoo.recipe.recipe import Recipe

REPEATS = 7
LEARNING = ("losses", "knowledge", "train")  # sections of a recipe that no file holds anything of


@dataclass(frozen=True)
class MeasuredFile:
    """The `size` of a file in bytes, and the seconds of a batch: torch's (`bare`) and onnxruntime's (`recipe`)."""

    path: Path
    size: int
    seconds: Compared
    conditions: Conditions

    def told(self) -> str:
        """The conditions in one line."""
        under = self.conditions
        return f"batch {under.batch}, fp32, threads {under.threads}, {under.hardware()}, wall time, {REPEATS} pairs"


def measure_file(file: str | Path) -> MeasuredFile:
    """Times a file and the model that it was made of in turn, on random pictures, on the processor, in float32.

    The model is built anew from the recipe in the file, with random weights, on which its time does not depend.
    Raises `ZooError` for what is not a file of ours, and where it names no recipe, or code.
    """
    opened = OnnxFile(file)
    if opened.facts.recipe is None:
        raise ZooError("it was exported from a model made in Python, which is unknown here", place=opened.path)
    told = {section: words for section, words in opened.facts.recipe.items() if section not in LEARNING}
    recipe = Recipe(told, str(file), trusted=False)
    classes = len(opened.classes)
    under = Conditions.of(recipe, classes=classes, batch=None, precision="fp32", threads=None, device="cpu")
    with under.held():
        model = whole(recipe, under).eval()
        image = pictures(model, under)
        timed = OnnxFile(file)  # with the threads of here
        with torch.no_grad(), fixed(model):
            found = alternate((forward(model, image, under), lambda: timed.likely(image)), REPEATS)
    return MeasuredFile(opened.path, opened.size, found.wall, under)
