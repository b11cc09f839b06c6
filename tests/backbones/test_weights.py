"""Weights come from a local file, safely and completely, or the reason why not is said."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from pictures import error, sentence
from PIL import Image
from safetensors.torch import save_file
from shared import shared
from torch import nn

from promptzoo.backbones.weights import fetched
from promptzoo.data.transforms import evaluation
from promptzoo.recipe.towers import open_towers

SMALL = {"depth": 2, "embed_dim": 32, "num_heads": 2, "patch_size": 8}
NAME = "timm/vit_tiny_patch16_224"


def vit(classes: int = 5) -> nn.Module:
    model = timm.create_model("vit_tiny_patch16_224", num_classes=classes, img_size=32, **SMALL)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def opened(file: Path, **more: object) -> torch.Tensor:
    backbone = open_towers(NAME, str(file), size=(32, 32), options=SMALL, **more)
    return backbone.adopted.visual.features(torch.ones(1, 3, 32, 32))


def features(model: nn.Module) -> torch.Tensor:
    x = torch.ones(1, 3, 32, 32)
    return model.forward_head(model.forward_features(x), pre_logits=True)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".npz"])
def test_a_local_file_of_any_format_is_loaded_and_its_classifier_set_aside(suffix: str, tmp_path: Path) -> None:
    model, file = vit(), tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(model.state_dict(), file)
    elif suffix == ".npz":
        np.savez(file, **google(model))
    else:
        torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}, file)
    torch.testing.assert_close(opened(file), features(model))


def google(model: nn.Module) -> dict[str, np.ndarray]:
    """The weights in the layout of Google's JAX checkpoints."""
    state = {k: v.numpy() for k, v in model.state_dict().items()}
    heads = model.blocks[0].attn.num_heads
    width = model.embed_dim
    found = {
        "cls": state["cls_token"],
        "embedding/kernel": state["patch_embed.proj.weight"].transpose(2, 3, 1, 0),
        "embedding/bias": state["patch_embed.proj.bias"],
        "Transformer/posembed_input/pos_embedding": state["pos_embed"],
        "Transformer/encoder_norm/scale": state["norm.weight"],
        "Transformer/encoder_norm/bias": state["norm.bias"],
    }
    for i in range(len(model.blocks)):
        ours, theirs = f"blocks.{i}.", f"Transformer/encoderblock_{i}/"
        attention = theirs + "MultiHeadDotProductAttention_1/"
        for number, part in ((0, "norm1"), (2, "norm2")):
            found[f"{theirs}LayerNorm_{number}/scale"] = state[f"{ours}{part}.weight"]
            found[f"{theirs}LayerNorm_{number}/bias"] = state[f"{ours}{part}.bias"]
        weights, biases = np.split(state[f"{ours}attn.qkv.weight"], 3), np.split(state[f"{ours}attn.qkv.bias"], 3)
        for word, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True):
            found[f"{attention}{word}/kernel"] = weight.T.reshape(width, heads, -1)
            found[f"{attention}{word}/bias"] = bias.reshape(heads, -1)
        found[f"{attention}out/kernel"] = state[f"{ours}attn.proj.weight"].T.reshape(heads, -1, width)
        found[f"{attention}out/bias"] = state[f"{ours}attn.proj.bias"]
        for number, part in ((0, "fc1"), (1, "fc2")):
            found[f"{theirs}MlpBlock_3/Dense_{number}/kernel"] = state[f"{ours}mlp.{part}.weight"].T
            found[f"{theirs}MlpBlock_3/Dense_{number}/bias"] = state[f"{ours}mlp.{part}.bias"]
    return found


def test_positions_of_another_picture_size_are_resampled(tmp_path: Path) -> None:
    save_file(vit().state_dict(), tmp_path / "a.safetensors")
    backbone = open_towers(NAME, str(tmp_path / "a.safetensors"), size=(48, 64), options=SMALL)
    assert backbone.adopted.visual.grid == (6, 8)


def test_random_weights_are_the_same_every_time() -> None:
    one, two = (open_towers(NAME, size=(32, 32), options=SMALL).adopted.visual for _ in range(2))
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


def wrong(file: Path) -> str:
    return sentence(lambda: opened(file))


