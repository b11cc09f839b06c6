"""What was tuned becomes part of a plain timm or open_clip model, or is refused by name."""

from dataclasses import replace

import pytest
import small
import torch
from merged import close, fresh, loaded, tuned
from pictures import sentence
from safetensors.torch import load_file
from small import CLASSES
from torch import nn
from torch.nn.functional import normalize

import promptzoo
from promptzoo.blocks import Bottleneck, LowRank, ScaleShift
from promptzoo.exporting.affine import Affine
from promptzoo.model.site import Around
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.registry import load_registry

STRAIGHT = "grafts.adapter.after.activation=none"
QKV, FC1 = "visual.layers.*.attention.attn.qkv", "visual.layers.*.feedforward.mlp.fc1"
BEFORE = "{at: %s, before: {block: bottleneck, rank: 3, activation: none, residual: true, start: normal}}"

FOLDABLE = {  # recipe and words
    "lora": ("lora",),
    "lora, packed": ("lora", "grafts.lora.beside.targets=null", "grafts.lora.beside.dropout=0.1"),
    "lora of other scalings": ("lora", "grafts.lora.beside={block: low_rank, rank: 3, targets: kq, alpha: 5, "
                                       "scaling: alpha/sqrt(rank)}"),
    "lora beside the perceptron": ("lora", f"grafts.lora.at={FC1}", "grafts.lora.beside.targets=null"),
    "ssf": ("ssf",),
    "bitfit": ("bitfit",),
    "full": ("full",),
    "adapters after attention and perceptron": ("adapter_houlsby", STRAIGHT),
    "adapters after the perceptron": ("adapter_pfeiffer", STRAIGHT, "grafts.adapter.after.channels=true"),
    "a map before the projections": ("linear", f"grafts.first={BEFORE % QKV}"),
}  # fmt: skip
VIT = {**small.BACKBONES["vit"]["options"]}
SWIN = {**small.BACKBONES["swin"]["options"]}
ODD = {
    "clip_lora in both towers": ("clip_lora", "clip"),
    "ssf on the words": ("clip_lora", "clip", "grafts.words={at: text.tokens, after: {block: scale_shift}}"),
    "lora beside the last projection": ("lora", "clip", "grafts.lora.at=visual.pool.proj",
                                        "grafts.lora.beside.targets=null"),
    "adapters before a layer's scale": ("adapter_houlsby", "vit", STRAIGHT,
                                        f"backbone.options={small.flow({**VIT, 'init_values': 0.3})}"),
    "the two heads of a distilled DeiT": ("lora", "vit", "backbone.open=timm/deit_tiny_distilled_patch16_224"),
    "the mean of the patches": ("ssf", "vit", f"backbone.options={small.flow({**VIT, 'global_pool': 'avg'})}",
                                "grafts.ssf.at=[visual.tokens, visual.pool]"),
    "padded windows": ("linear", "swin", f"grafts.first={BEFORE % QKV}", "backbone.image_size=40"),
    "lora between two others": ("lora", "vit", f"grafts.outer={{at: {QKV}, after: {{block: scale_shift}}}}",
                                f"grafts.most={BEFORE % QKV}"),
    "the head alone": ("linear", "swin"),
}  # fmt: skip
CASES = {f"{name} on {kind}": (recipe, kind, *words) for name, (recipe, *words) in FOLDABLE.items()
         for kind in ("vit", "swin", "clip")} | ODD  # fmt: skip


# ---------------------------------------------------------------------- what folds


