"""Rewrites tests/golden.yaml, the exact costs of every recipe, and shows what changed.

    python tools/golden_costs.py             counts anew, shows the difference, changes nothing; exit code 1 if any
    python tools/golden_costs.py --write     and writes the file; with names of recipes, those alone are counted anew

A change of these numbers must be meant: say in the commit why.
"""

import argparse
import difflib
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

from promptzoo.costs.counting import report
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import shipped_recipes

FILE = Path(__file__).resolve().parents[1] / "tests" / "golden.yaml"
CLASSES = 100
FAMILIES = {
    "vit": "timm/vit_tiny_patch16_224",
    "swin": "timm/swin_tiny_patch4_window7_224",
    "clip": "open_clip/ViT-B-32-quickgelu",
}
OF_MAPS = ["timm/resnet50"]  # what recipes for it do is done on maps, which no other family hands on
read = cache(Recipe.read)

HEAD = "# The exact costs of every recipe, on its own backbone and on one of each family, for 100 classes.\n"
HEAD += "# Written by tools/golden_costs.py; a change must be meant.\n"


def cases() -> list[tuple[str, str]]:
    """Every recipe on its own backbone and on each family that can carry it."""
    kinds = ["own", *FAMILIES]
    return [
        (name, kind)
        for name in shipped_recipes()
        for kind in kinds
        if kind == "own" or (read(name).backbone.open not in OF_MAPS and (kind == "clip" or "text" not in needs(name)))
    ]


def needs(name: str) -> str:
    """The word of a recipe's head; one that compares with texts needs a text tower."""
    return str(read(name).to_dict()["head"]["head"])


def words(name: str, kind: str) -> list[str]:
    """The overrides that put a recipe on a family."""
    if kind == "own":
        return []
    found = [f"backbone.open={FAMILIES[kind]}"]
    if "knowledge" in read(name).to_dict():
        found.append("knowledge={features: class_means}")
    return found


def costs(name: str, kind: str) -> dict[str, Any]:
    """The numbers of one case that are kept."""
    one = report(Recipe.read(name, words(name, kind)), CLASSES)
    return {
        "tuned": one.parameters.tuned,
        "to_predict": one.parameters.inference,
        "total": one.parameters.total,
        "macs": round(one.inference.macs),
        "bare": round(one.bare.macs),
        "step": round(one.training.macs) if one.training else None,
        "grafts": {
            part.name: [part.tuned, round(part.own.macs), round(part.marginal or 0)]
            for part in one.parts
            if part.kind == "graft"
        },
    }


def page(found: dict[str, dict[str, Any]]) -> str:
    return HEAD + yaml.safe_dump(found, sort_keys=False, default_flow_style=None, width=120)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="RECIPE", help="those to count anew; all where none is named")
    parser.add_argument("--write", action="store_true", help="write the file")
    args = parser.parse_args()
    known = list(dict.fromkeys(name for name, _ in cases()))
    if unknown := [name for name in args.names if name not in known]:
        parser.error(f"{', '.join(unknown)} is not shipped; there is {', '.join(known)}")
    kept = yaml.safe_load(FILE.read_text()) if args.names else {}
    found: dict[str, dict[str, Any]] = {}
    for name, kind in cases():
        anew = not args.names or name in args.names
        found.setdefault(name, {})[kind] = costs(name, kind) if anew else kept[name][kind]
    before, after = FILE.read_text() if FILE.exists() else "", page(found)
    print("".join(difflib.unified_diff(before.splitlines(True), after.splitlines(True), "kept", "counted")), end="")
    if args.write:
        FILE.write_text(after)
    elif before != after:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
