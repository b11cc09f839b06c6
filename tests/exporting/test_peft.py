"""A LoRA run is a folder that peft loads on the plain model, and a folder of peft's is a run."""

import json
import shutil

import merged
import peft
import pytest
import small
import timm
import torch
from exported import left, refused
from merged import loaded
from safetensors.torch import load_file
from small import CLASSES

import promptzoo
from promptzoo import cli
from promptzoo.exporting.export import export

QKV = "visual.layers.*.attention.attn.qkv"
RUNS = {
    "queries and values": ("vit",),
    "packed, another scaling": ("swin", "grafts.lora.beside={block: low_rank, rank: 3, alpha: 5, "
                                        "scaling: alpha/sqrt(rank), dropout: 0.1}"),
    "two ranks": ("vit", "grafts.more={at: visual.layers.*.feedforward.mlp.fc1, beside: {block: low_rank, rank: 2}}"),
}  # fmt: skip
OPTIONS = {"img_size": (32, 32), **small.BACKBONES["vit"]["options"]}


def frozen(run):
    """The weights that stand below a run, as timm has them."""
    backbone = promptzoo.load(run).model.backbone
    tensors = {merged_name(name): one for name, one in promptzoo.load(run).model.state_dict().items()}
    return {key: tensors[place] for key, place in backbone.names.items()}


def merged_name(name):
    return name.replace(".step", "")


@pytest.mark.parametrize(
    "case", ["two ranks", *(pytest.param(case, marks=pytest.mark.slow) for case in list(RUNS)[:2])]
)
def test_peft_loads_a_run_on_the_plain_model_and_the_zoo_loads_it_back(case, tmp_path):
    kind, *words = RUNS[case]
    run = merged.checkpoint(tmp_path / "run" / "model.safetensors", "lora", kind, *words).parent
    export(run, "peft", tmp_path / "peft")
    net = promptzoo.load(run).model
    image = torch.randn(3, *net.visual.input)
    with torch.no_grad():
        expected = net(image).logits
        plain = net.backbone.plain.make(len(CLASSES))
        plain.load_state_dict(frozen(run), strict=False)
        found = peft.PeftModel.from_pretrained(plain, tmp_path / "peft").eval()
        assert merged.close(found(image), expected)
        back = promptzoo.from_peft(tmp_path / "peft", tmp_path / "back", overrides=small.overrides(kind))
        again = promptzoo.load(tmp_path / "back")
        assert again.classes == CLASSES
        assert merged.close(again.model(image).logits, expected)
    assert back.difference <= 1e-6
    own = load_file(tmp_path / "peft" / "adapter_model.safetensors")
    pairs = [tensor for name, tensor in own.items() if "lora_" in name]
    tuned = list(again.model.tuned_state().values())
    assert all(any(one.shape == pair.shape and torch.equal(one, pair) for one in tuned) for pair in pairs)


def test_the_lines_that_are_printed_load_the_adapter(tmp_path):
    run = merged.checkpoint(tmp_path / "run" / "model.safetensors", "lora").parent
    made = export(run, "peft", tmp_path / "peft")
    with torch.no_grad():
        assert loaded(made.code)(torch.randn(2, 3, 32, 32)).shape == (2, 4)
    assert any("load them into the plain model first" in sentence for sentence in made.rest)


def of_peft(folder, **words):
    """A folder that peft itself writes, and the model that it made."""
    plain = timm.create_model("vit_tiny_patch16_224", num_classes=3, **OPTIONS).eval()
    given = {"r": 4, "lora_alpha": 6, "target_modules": ["qkv", "fc2"], "modules_to_save": ["head"], **words}
    made = peft.get_peft_model(plain, peft.LoraConfig(**given)).eval()
    state = {name: tensor for name, tensor in plain.state_dict().items() if "lora_" not in name}
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "lora_" in name or "modules_to_save" in name:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    made.save_pretrained(folder)
    torch.save({name.replace(".base_layer", ""): one for name, one in state.items()
                if "head" not in name and "modules_to_save" not in name}, folder / "base.pt")  # fmt: skip
    return made


def words(folder):
    return [*small.overrides("vit"), f"backbone.weights={folder / 'base.pt'}"]


@pytest.mark.parametrize("more", [
    {}, {"rank_pattern": {"fc2": 2}, "alpha_pattern": {"fc2": 1}},
    {"use_rslora": True, "alpha_pattern": {r"blocks\.[01]\.attn\.qkv": 9}},
], ids=str)  # fmt: skip
def test_a_folder_that_peft_wrote_is_a_run(more, tmp_path):
    folder = tmp_path / "theirs"
    made = of_peft(folder, **more)
    assert cli.main(["export", str(folder), "--to", "run", "--out", str(tmp_path / "ours"), "--classes", "a,b,c",
                     *words(folder)]) == 0  # fmt: skip
    found = promptzoo.load(tmp_path / "ours")
    image = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert merged.close(found.model(image).logits, made(image))
    assert found.classes == ["a", "b", "c"]


def test_a_folder_that_is_none_of_this_model_is_told(tmp_path):
    folder, out = tmp_path / "theirs", tmp_path / "ours"
    of_peft(folder)
    load = lambda *more, **options: promptzoo.from_peft(folder, out, overrides=[*words(folder), *more], **options)  # noqa: E731
    other = f"backbone.options={small.flow({**small.BACKBONES['vit']['options'], 'embed_dim': 64})}"
    assert refused(lambda: load(other, "backbone.weights=random")).key == "backbone.open"
    fewer = f"backbone.options={small.flow({**small.BACKBONES['vit']['options'], 'depth': 1})}"
    said = refused(lambda: load(fewer, "backbone.weights=random"))
    assert (said.key, said.given) == ("target_modules", "blocks.1.attn.qkv")
    assert refused(lambda: load(classes=["a"])).key == "classes"
    assert refused(lambda: promptzoo.from_peft(folder, out)).key == "backbone.open"
    assert "adapter_config.json" in refused(lambda: promptzoo.from_peft(tmp_path, out)).what
    told = json.loads((folder / "adapter_config.json").read_text())
    wrong = [
        ("peft_type", "peft_type", "IA3"), ("peft_type", "use_dora", True), ("peft_type", "bias", "all"),
        ("peft_type", "r", "four"), ("lora_alpha", "lora_alpha", "six"), ("alpha_pattern", "alpha_pattern", {"(": 1}),
        ("difference", "init_lora_weights", "olora"),  # whose frozen weights are others
    ]  # fmt: skip
    for key, word, value in wrong:
        (folder / "adapter_config.json").write_text(json.dumps({**told, word: value}))
        assert refused(load).key == key
    (folder / "adapter_config.json").write_text(json.dumps(told))
    (folder / "adapter_model.safetensors").write_bytes(b"torn")
    assert "safetensors" in refused(load).what
    shutil.rmtree(folder)
    assert left(tmp_path) == set()
    of_peft(folder, modules_to_save=None)
    assert refused(load).key == "modules_to_save"


def test_what_is_no_lora_alone_is_told(tmp_path):
    for name, kind in (("ssf", "vit"), ("clip_lora", "clip")):
        run = merged.checkpoint(tmp_path / name / "model.safetensors", name, kind).parent
        said = refused(lambda run=run: export(run, "peft", tmp_path / "peft"))
        assert (said.key, said.given) == ("to", "peft")
    assert not (tmp_path / "peft").exists()
