"""Costs and accuracies that nobody counted, for pages and pictures."""

import random

from promptzoo.costs.report import Operations, Parameters, Part, Report, SiteCost, Training
from promptzoo.costs.rows import Accuracy, Row

BACKBONES = {"timm/vit_base": (86.0, 17.6), "timm/swin_tiny": (28.0, 4.5), "open_clip/ViT-B-16": (86.2, 17.5)}
GRAFTS = ("lore", "sa2vp", "vpt", "adaptformer", "lora", "ssf", "bitfit", "gist")
RECIPE = "backbone: {{open: {0}, weights: random}}\ngrafts:\n{1}head: {{head: linear}}\ndata: {{dataset: folder}}\n"


def report(name: str, backbone: str, tuned: dict[str, int], macs: dict[str, float], text: str = "") -> Report:
    """A report with the tuned parameters and GMACs of each graft, on a backbone of `BACKBONES` or a small one."""
    millions, giga = BACKBONES.get(backbone, (5.7, 1.1))
    visual, bare, head = int(millions * 1e6), giga * 1e9, 0 if name == "zero_shot" else 7680
    layers = bare + 0.06 * bare * len(tuned)
    places = {
        "visual.tokens.conv": 0.02 * bare,
        "visual.layers.*.attention.attn.qkv": 0.28 * layers,
        "visual.layers.*.attention.attn.mix": 0.1 * layers,
        "visual.layers.*.feedforward.mlp.fc1": 0.6 * layers,
        "visual.layers.*.enter": sum(macs.values()) * 1e9,
        "visual.norm": 0.001 * bare,
        "head.fc": float(head),
    }
    sites = tuple(SiteCost(path, Operations(products)) for path, products in places.items())
    whole = Operations(sum(places.values()))
    parts = [Part("graft", graft, size, Operations(macs[graft] * 1e9)) for graft, size in tuned.items()]
    parts += [Part("head", "head", head, Operations(float(head)))] if head else []
    total = sum(tuned.values()) + head
    return Report(
        name=name, backbone=backbone, classes=10,
        parameters=Parameters(visual, 0, total, 0, total, head, 4 * total), shares=(),
        inference=whole, bare=Operations(bare), training=Training(whole.macs, 1.4 * whole.macs, bare, 32), text=None,
        parts=tuple(parts), layers=(), sites=sites,
        recipe=text or RECIPE.format(backbone, "".join(f"  {graft}: {{graft: {graft}}}\n" for graft in tuned)),
    )  # fmt: skip


def row(
    name: str, backbone: str = "timm/vit_base", mean: float | None = None, seeds: int = 3, on: str = "", **tuned: int
) -> Row:
    """A row with the tuned parameters of its grafts, which compute 2 GMACs for each million of them."""
    made = report(name, backbone, tuned, {graft: 2e-6 * size for graft, size in tuned.items()})
    known = None
    if mean is not None:
        paths = tuple(f"runs/{name}-{seed}" for seed in range(seeds))
        known = Accuracy(mean, 0.012 if seeds > 1 else None, tuple(range(seeds)), "test", paths, on)
    return Row(made, " + ".join(tuned) or "bare", known)


def rows(count: int, run: bool = True, backbones: int = 3) -> list[Row]:
    """Many combinations, the first the bare backbone with a head."""
    draw, found = random.Random(7), []
    for place in range(count):
        backbone = list(BACKBONES)[place % 3] if backbones == 3 else f"timm/backbone_{place % backbones}"
        some = draw.sample(GRAFTS[: 3 + min(5, count // 20)], draw.choice((1, 1, 1, 2, 2, 3))) if place >= 3 else []
        tuned = {graft: int(10 ** draw.uniform(4, 6.3)) for graft in some[: 2 if count < 40 else 3]}
        name = "linear" if not tuned else f"{'_'.join(tuned)}_{place}"
        gain = 0.08 * sum(size**0.25 for size in tuned.values()) / 40
        mean = min(0.97, 0.55 + gain + draw.gauss(0, 0.03)) if run and draw.random() < 0.9 else None
        found.append(row(name, backbone, mean, draw.choice((1, 3)), **tuned))
    return found
