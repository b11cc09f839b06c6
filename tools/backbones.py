"""Writes docs/backbones.md: which of timm's and open_clip's models open.  Minutes, the first time.

python tools/backbones.py             prints the page
python tools/backbones.py --write     and writes it
"""

import sys
from importlib.metadata import version
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # the repository, where the package is not installed

from promptzoo.backbones.openable import openable
from promptzoo.pages.backbones import page
from promptzoo.recipe.registry import load_registry

PAGE = Path(__file__).resolve().parents[1] / "docs" / "backbones.md"


def main(write: bool) -> None:
    versions = f"timm {version('timm')}, open_clip {version('open_clip_torch')}"
    text = page(openable(load_registry().adopters), versions)
    print(text)
    if write:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main("--write" in sys.argv[1:])
