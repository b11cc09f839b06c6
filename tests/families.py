"""One small network of each family of backbones, as its own library makes it and as a recipe opens it."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import small
import timm
import torch
from torch import nn

SMALL: dict[str, Any] = {"depth": 2, "embed_dim": 32, "num_heads": 2, "img_size": (24, 32), "patch_size": 8}
SWIN: dict[str, Any] = {"depths": (1, 2), "embed_dim": 16, "num_heads": (1, 2), "window_size": 4}
#: What each stands for is one step of an adopter that no other takes.
TIMM: dict[str, tuple[str, dict[str, Any]]] = {
    "EVA-02 of one projection": ("eva02_tiny_patch14_224", {}),
    "EVA-02 of three projections": ("eva02_base_patch14_224", {}),
    "EVA-02 of CLIP": ("eva02_base_patch16_clip_224", {}),
    "EVA with norms behind": ("eva02_enormous_patch14_clip_224", {}),
    "DINOv3": ("vit_small_patch16_dinov3", {}),
    "DINOv3 gated": ("vit_small_plus_patch16_dinov3", {}),
    "Perception Encoder": ("vit_pe_core_base_patch16_224", {}),
    "Perception Encoder without a class token": ("vit_pe_spatial_base_patch16_512", {"img_size": 32}),
    "rotary positions, learned": ("vit_small_patch16_rope_mixed_224", {}),
    "rotary positions beside absolute ones": ("vit_small_patch16_rope_ape_224", {}),
    "rotary positions, registers": ("vit_base_patch16_rope_reg1_gap_256", {}),
    "BEiT": ("beit_base_patch16_224", {}),
    "SigLIP": ("vit_base_patch16_siglip_224", {"dynamic_img_size": True}),
    "DINOv2 gated, with registers": ("vit_giant_patch14_reg4_dinov2", {}),
    "AIMv2": ("aimv2_large_patch14_224", {}),
    "Swin v2": ("swinv2_tiny_window8_256", {**SWIN, "img_size": 32}),
    "Swin v2 with padded windows": ("swinv2_tiny_window8_256", {**SWIN, "img_size": (40, 56)}),
}
#: What an adopted tower may differ by, of the largest number.
KINDS = [(torch.float32, 1e-5), (torch.float64, 1e-9)]
ROTARY = [name for name in TIMM if any(word in name for word in ("EVA-02", "DINOv3", "Perception", "rotary"))]


def disturbed(model: nn.Module) -> nn.Module:
    """No parameter is zero or one, so that nothing hides."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model.eval()


def made(name: str, **more: Any) -> nn.Module:
    """The small network of a family of timm."""
    model, options = TIMM[name]
    sizes = options if "depths" in options else {**SMALL, **options}
    return disturbed(timm.create_model(model, num_classes=0, **{**sizes, **more}))


def difference(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


# ---------------------------------------------------------------------- as a recipe opens it

VIT = small.BACKBONES["vit"]["options"]
#: The name of a small network of each family, and its options; those of transformers are folders.
OPENED: dict[str, tuple[str, dict[str, Any]]] = {
    "ViT": ("timm/vit_tiny_patch16_224", VIT),
    "DINOv2": ("timm/vit_small_patch14_reg4_dinov2", VIT),
    "SigLIP": ("timm/vit_base_patch16_siglip_224", VIT),
    "EVA-02": ("timm/eva02_tiny_patch14_224", VIT),
    "EVA-02 of three projections": ("timm/eva02_base_patch14_224", VIT),
    "DINOv3": ("timm/vit_small_plus_patch16_dinov3", VIT),
    "Perception Encoder": ("timm/vit_pe_core_base_patch16_224", VIT),
    "BEiT": ("timm/beit_base_patch16_224", VIT),
    "Swin": ("timm/swin_tiny_patch4_window7_224", small.BACKBONES["swin"]["options"]),
    "Swin v2": ("timm/swinv2_tiny_window8_256", small.BACKBONES["swin"]["options"]),
    "ResNet": ("timm/resnet50", small.BACKBONES["resnet"]["options"]),
    "CLIP": ("open_clip/ViT-B-32-quickgelu", small.BACKBONES["clip"]["options"]),
    "CLIP's ResNet": (
        "open_clip/RN50",
        {
            "embed_dim": 24,
            "vision_cfg": {"width": 8, "layers": [1, 1, 1, 1]},
            "text_cfg": {"width": 16, "layers": 2, "heads": 2, "vocab_size": 49408},
        },
    ),
    **{f"transformers' {name}": ("hf", {}) for name in ("ViT", "DINOv2", "CLIP", "SigLIP")},
}


def words(family: str) -> list[str]:
    """The words that put a recipe on the small network of a family."""
    name, options = OPENED[family]
    name = f"hf/{folder(family.rpartition(' ')[2])}" if name == "hf" else name
    told = [f"backbone.open={name}", "backbone.weights=random", "backbone.image_size=32"]
    return [*told, f"backbone.options={small.flow(options)}"]


@cache
def folder(name: str) -> Path:
    """A configuration of transformers in a folder, with a tokenizer where texts are not cut by CLIP's."""
    import transformers as t
    from tokenizers import Tokenizer, models, pre_tokenizers

    image = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 64}
    text = {**image, "hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 32, "max_position_embeddings": 77}
    image |= {"image_size": 32, "patch_size": 8}
    clips = {**text, "vocab_size": 49408, "bos_token_id": 49406, "eos_token_id": 49407}
    siglips = {**text, "projection_size": 32, "vocab_size": 50, "bos_token_id": 0, "eos_token_id": 1}
    made: dict[str, Callable[[], Any]] = {
        "ViT": lambda: t.ViTConfig(**image),
        "DINOv2": lambda: t.Dinov2Config(**image, mlp_ratio=2),
        "CLIP": lambda: t.CLIPConfig(vision_config=image, text_config=clips, projection_dim=24),
        "SigLIP": lambda: t.SiglipConfig(vision_config=image, text_config=siglips),
    }
    place = Path(tempfile.mkdtemp(prefix="promptzoo_"))
    made[name]().save_pretrained(place)
    if name == "SigLIP":
        told = ["<pad>", "</s>", "<unk>", "a", "photo", "of", "cat", "dog", "owl", "newt", "."]
        known = {word: i for i, word in enumerate(told)}
        cut = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
        cut.pre_tokenizer = pre_tokenizers.Whitespace()
        ends = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
        t.PreTrainedTokenizerFast(tokenizer_object=cut, **ends).save_pretrained(place)
    return place
