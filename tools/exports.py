"""Writes docs/exports.md: every recipe as a torch.export program and as an ONNX file, on three families of backbones.

python tools/exports.py               prints the page; a quarter of an hour
python tools/exports.py --write       and writes it
python tools/exports.py lora lore     prints that of these recipes alone
"""

import argparse
import os
import sys
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "tests"))  # its small backbones

import small
import torch

from promptzoo.errors import ZooError
from promptzoo.exporting.facts import Facts
from promptzoo.exporting.program import BATCHES, traced
from promptzoo.exporting.to_onnx import to_onnx
from promptzoo.exporting.to_pt2 import to_pt2
from promptzoo.model.heads import by_class
from promptzoo.pages.table import Table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "exports.md"
FAMILIES = {"vit": "ViT", "swin": "Swin", "clip": "CLIP"}
TEXTS, MAPS = "its head compares with class texts: it needs a text tower", "its convolutions need the maps of a ResNet"


def differences(name: str, kind: str) -> tuple[float, float]:
    """Of the .pt2 and of the .onnx file: the largest one to the model over all batches, relative to the largest logit.

    No parameter is zero, so that nothing hides.  Raises `ZooError` where the recipe cannot be written so.
    """
    model = small.built(name, kind)
    small.randomise(model)
    facts = Facts(model.backbone.preprocess, model.classes, by_class(model), None, model.backbone.name, "random")
    program = traced(model, name)
    return to_pt2(program, facts)[1], to_onnx(program, facts)[1]


def page(names: list[str]) -> str:
    """docs/exports.md."""
    table = Table(["recipe", *(f"{family}, {form}" for family in FAMILIES.values() for form in ("pt2", "onnx"))])
    reasons: dict[str, list[str]] = {}
    for name in names:
        cells = []
        for kind in FAMILIES:
            try:
                if not small.fits(name, kind):
                    raise ZooError(MAPS if name in small.OF_MAPS else TEXTS)
                cells += [f"{found:.1e}" for found in differences(name, kind)]
            except ZooError as error:
                reasons.setdefault(str(error).partition("\n")[0], []).append(f"{name} on {FAMILIES[kind]}")
                cells += ["-", "-"]
        table.add(name, *cells)
        print(name, *cells, file=sys.stderr, flush=True)
    versions = ", ".join(f"{package} {version(package)}" for package in ("torch", "onnx", "onnxscript", "onnxruntime"))
    lines = [
        "# What can be exported",
        "",
        "Written by `python tools/exports.py --write`: every shipped recipe on a small ViT, Swin and CLIP with random "
        "weights, as a program of torch.export and as an ONNX file in onnxruntime.  A number is the largest difference "
        "to the model's logits, relative to the largest logit, at "
        f"{', '.join(map(str, BATCHES[:-1]))} and {BATCHES[-1]} pictures at a time; the file was traced at another "
        f"number.  {versions}, on a processor, in float32.  The size of a picture is fixed in a file.",
        "",
        table.markdown(),
        "",
        *(f"Cannot be ({reason}): {', '.join(found)}.\n" for reason, found in reasons.items()),
        *(
            f"{name} on a small ResNet: pt2 {{:.1e}}, onnx {{:.1e}}.\n".format(*differences(name, "resnet"))
            for name in names
            if name in small.OF_MAPS
        ),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help="print these alone")
    parser.add_argument("--write", action="store_true", help="write the page")
    given = parser.parse_args()
    if given.write and given.recipes:
        parser.error("--write writes the page of all recipes; leave their names out")
    if unknown := [name for name in given.recipes if name not in small.RECIPES]:
        parser.error(f"{', '.join(unknown)} is not shipped; there is {', '.join(small.RECIPES)}")
    torch.set_num_threads(1)
    text = page(given.recipes or small.RECIPES)
    print(text)
    if given.write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
