"""Learned words on CLIP: CoOp, Co-CoOp and MaPLe on both towers."""

import math

import open_clip
import torch
from torch import Tensor

from conformance_cases.fill import fill, put
from conformance_cases.golden import Case, Tensors
from promptzoo.blocks import Coupling
from promptzoo.grafts.coop import ConditionalContext, ContextOptimization
from promptzoo.grafts.maple import CoupledPrompts
from promptzoo.model.blueprint import Make
from promptzoo.model.heads import TextSimilarity
from promptzoo.model.model import Model
from promptzoo.model.texts import through
from promptzoo.recipe.towers import adopt

LAYER = {
    "norm1": "ln_1", "norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj", "attn.proj": "attn.out_proj",
}  # fmt: skip


class Words:
    """A tokenizer that knows the case's sentences: every word of every class has a number and an embedding."""

    def __init__(self, case: Case):
        start, rest = case.x("token_prefix"), case.x("token_suffix")
        self.learned = case.hyper["text"]["ctx"] - 1 - rest.shape[1]
        self.names, self.lengths = [str(c) for c in range(len(start))], case.x("name_length").tolist()
        known = torch.cat([start, rest], 1)  # c n' d
        classes, places, width = known.shape
        ends = case.x("eot_index") - self.learned
        self.ids = torch.arange(1, 1 + classes * places).view(classes, places)
        self.ids[range(classes), ends] += classes * places  # the largest of its row
        self.table = torch.zeros(1 + 2 * classes * places, width, dtype=torch.float64)
        self.table[self.ids] = known
        self.ids = torch.nn.functional.pad(self.ids, (0, self.learned))

    def __call__(self, texts: list[str]) -> Tensor:
        return torch.stack([self.sentence(text) for text in texts])

    def sentence(self, text: str) -> Tensor:
        """`0.` is the case's sentence of class 0, and `0` its name alone."""
        ids = self.ids[int(text.rstrip("."))].clone()
        if not text.endswith("."):
            end = 1 + self.lengths[int(text)]
            ids[end], ids[end + 1 :] = len(self.table) - 1, 0
        return ids


def clip(case: Case) -> tuple[Model, Words]:
    """CLIP of the case's sizes with its weights, adopted, under a head that compares texts."""
    hyper, words = case.hyper, Words(case)
    visual, text = hyper["visual"], hyper["text"]
    original = open_clip.CLIP(
        hyper["embed_dim"],
        {
            "image_size": visual["patch"] * visual["grid"][0], "patch_size": visual["patch"],
            "width": visual["width"], "layers": visual["layers"], "head_width": visual["width"] // visual["heads"],
        },
        {
            "context_length": text["ctx"], "vocab_size": len(words.table), "width": text["width"],
            "heads": text["heads"], "layers": text["layers"],
        },
        quick_gelu=True,
    )  # fmt: skip
    image, texts = case.under("backbone.visual"), case.under("backbone.text")
    state = {
        "visual.class_embedding": image["cls_token"].flatten(), "visual.positional_embedding": image["pos_embed"][0],
        "visual.conv1.weight": image["patch_embed.proj.weight"], "visual.proj": image["head.weight"].T,
        "positional_embedding": texts["pos_embed"], "text_projection": texts["proj.weight"].T,
        "token_embedding.weight": words.table, "logit_scale": torch.tensor(hyper["logit_scale"]).double(),
    }  # fmt: skip
    for tower, roles, norms in (
        ("visual.", image, {"norm_pre": "ln_pre", "norm": "ln_post"}),
        ("", texts, {"norm": "ln_final"}),
    ):
        for role, value in roles.items():
            owner, _, last = role.rpartition(".")
            if owner in norms:
                state[f"{tower}{norms[owner]}.{last}"] = value
            elif owner.startswith("blocks."):
                _, number, part = owner.split(".", 2)
                place = f"attn.in_proj_{last}" if part == "attn.qkv" else f"{LAYER[part]}.{last}"
                state[f"{tower}transformer.resblocks.{number}.{place}"] = value
    adopted = adopt(put(original, state))
    model = Model(adopted.visual, adopted.text, words.names, adopted.logit_scale)
    scale = math.exp(hyper["logit_scale"])
    model.head = TextSimilarity(
        adopted.visual.out, words.names, text=adopted.text, tokenize=words, scale=scale, template="{}."
    )
    return model, words


def grafted(case: Case, graft: torch.nn.Module) -> Model:
    model, _ = clip(case)
    model.graft({"learned": graft})
    return model.double().eval()


def features(model: Model, image: Tensor) -> Tensors:
    """What both towers give before anything is normalised."""
    ids = model.head.ids[0]
    return {
        "text_features": through(model.text, ids, torch.arange(len(ids))),
        "image_features": model.visual.features(image),
    }


def coop(case: Case) -> Tensors:
    """Class name behind, amid and before the context, and a context for each class."""
    image, length, found = case.x("image"), case.hyper["n_ctx"], {}
    for position in ("front", "middle", "end"):
        model = grafted(case, ContextOptimization(length=length, position=position))
        model.grafts["learned"].context.vectors.data = case.w("coop.ctx")
        found[f"logits_{position}"] = model(image).logits
    found |= features(model, image)
    model = grafted(case, ContextOptimization(length=length, class_specific=True))
    model.grafts["learned"].context.vectors.data = case.w("coop.ctx_class_specific")
    return found | {"logits_class_specific": model(image).logits}


def cocoop(case: Case) -> Tensors:
    image = case.x("image")
    model = grafted(case, ConditionalContext(length=case.hyper["n_ctx"]))
    graft = model.grafts["learned"]
    graft.context.vectors.data = case.w("cocoop.ctx")
    fill(graft.meta, case, {"0": "cocoop.meta1", "2": "cocoop.meta2"})
    unit = torch.nn.functional.normalize(model.visual.features(image), dim=-1)
    return {"meta": graft.meta(unit), "logits": model(image).logits}


def maple(case: Case) -> Tensors:
    image = case.x("image")
    model = grafted(case, CoupledPrompts(Make(Coupling), depth=case.hyper["depth"], length=case.hyper["n_ctx"]))
    graft = model.grafts["learned"]
    graft.context.vectors.data = case.w("maple.ctx")
    for number, deep in enumerate(graft.deep):
        deep.data = case.w(f"maple.deep.{number}.text")
    for number, couple in enumerate(graft.couple):
        fill(couple, case, {"couple": "maple.proj" if not number else f"maple.deep.{number - 1}.proj"})
    return {"logits": model(image).logits, **features(model, image)}


CASES = {"coop": coop, "cocoop": cocoop, "maple": maple}
