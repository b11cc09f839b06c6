"""Several seeds in one pass: the numbers of each alone, marked so, and never among runs that were made alone."""

import json

import pytest
import runs
import torch
from safetensors.torch import load_file
from small import model, recipe

from promptzoo import cli
from promptzoo.data.cache import Cache
from promptzoo.data.loader import Loader
from promptzoo.recipe import pictures
from promptzoo.recipe.build import open_of
from promptzoo.studies.record import Record
from promptzoo.training import prepare
from promptzoo.training.session import train
from promptzoo.training.together import apart_because, train_together

SEEDS = (3, 4, 5)


def seeded(root, name: str, kind: str):
    return [runs.recipe(root, name, kind, f"train.seed={seed}", "train.epochs=2", "train.clip=0.5") for seed in SEEDS]


@pytest.mark.parametrize(("name", "kind"), [("linear", "vit"), pytest.param("coop", "clip", marks=pytest.mark.slow)])
def test_each_comes_to_what_it_comes_to_alone(name: str, kind: str, tmp_path) -> None:
    root = runs.pictures(tmp_path / "pictures")
    asked = seeded(root, name, kind)
    found = train_together(asked, [tmp_path / "together" / str(seed) for seed in SEEDS])
    for one, seed, told in zip(asked, SEEDS, found, strict=True):
        alone = train(one, tmp_path / "alone" / str(seed), quiet=True)
        assert runs.close(told.test, alone.test)
        assert told.epochs == alone.epochs
        assert told.best_epoch == alone.best_epoch
        states = [load_file(tmp_path / way / str(seed) / "model.safetensors") for way in ("together", "alone")]
        for key, tensor in states[1].items():
            torch.testing.assert_close(states[0][key], tensor, rtol=1e-5, atol=1e-5)
        lines = [runs.lines(tmp_path / way / str(seed)) for way in ("together", "alone")]
        assert len(lines[0]) == len(lines[1]) == 2
        assert all(map(runs.close, *lines))


def test_no_picture_is_decoded_or_seen_by_the_backbone_twice(tmp_path, monkeypatch) -> None:
    root = runs.pictures(tmp_path / "pictures")
    asked = [
        runs.recipe(root, "linear", "vit", "data.shots=2", f"train.seed={seed}", "train.epochs=1") for seed in SEEDS
    ]
    opened, decoded, computed = [], [], []
    of, decode, gather = pictures.open_dataset, Cache._try, Loader.gather
    monkeypatch.setattr(pictures, "open_dataset", lambda recipe: opened.append(1) or of(recipe))
    monkeypatch.setattr(Cache, "_try", lambda self, one: decoded.append(one[0] in self.kept.views) or decode(self, one))

    def counted(self: Loader, function, epoch=None, *, only=None):
        found = gather(self, function, epoch, only=only)
        computed.append(len(found))
        return found

    monkeypatch.setattr(Loader, "gather", counted)
    monkeypatch.setattr(prepare, "nearness", lambda *_: None)  # which looks at the tuned model
    train_together(asked, [tmp_path / str(seed) for seed in SEEDS])
    counts = len(opened), decoded.count(False), sum(computed)
    every = {picture.name for one in asked for picture in chosen_by(one)}
    assert counts == (1, len(every), len(every))
    assert len(every) < len(asked) * len(chosen_by(asked[0]))


def chosen_by(recipe):
    splits = pictures.open_data(recipe, open_of(recipe)).splits
    return [*splits.train, *splits.val, *splits.test]


def test_what_cannot_go_together_is_told_why() -> None:
    reasons = {
        "lora": "before its final features",
        "linear": "",
    }
    for name, reason in reasons.items():
        assert reason in apart_because(recipe(name, "vit"), model(name, "vit"))
        assert bool(reason) == bool(apart_because(recipe(name, "vit"), model(name, "vit")))


def test_they_stand_in_folders_of_their_own_and_their_records_say_so(tmp_path, capsys) -> None:
    root = runs.pictures(tmp_path / "pictures", train=4, test=2)
    words = ["linear", f"data={{dataset: folder, root: {root}, batch: 4}}", "backbone.weights=random",
             "backbone.open=timm/vit_tiny_patch16_224", "backbone.image_size=32",
             "backbone.options={depth: 1, embed_dim: 32, num_heads: 2, patch_size: 8}",
             "train={epochs: 1, lr: 1e-2}", "--seeds", "2", "--format", "json",
             "--out", str(tmp_path / "out")]  # fmt: skip
    for more in ([], ["--together"], ["--together"]):
        assert cli.main(["compare", *words, *more]) == 0
        assert len(json.loads(capsys.readouterr().out)["recipes"]) == 1
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"linear", "linear-2"}
    for folder, together in (("linear", False), ("linear-2", True)):
        assert Record.read(tmp_path / "out" / folder / "seed-1.json").together is together