@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_the_plain_model_gives_what_the_tuned_one_gives(case, tmp_path):
    made, folder = tuned(*CASES[case]), tmp_path / "merged"
    image = small.pictures(made)
    found = promptzoo.merge(made)
    found.save(folder)
    plain = loaded(found.code(folder))
    plain.load_state_dict(load_file(folder / found.plain.weights), strict=True)
    seen = made(image)
    if hasattr(plain, "encode_image"):
        ids = made.backbone.tokenize([f"a photo of a {name}." for name in CLASSES])
        pictures, texts = plain.encode_image(image), plain.encode_text(ids)
        assert close(pictures, seen.notes["feature"])
        assert close(texts, made.text.features(ids))
        if CASES[case][0] == "clip_lora":
            alike = normalize(pictures, dim=-1) @ normalize(texts, dim=-1).T
            assert close(plain.logit_scale.exp() * alike, seen.logits)
    else:
        assert close(plain(image), seen.logits)
    if any(isinstance(module, Around) for module in made.visual.modules()):
        assert not close(made.frozen_features(image), seen.notes["feature"])
    assert found.difference <= 1e-5
    assert found.rest == () or "returns features" in found.rest[0]


def test_of_two_grafts_at_one_place_the_first_folds_first():
    states = []
    for order in ((0, 1), (1, 0)):
        net = promptzoo.open_backbone("timm/vit_tiny_patch16_224", 3, image_size=(32, 32), options=VIT)
        draw = torch.Generator().manual_seed(1)
        blocks = [ScaleShift(96), Bottleneck(96, rank=4, activation="none", residual=True)]
        for block in blocks:
            for parameter in block.parameters():
                parameter.data.copy_(torch.randn(parameter.shape, generator=draw))
        site = net.at(QKV)[0]
        for place in order:
            site.after(blocks[place], f"number{place}")
        found = promptzoo.merge(net)
        assert found.difference <= 1e-5
        assert [one.graft for one in found.folded] == [*(f"number{place}" for place in order), "head"]
        states.append(found.state["blocks.0.attn.qkv.weight"])
    assert not torch.allclose(*states)


def test_a_block_around_the_head_goes_into_the_classifier():
    net = promptzoo.open_backbone("timm/vit_tiny_patch16_224", 3, image_size=(32, 32), options=VIT)
    net.at("head")[0].before(ScaleShift(32), "first")
    net.at("head")[0].after(ScaleShift(3), "last")
    found = promptzoo.merge(net)
    assert found.difference <= 1e-5
    assert [set(one.into) for one in found.folded[:2]] == [{"head.weight", "head.bias"}] * 2


def test_the_model_stays_as_it_is():
    made = tuned("ssf", "vit").train()
    before = {key: tensor.clone() for key, tensor in made.state_dict().items()}
    promptzoo.merge(made)
    assert made.training
    assert all(torch.equal(tensor, before[key]) for key, tensor in made.state_dict().items())


def test_it_says_what_was_folded_into_what():
    found = promptzoo.merge(tuned("ssf", "clip", "grafts.ssf.at=[visual.tokens, visual.norm]"))
    (ssf,) = found.folded
    assert (ssf.graft, ssf.what, ssf.places) == ("ssf", "ScaleShift after", 2)
    assert ssf.where == ("visual.tokens", "visual.norm")
    assert set(ssf.into) == {"visual.conv1.weight", "visual.positional_embedding", "visual.ln_post.weight",
                             "visual.ln_post.bias"}  # fmt: skip


def test_the_shipped_model_is_loaded_by_open_clip_alone(tmp_path):
    net = promptzoo.open_backbone("promptzoo/zoo_tiny", 3, "shipped")
    for site in net.at("visual.layers.*.attention.attn.qkv"):
        site.beside(LowRank(site.dim, site.out, rank=2, targets="qv"), "lora")
    found, folder = promptzoo.merge(net), tmp_path / "merged"
    found.save(folder)
    image = small.pictures(net)
    with torch.no_grad():
        assert close(loaded(found.code(folder)).encode_image(image), net(image).notes["feature"])


LINEAR = [word for word, entry in load_registry().blocks.items() if getattr(entry.load(), "linear", False)]


@pytest.mark.parametrize("word", LINEAR)
def test_a_block_that_says_so_is_linear(word):
    entry = load_registry().blocks[word]
    block = Construct(load_registry()).build({"block": word, **entry.example, **STRAIGHTENED.get(word, {})}, "block")
    small.randomise(block)
    assert block.linear
    x, found = torch.randn(2, 5, 32), Affine.of(block, 32)
    torch.testing.assert_close(x.double() @ found.matrix.T + found.bias, block.eval()(x).double(), atol=1e-5, rtol=1e-5)
    assert (found.weight.ndim == 1) == (word in ("scale_shift", "identity"))


