"""Runs of another recipe, other pictures or other weights are never taken for those of a comparison."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import runs
from comparisons import asked, page, words
from pictures import paint

from promptzoo import cli
from promptzoo.studies.executor import OneByOne, begin
from promptzoo.studies.plan import Ground, ground, read_field
from promptzoo.training.seal import sealed, unsealed


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.fixture(scope="module")
def alone(root, tmp_path_factory) -> Path:
    """One recipe under two seeds, left alone."""
    out = tmp_path_factory.mktemp("alone") / "out"
    assert cli.main(asked(root, out, "linear", "train.epochs=2")) == 0
    return out


def place(root: Path, out: Path, *more: str, frozen: str = "") -> tuple[str, str]:
    """Where the runs of `linear` would go now, and what is said of it."""
    said: list[str] = []
    (entrant,) = read_field(["linear", *words(root, "train.epochs=2", *more)], "", (1,)).entrants
    stands = ground(entrant.recipe, {})
    stands = replace(stands, frozen=frozen or stands.frozen)
    return OneByOne(out, (1,), said.append).place(entrant, begin(entrant, stands, 1)).name, "\n".join(said)


def test_what_changed_is_said_and_runs_anew_in_another_folder(root, alone, tmp_path):
    assert place(root, alone) == ("linear", "")
    name, said = place(root, alone, "train.lr=0.3")
    assert (name, said) == ("linear-2", f"linear: {alone}/linear is not reused: train.lr is 0.3, was 0.01")
    name, said = place(root, alone, frozen="0" * 64)
    assert (name, said.partition("reused: ")[2]) == ("linear-2", "its backbone's weights have changed")
    changed = runs.pictures(tmp_path / "set")
    paint(changed / "test" / "fox" / "0.png", 77)
    name, said = place(changed, alone)
    assert (name, said.endswith("; its pictures have changed")) == ("linear-2", True)


def test_a_folder_that_holds_something_else_is_left_alone(root, tmp_path):
    (tmp_path / "linear").touch()
    (tmp_path / "linear-2").mkdir()
    (tmp_path / "linear-2" / "seed-7.json").write_bytes(sealed({"seed": 7}))
    (tmp_path / "linear-3" / "seed-1").mkdir(parents=True)
    (tmp_path / "linear-3" / "seed-1" / "recipe.yaml").write_text("mine")
    name, said = place(root, tmp_path)
    assert name == "linear-4"
    for reason in (
        "it is not a folder",
        "is not a record that this version of promptzoo can read",
        "without a record seed-1.json",
    ):
        assert reason in said


def test_grafts_in_another_order_are_another_recipe(root):
    graft = "{{at: visual.{}, after: {{block: bottleneck, rank: 2}}}}"
    first, second = (graft.format(site) for site in ("norm", "embed"))
    found = []
    for text in (f"a: {first}, b: {second}", f"b: {second}, a: {first}"):
        (entrant,) = read_field(["linear", *words(root, f"grafts={{{text}}}")], "", (1,)).entrants
        found.append(begin(entrant, Ground("f", "p"), 1))
    assert found[0].changes(found[1]) == ["its grafts are in another order"]
    assert found[0].changes(found[0]) == []


def test_weights_are_told_apart_before_anything_is_grafted_or_thawed(root):
    one, thawed, larger = (
        ground(runs.recipe(root, "linear", "vit", *more), {}).frozen
        for more in ((), ("grafts={all: {at: visual, thaw: all}}",), ("backbone.image_size=40",))
    )
    assert one == thawed != larger


def test_a_knowledge_table_belongs_to_what_a_recipe_stands_on(root, tmp_path):
    found = []
    for scale in (1, 2):
        np.savez(tmp_path / "table.npz", names=["blue jay", "fox", "leaf"], emb=scale * np.eye(3, 8))
        asked = runs.recipe(root, "lore", "vit", f"knowledge={{table: {tmp_path}/table.npz}}")
        (entrant,) = read_field(["linear"], "", (1,)).entrants
        found.append(begin(entrant, ground(asked, {}), 1))
    assert found[0].changes(found[1]) == ["its knowledge table has changed"]


def test_runs_of_other_versions_are_used_and_named(root, alone, tmp_path, capsys):
    shutil.copytree(alone, tmp_path / "out")
    file = tmp_path / "out" / "linear" / "seed-2.json"
    told = unsealed(file)
    file.write_bytes(sealed({**told, "versions": {**told["versions"], "torch": "1.0"}}))
    assert cli.main(asked(root, tmp_path / "out", "linear", "train.epochs=2")) == 0
    told = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "linear, seed 2, was made with other versions: torch is " in told
    assert "was '1.0'" in told


def test_recipes_of_one_name_are_called_by_their_files(root, tmp_path, capsys):
    files = [
        page(tmp_path / name / "mine.yaml", train=f"train: {{lr: {lr}, epochs: 1}}")
        for name, lr in (("a", 1e-2), ("b", 1e-3))
    ]
    for order in (files, files[::-1]):
        assert cli.main(asked(root, tmp_path / "out", *order, seeds="1", form="json")) == 0
        told = json.loads(capsys.readouterr().out)
        assert {one["recipe"] for one in told["recipes"]} == set(files)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["mine", "mine-2"]


def test_how_long_all_train_is_not_asked_of_what_trains_nothing():
    field = read_field(["probe", "linear", "train.epochs=3", "train.warmup=1", "train.precision=bf16"], "", (1,))
    assert not field.refused
    told = {one.name: one.seeded[1].train for one in field.entrants}
    assert {name: (train.epochs, train.warmup) for name, train in told.items()} == {"probe": (0, 0), "linear": (3, 1)}
    assert {train.precision for train in told.values()} == {"bf16"}
