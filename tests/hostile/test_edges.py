"""Kind 4: whatever a parser, a library or somebody's class raises at an edge is a sentence, with the true reason."""

from pathlib import Path

import numpy as np
import odd
import pytest
import timm
import torch
from safetensors.torch import save_file

from promptzoo.backbones.weights import load_file
from promptzoo.errors import RecipeError, ZooError
from promptzoo.recipe.build import build
from promptzoo.recipe.lists import read_list
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.towers import open_towers

VIT = "timm/vit_tiny_patch16_224"
SMALL = {"depth": 1, "embed_dim": 16, "num_heads": 1, "img_size": 32}
PAGES = {
    "bool": "x: !!bool maybe", "int": "x: !!int ''", "timestamp": "x: !!timestamp foo", "date": "x: 2001-99-99",
    "digits": "x: " + "9" * 5000, "deep": "[" * 3000, "float": "x: !!float z", "object": "x: !!python/name:os.system",
    "binary": "x: !!binary =", "omap": "x: !!omap [1]", "pairs": "x: !!pairs {a: 1}", "set": "x: !!set [1]",
    "merge": "<<: 5", "nul": "x: \0", "anchor": "x: &a [*a]", "tab": "\tx: 1", "many": "---\na: 1\n---\nb: 2",
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_a_page_that_is_no_yaml_is_a_sentence_as_recipe_and_as_list(page, tmp_path):
    file = tmp_path / "r.yaml"
    file.write_text(page)
    with pytest.raises(RecipeError):
        Recipe.read(file)
    assert read_list(str(file)) is None


@pytest.mark.parametrize(
    "value", ["!!bool maybe", "!!int ''", "!!timestamp foo", "[" * 3000, "9" * 5000, "!!set 4", "[", "{a"]
)
def test_so_is_an_override(value):
    with pytest.raises(RecipeError) as caught:
        Recipe.read("linear", [f"train.lr={value}"])
    assert caught.value.problems[0].place.startswith("train.lr=")


OPTIONS = [
    (VIT, {"depth": 0}), (VIT, {"depth": -1}), (VIT, {"patch_size": 0}), (VIT, {"num_heads": 0}),
    (VIT, {"num_heads": 7}),
    (VIT, {"img_size": 0}), (VIT, {"act_layer": "nothing"}), (VIT, {"norm_layer": 5}), (VIT, {"mlp_ratio": -4}),
    (VIT, {"global_pool": "x"}), (VIT, {"drop_rate": 5}), ("promptzoo/zoo_tiny", {"vision_cfg": 5}),
    ("promptzoo/zoo_tiny", {"embed_dim": "x"}), ("promptzoo/zoo_tiny", {"text_cfg": {"layers": 10**9}}),
    ("promptzoo/zoo_tiny", {"text_cfg": {"hf_model_name": "x"}}),
    ("promptzoo/zoo_tiny", {"vision_cfg": {"layers": [1]}}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
def test_what_a_library_raises_of_its_options_is_a_sentence(name, options):
    with pytest.raises(ZooError) as caught:
        open_towers(name, options=options)
    assert caught.value.key.startswith("backbone.")


def plain():
    return timm.create_model("vit_tiny_patch16_224", num_classes=0, **SMALL)


@pytest.fixture(scope="module")
def state():
    return plain().state_dict()


def test_a_broken_file_of_weights_is_said_as_what_it_is(state, tmp_path):
    torch.save(state, tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    contents = {
        "cut.pth": (whole[: len(whole) // 2], "not a readable"), "empty.pth": (b"", "is empty"),
        "lfs.bin": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        "page.pt": (b"<!doctype html><html>", "a web page"), "junk.npz": (b"nope", "not a readable"),
        "junk.safetensors": (b"nope", "not a readable"), "junk.ckpt": (b"nope" * 99, "not a readable"),
        "text.txt": (b"a", "weights are read from"),
    }  # fmt: skip
    for name, (content, said) in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ZooError, match=said):
            load_file(plain(), tmp_path / name, ())
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    torch.save({5: torch.ones(1)}, tmp_path / "key.pt")
    torch.save({"a": [1]}, tmp_path / "list.pt")
    torch.save(torch.ones(2), tmp_path / "tensor.pt")
    for odd_one in ({"cls_token": state["cls_token"] * float("nan")}, {"cls_token": state["cls_token"].long()},
                    {"cls_token": state["cls_token"].to_sparse()}, {"cls_token": torch.ones(3)}):  # fmt: skip
        torch.save({**state, **odd_one}, tmp_path / f"{len(list(tmp_path.iterdir()))}.pt")
    for file in [*tmp_path.glob("*.pt"), tmp_path / "other.npz"]:
        with pytest.raises(ZooError):
            load_file(plain(), file, ())


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("executed"),)


def test_a_pickle_is_not_executed_and_is_said_to_be_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Evil()}, "evil.pt")
    with pytest.raises(ZooError, match="by executing code"):
        load_file(plain(), Path("evil.pt"), ())
    assert not Path("executed").exists()


@pytest.mark.parametrize("ending", ["pt", "PTH", "bin", "ckpt", "pth.tar", "safetensors", "SafeTensors"])
@pytest.mark.parametrize(
    "wrap", [(), ("_orig_mod.",), ("module.", "_orig_mod."), ("model.",), "state_dict", "model_state"]
)
def test_weights_are_read_out_of_what_people_wrap_them_in(ending, wrap, state, tmp_path):
    kept = {f"{''.join(wrap) if isinstance(wrap, tuple) else ''}{key}": tensor for key, tensor in state.items()}
    file = tmp_path / f"w.{ending}"
    if ending.lower() == "safetensors":
        if isinstance(wrap, str):
            return
        save_file(kept, file)
    else:
        torch.save({wrap: kept, "epoch": 3} if isinstance(wrap, str) else kept, file)
    model = plain()
    torch.nn.init.zeros_(model.cls_token)
    load_file(model, file, ())
    assert torch.equal(model.cls_token, state["cls_token"])


BLOCKS = """import torch
class Wide(torch.nn.Module):
    def __init__(self, dim): super().__init__(); self.fc = torch.nn.Linear(dim, dim + 1)
    def forward(self, x): return self.fc(x)
class Raises(torch.nn.Module):
    def __init__(self, dim): raise KeyError("nothing")
class Late(torch.nn.Module):
    def __init__(self, dim): super().__init__(); self.w = torch.nn.Parameter(torch.ones(dim))
    def forward(self, x): return {}["nothing"]
class Empty(torch.nn.Module):
    def __init__(self, dim): super().__init__()
    def forward(self, x): assert False
class Odd(torch.nn.Module):
    def __init__(self, dim): super().__init__()
    def forward(self, x): return "x"
"""


@pytest.mark.parametrize("block", ["Wide", "Raises", "Late", "Empty", "Odd"])
def test_a_block_that_cannot_be_built_or_does_not_fit_is_a_sentence_with_its_place(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd_blocks.py").write_text(BLOCKS)
    graft = f"grafts={{g: {{at: visual.layers.0.feedforward, after: {{block: 'odd_blocks:{block}'}}}}}}"
    with pytest.raises(ZooError) as caught:
        build(Recipe.read("linear", [odd.TINY, graft]), 2)
    assert isinstance(caught.value, RecipeError)


@pytest.mark.parametrize("name", ["keys", "values", "forward", "training", "_base"])
def test_a_loss_or_graft_may_have_no_name_that_torch_has(name):
    words = [odd.TINY, f"losses.{name}={{loss: cross_entropy}}"]
    recipe = Recipe.read("linear", ["losses={}", "train.epochs=0", "train.warmup=0", *words])
    with pytest.raises(RecipeError) as caught:
        build(recipe, 2)
    assert caught.value.given == name
