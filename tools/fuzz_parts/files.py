"""Files beside a recipe: of a run, weights, tables, lists, recipe lists; damaged, of another kind, or hostile."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import promptzoo
from promptzoo.backbones.weights import read as read_weights
from promptzoo.data.sources.list import PictureLists
from promptzoo.model.checkpoint import KEYS, SEAL, packed, unpack
from promptzoo.model.knowledge import read_table
from promptzoo.recipe.lists import read_list
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.runs import read_runs

from .ground import CANARY, Ground
from .pictures import damaged

FOREIGN = (
    b"",
    b"version https://git-lfs.github.com/spec/v1\n",
    b"<!doctype html>",
    b"{",
    b"[" * 3000,
    b"null",
    b"\0" * 99,
    b"PK\x03\x04",
    b"\x80\x02cos\nsystem\n(S'touch EXECUTED'\ntR.",
    b"\xff\xfe",
    b"\x93NUMPY",
)


def spoiled(file: Path, draw: random.Random) -> None:
    """Another content, a damaged one, or the file as it was."""
    file.write_bytes(draw.choice(FOREIGN) if draw.random() < 0.3 else damaged(file.read_bytes(), draw))


def a_run(draw: random.Random, ground: Ground) -> None:
    """One file of a finished run is spoiled, and the run is read in every way."""
    copy = ground.place / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ground.place / "run", copy)
    spoiled(draw.choice(sorted(one for one in copy.iterdir() if one.is_file())), draw)
    run = RunFolder(copy)
    draw.choice((run.recipe, run.data, run.result, run.tuned, run.hits, lambda: read_runs(copy)))()
    promptzoo.load(copy).predict(ground.place / "d/test/cat/0.png")


class Evil:
    """What a pickle would execute."""

    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (CANARY,)


def a_checkpoint(draw: random.Random, ground: Ground) -> None:
    """A model whose seal is right, and whose metadata is somebody's."""
    state, words = unpack(ground.place / "run/model.safetensors")
    words = {key: words[key] for key in KEYS if key != SEAL}
    code = "grafts: {g: {at: visual.pool, after: {block: 'canary:Gate'}}}\n"
    odd = (
        "",
        "null",
        "5",
        "{",
        "[1, 2]",
        '["a"]',
        '["a", "a"]',
        "!!bool x",
        "!!int ''",
        code + words["recipe"],
        "x: 1",
        "\0",
        "é" * 99,
    )
    words[draw.choice(KEYS)] = draw.choice(odd)
    if draw.random() < 0.4:
        name = draw.choice(list(state))
        state[name] = draw.choice((state[name][:1], state[name].long(), torch.ones(1), state[name] * 1e30))
    (ground.place / "m.safetensors").write_bytes(packed(state, words))
    promptzoo.load(ground.place / "m.safetensors").predict(ground.place / "d/test/cat/0.png")


def weights(draw: random.Random, ground: Ground) -> None:
    """A file of tensors."""
    file = ground.place / draw.choice(("x.pt", "x.safetensors", "x.bin", "x.ckpt", "x.PTH", "x.txt"))
    shutil.copy(ground.place / draw.choice(("w.pt", "w.safetensors")), file)
    odd = draw.random()
    if odd < 0.3:
        torch.save(
            draw.choice(({"a": Evil()}, Evil(), {5: torch.ones(1)}, [torch.ones(1)], 5, {"model": {"model": {}}})), file
        )
    else:
        spoiled(file, draw)
    read_weights(file)


def table(draw: random.Random, ground: Ground) -> None:
    """A table of vectors."""
    file, names = ground.place / "t.npz", np.array(["cat", "dog"])
    emb = draw.choice((np.ones((2, 4), np.float32), np.ones(3), np.full((2, 4), np.nan), np.ones((2, 4), np.int64)))
    np.savez(file, names=np.array([Evil(), Evil()], dtype=object) if draw.random() < 0.2 else names, emb=emb)
    spoiled(file, draw)
    read_table(file)


def a_list(draw: random.Random, ground: Ground) -> None:
    """A list of pictures."""
    file = ground.place / draw.choice(("l.csv", "l.tsv", "l.jsonl", "l.txt"))
    rows = [
        ("file", "label", "split"),
        *((f"d/{s}/{c}/0.png", c, s) for s in ("train", "test") for c in ("cat", "dog")),
    ]
    mark = {".csv": ",", ".tsv": "\t"}.get(file.suffix, " ")
    lines = [mark.join(row[: 2 if mark == " " else 3]) for row in rows]
    if file.suffix == ".jsonl":
        lines = [json.dumps(dict(zip(rows[0], row, strict=True))) for row in rows[1:]]
    file.write_text("\n".join(lines))
    spoiled(file, draw)
    PictureLists(str(file), root=str(ground.place), split={"test": 0.5} if draw.random() < 0.5 else None)


def recipe_list(draw: random.Random, ground: Ground) -> None:
    """A list of recipes, or a recipe."""
    file = ground.place / "r.yaml"
    odd = (
        "x: !!bool maybe",
        "rows: 5",
        "rows: []",
        "rows: [{name: a}]",
        "rows: [{name: a, recipe: linear, overrides: [1]}]",
        "[" * 3000,
    )
    good = "rows:\n  - {name: a, recipe: linear, overrides: [train.epochs=1]}\n  - {name: b, recipe: lora}\n"
    file.write_text(draw.choice(odd) if draw.random() < 0.4 else good)
    if draw.random() < 0.6:
        spoiled(file, draw)
    found = read_list(str(file))
    _ = Recipe.read(file) if found is None else found.recipes()


def trial(draw: random.Random, ground: Ground) -> str:
    """One of them."""
    draw.choice((a_run, a_run, a_checkpoint, weights, table, a_list, recipe_list))(draw, ground)
    return "valid"
