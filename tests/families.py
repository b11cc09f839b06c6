"""One small network of each family of backbones that has more than absolute positions, as its own library makes it."""

from typing import Any

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