def test_a_name_or_tag_that_there_is_not_gets_the_nearest() -> None:
    for name, weights, key, given, near in (
        ("timn/vit", "random", "backbone.open", "timn", "timm"),
        ("timm/vit_tinny_patch16_224", "random", "backbone.open", "vit_tinny_patch16_224", "vit_tiny_patch16_224"),
        ("open_clip/ViT-B-33", "random", "backbone.open", "ViT-B-33", "ViT-B-32"),
        ("promptzoo/zoo_tin", "random", "backbone.open", "zoo_tin", "zoo_tiny"),
        ("timm/vit_tiny_patch16_224", "augreg_in21", "backbone.weights", "augreg_in21", "augreg_in21k"),
        ("open_clip/ViT-B-32", "opena1", "backbone.weights", "opena1", "openai"),
    ):
        refused = error(lambda name=name, weights=weights: open_towers(name, weights))
        assert (refused.key, refused.given) == (key, given)
        assert near in refused.nearest


def test_a_file_that_does_not_fit_gets_its_keys_the_shortest_list_first(tmp_path: Path) -> None:
    state = vit().state_dict()
    state = {k: v for k, v in state.items() if not k.startswith("blocks.1.")} | {"surplus": torch.ones(1)}
    state["norm.weight"] = torch.ones(7)
    save_file(state, tmp_path / "a.safetensors")
    lines = wrong(tmp_path / "a.safetensors").splitlines()
    assert lines[0].endswith("a.safetensors does not fit a VisionTransformer")
    assert lines[1] == "    1 unexpected: surplus"
    assert lines[2] == "    1 mis-shaped: norm.weight (7,) for (32,)"
    assert lines[3].startswith("    12 missing: blocks.1.attn.proj.bias, ")


def test_what_is_no_weights_file_is_said(tmp_path: Path) -> None:
    assert "no such weights file" in wrong(tmp_path / "none.pt")
    (tmp_path / "a.safetensors").write_bytes(b"nothing")
    assert "is not a readable .safetensors file" in wrong(tmp_path / "a.safetensors")
    (tmp_path / "a.zip").write_bytes(b"nothing")
    refused = error(lambda: opened(tmp_path / "a.zip"))
    assert (refused.given, refused.possible[:4]) == (".zip", (".safetensors", ".pt", ".pth", ".npz"))
    torch.save([1, 2], tmp_path / "list.pt")
    assert "contains no state dict of tensors" in wrong(tmp_path / "list.pt")


def test_a_real_pretrained_tower_sees_a_real_picture_as_the_original_does() -> None:
    file = shared("assets", "weights", "deit_tiny_patch16_224.fp16.safetensors")
    picture = next(shared("assets", "images", "clothing10", "test", "hat").glob("*.jpg"))
    backbone = open_towers("timm/deit_tiny_patch16_224", str(file))
    original = timm.create_model("deit_tiny_patch16_224", checkpoint_path=str(file)).eval()
    image = evaluation(Image.open(picture).convert("RGB"), backbone.preprocess)[None]
    with torch.no_grad():
        found, expected = backbone.adopted.visual.features(image), features_of(original, image)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def features_of(model: nn.Module, image: torch.Tensor) -> torch.Tensor:
    return model.forward_head(model.forward_features(image), pre_logits=True)


def failing(*errors: Exception) -> Callable[[], nn.Module]:
    """A fetch that raises the last error while it handles the ones before."""

    def fetch() -> nn.Module:
        *before, last = errors
        if not before:
            raise last
        try:
            return failing(*before)()
        except type(before[-1]):
            raise last  # noqa: B904 (as open_clip does)

    return fetch


@pytest.mark.parametrize(
    "errors", [(LocalEntryNotFoundError("offline"),), (OSError("offline"), RuntimeError("Failed to download"))]
)
def test_weights_that_cannot_be_fetched_are_said(errors):
    assert error(lambda: fetched(failing(*errors), "open_clip/X", "tag")).key == "backbone.weights"


@pytest.mark.parametrize("own", [RuntimeError("size mismatch"), KeyError("layers"), MemoryError(), ValueError("ours")])
def test_a_mistake_of_ours_is_no_failure_to_fetch(own):
    with pytest.raises(type(own)):
        fetched(failing(own), "timm/x", "tag")
