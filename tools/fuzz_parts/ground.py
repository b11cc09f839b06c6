"""What every trial stands on: pictures, a finished run, weights, and a file that tells whether code was executed."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file

from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.towers import open_towers
from promptzoo.training.session import train

CANARY = Path("EXECUTED")
PLAIN = ("data={dataset: folder, root: d, batch: 4}", "backbone={open: promptzoo/zoo_tiny, weights: shipped}")


@dataclass
class Ground:
    """The folder that trials run in; what the trial of the moment has changed of settings, and how far it came."""

    place: Path
    number: int = 0
    changed: list[str] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)

    def begin(self, number: int) -> None:
        self.number, self.changed, self.reached = number, [], []

    def executed(self) -> int:
        """How often something ran that a file named."""
        return len((self.place / CANARY).read_text()) if (self.place / CANARY).exists() else 0


def prepared(place: Path) -> Ground:
    """Makes all of it in a folder."""
    for split in ("train", "test"):
        for label, name in enumerate(("cat", "dog")):
            (place / "d" / split / name).mkdir(parents=True)
            for i in range(2):
                Image.new("RGB", (40, 40), (label * 200, i * 80, 90)).save(place / "d" / split / name / f"{i}.png")
    canary = f"open({str(place / CANARY)!r}, 'a').write('x')\n"
    (place / "canary.py").write_text(f"{canary}import torch\nclass Gate(torch.nn.Module): pass\n")
    train(Recipe.read("linear", [*PLAIN, "train.epochs=0", "train.warmup=0"]), place / "run", quiet=True)
    state = open_towers("timm/vit_tiny_patch16_224", options={"depth": 1, "embed_dim": 16, "num_heads": 1})
    tensors = {key: torch.zeros(2) for key in list(state.names)[:6]}
    save_file(tensors, place / "w.safetensors")
    torch.save(tensors, place / "w.pt")
    return Ground(place)