STRAIGHTENED = {"bottleneck": {"activation": "none"}}


# ---------------------------------------------------------------------- what does not


REFUSED = {
    ("vpt_deep", "vit"): "'vpt' at visual.embed.enter, visual.layers.*.enter: it adds 10 prompts to the tokens",
    ("lore_lora", "clip"): "'lore' at visual.tokens, visual.embed.enter, visual.layers.*.enter: it adds 10 prompts",
    ("sa2vp_adaptformer", "swin"): "'sa2vp' at visual.embed.positions",
    ("maple", "clip"): "it adds 2 prompts to the tokens, for which a plain model has no place",
    ("sa2vp", "vit"): "it has a second pathway, which a plain model lacks",
    ("adaptformer", "vit"): "'adaptformer' at visual.layers.*.feedforward: the Bottleneck beside it is not linear",
    ("adaptformer", "vit", "grafts.adaptformer.beside.activation=none"): "a FeedForward is not one linear map",
    ("adapter_plus", "vit", STRAIGHT): "'adapter' at visual.layers.*: a Layer does not end with one linear map",
    ("adapter_noah", "swin"): "the Bottleneck after it is not linear",
    ("adapter_pfeiffer", "vit", STRAIGHT, "grafts.adapter.at=visual.norm"): "a norm can be scaled, but it cannot mix",
    ("clip_adapter", "clip"): "'picture' at visual.pool: the Blend after it is not linear",
    ("coop", "clip"): "'coop' at text.tokens: it computes something that is not a weight",
    ("tip_adapter", "clip"): "'tip' at head: it computes something that is not",
    ("linear", "clip", "grafts.last={at: head, after: {block: scale_shift}}"): "the head is not part of the plain",
    ("ssf", "vit", "grafts.ssf.at=visual.embed.enter"): "a Pass does not end with one linear map",
    ("ssf", "vit", f"backbone.options={small.flow({**VIT, 'qkv_bias': False})}"): "it shifts, but the layer there",
    ("ssf", "swin", "grafts.ssf.at=visual.layers.*.merge"): "it shifts, but the layer there has no bias",
    ("zero_shot", "clip"): "has nothing to fold: nothing tuned is part of a plain open_clip/ViT-B-32-quickgelu",
    ("linear", "clip"): "has nothing to fold",
}  # fmt: skip


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: " ".join(words)[:60])
def test_what_cannot_be_folded_is_refused_by_name(words):
    assert REFUSED[words] in sentence(lambda: promptzoo.merge(tuned(*words)))


def test_each_graft_that_cannot_be_folded_has_its_sentence():
    said = sentence(lambda: promptzoo.merge(fresh("maple_clip_adapter", "clip")))
    assert said.startswith("this model cannot be folded into a plain open_clip/ViT-B-32-quickgelu; nothing is written")
    assert [line.partition(" at ")[0].strip() for line in said.splitlines()[1:]] == ["'maple'", "'picture'"]


def test_a_block_that_is_not_linear_though_it_says_so_is_found_out(tmp_path):
    class Lying(nn.Module):
        linear = True

        def forward(self, x):
            return x.relu()

    net = promptzoo.open_backbone("timm/vit_tiny_patch16_224", 3, image_size=(32, 32), options=VIT)
    net.at(FC1)[0].after(Lying())
    found = promptzoo.merge(net)
    said = sentence(lambda: found.save(tmp_path / "merged"))
    assert "the plain model differs from the tuned one by" in said
    assert "more than 1e-05" in said
    assert "is not written" in sentence(lambda: replace(found, difference=float("nan")).save(tmp_path / "merged"))
    assert not list(tmp_path.iterdir())


def test_a_model_of_unknown_origin_is_refused():
    made = fresh("lora", "vit")
    made.backbone = None
    assert "so the plain model is unknown" in sentence(lambda: promptzoo.merge(made))
