"""transformers' models: the same adopters' promises, by a folder or loaded."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from families import KINDS, difference, disturbed, folder
from pictures import error
from torch import Tensor

from promptzoo import open_backbone
from promptzoo.backbones import AdoptionError
from promptzoo.recipe.towers import adopt, open_towers

transformers = pytest.importorskip("transformers")

IMAGE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
IMAGE |= {"image_size": 32, "patch_size": 8}
TEXT: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
TEXT |= {"vocab_size": 50, "max_position_embeddings": 12, "bos_token_id": 48}
T = transformers
MODELS: dict[str, Callable[[], Any]] = {
    "ViT": lambda: T.ViTModel(T.ViTConfig(**IMAGE)),
    "DINOv2": lambda: T.Dinov2Model(T.Dinov2Config(**IMAGE, mlp_ratio=2)),
    "DINOv2, gated": lambda: T.Dinov2Model(T.Dinov2Config(**IMAGE, mlp_ratio=2, use_swiglu_ffn=True)),
    "CLIP": lambda: T.CLIPModel(
        T.CLIPConfig(vision_config=IMAGE, text_config={**TEXT, "eos_token_id": 49}, projection_dim=24)
    ),
    "CLIP of before": lambda: T.CLIPModel(
        T.CLIPConfig(vision_config=IMAGE, text_config={**TEXT, "eos_token_id": 2}, projection_dim=24)
    ),
    "SigLIP": lambda: T.SiglipModel(
        T.SiglipConfig(vision_config=IMAGE, text_config={**TEXT, "projection_size": 32, "eos_token_id": 49})
    ),
}


def outputs(model: Any, image: Tensor, ids: Tensor) -> list[Tensor]:
    if not hasattr(model, "text_model"):
        return [model(image).last_hidden_state[:, 0]]
    return [model.get_image_features(image).pooler_output, model.get_text_features(ids).pooler_output]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("kind", "limit"), KINDS)
def test_an_adopted_model_of_transformers_equals_the_original(name: str, kind: torch.dtype, limit: float) -> None:
    model, image, ids = (
        disturbed(MODELS[name]()).to(kind),
        torch.randn(2, 3, 32, 32, dtype=kind),
        torch.randint(3, 48, (2, 12)),
    )
    ids[:, 7] = 49
    with torch.no_grad():
        expected = outputs(model, image, ids)
        adopted = adopt(model)
        assert difference(adopted.visual.features(image), expected[0]) <= limit
        if adopted.text is not None:
            assert difference(adopted.text.features(ids), expected[1]) <= limit
    assert (adopted.logit_bias is not None) == (name == "SigLIP")


@pytest.mark.parametrize("name", ["ViT", "CLIP"])
def test_a_folder_of_transformers_opens_with_its_weights(name: str, tmp_path: Any) -> None:
    model = disturbed(MODELS[name]())
    model.save_pretrained(tmp_path)
    said = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6], "resample": 2, "size": {"height": 32}}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said))
    opened = open_towers(f"hf/{tmp_path}", "pretrained")
    image, ids = torch.randn(2, 3, 32, 32), torch.zeros(1, 12, dtype=torch.long)
    with torch.no_grad():
        assert difference(opened.adopted.visual.features(image), outputs(model, image, ids)[0]) <= 1e-5
    seen = opened.preprocess
    assert (seen.mean, seen.interpolation, seen.crop_mode) == ((0.1, 0.2, 0.3), "bilinear", "squash")
    assert open_towers(f"hf/{tmp_path}", size=(16, 16)).adopted.visual.grid == (2, 2)
    assert error(lambda: open_towers(f"hf/{tmp_path}", "in21k")).given == "in21k"
    assert error(lambda: open_towers(f"hf/{tmp_path}", size=(16, 24))).key == "backbone.image_size"


def test_a_loaded_model_of_transformers_is_adopted_as_it_stands() -> None:
    net = open_backbone(MODELS["ViT"](), 3)
    assert net(torch.zeros(1, 3, 32, 32)).logits.shape == (1, 3)


def test_a_name_that_no_hub_gives_and_a_model_that_no_adopter_takes_get_a_sentence() -> None:
    assert error(lambda: open_towers("hf/none/such")).key == "backbone.weights"
    other = T.ViTMAEModel(T.ViTMAEConfig(**IMAGE))
    with pytest.raises(AdoptionError, match="no adopter supports transformers"):
        adopt(other)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "limit"), KINDS)
@pytest.mark.parametrize("name", ["ViTModel", "Dinov2Model", "CLIPModel", "SiglipModel"])
def test_a_full_size_model_of_transformers_equals_the_original(name: str, kind: torch.dtype, limit: float) -> None:
    whole = getattr(T, name)
    model = disturbed(whole(whole.config_class())).to(kind)
    vision = getattr(model.config, "vision_config", model.config)
    image = torch.randn(1, 3, vision.image_size, vision.image_size, dtype=kind)
    ids = torch.randint(3, 30000, (2, 64 if name == "SiglipModel" else 77))
    with torch.no_grad():
        expected = outputs(model, image, ids)
        adopted = adopt(model)
        assert difference(adopted.visual.features(image), expected[0]) <= limit
        assert adopted.text is None or difference(adopted.text.features(ids), expected[1]) <= limit


def test_texts_of_a_siglip_are_cut_by_the_tokenizer_in_its_folder() -> None:
    opened = open_towers(f"hf/{folder('SigLIP')}")
    ids = opened.tokenize(["a photo of a newt.", "a cat"])
    assert ids.shape == (2, 77)
    assert ids[1, :3].tolist() == [3, 6, 0]  # padded to the end, where such texts are read
    assert opened.tokenize.ends(ids).tolist() == [6, 2]
