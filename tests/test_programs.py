"""Five programs as a user would write them; the README has them in short."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import runs
import small
import timm
import torch
from pictures import error
from PIL import Image
from torch import nn
from torch.func import functional_call

import promptzoo
from promptzoo.blocks import LocalityInteraction
from promptzoo.model.step import step_of

VIT = {"img_size": 32, "depth": 2, "embed_dim": 32, "num_heads": 2, "patch_size": 8, "num_classes": 5}


class Mine:
    """A set of one's own, as torch wants one: pictures of a colour."""

    def __init__(self, count: int, seed: int):
        self.count, self.seed, self.opened = count, seed, 0

    def __len__(self):
        return 3 * self.count

    def __getitem__(self, index):
        self.opened += 1
        colour = list(runs.COLOURS.values())[index % 3]
        noise = np.random.default_rng([self.seed, index]).normal(0, 60, (36, 36, 3))
        return Image.fromarray(np.clip(noise + colour, 0, 255).astype(np.uint8)), index % 3


@pytest.fixture(scope="module")
def recipe():
    return small.recipe("linear", "vit", "train={epochs: 6, lr: 1e-2, optimizer: adamw, seed: 5}").to_dict()


@pytest.fixture(scope="module")
def trained(tmp_path_factory, recipe):
    """The first program's run."""
    out = tmp_path_factory.mktemp("programs") / "run"
    sets = {"train": Mine(8, 1), "test": Mine(4, 2), "classes": list(runs.COLOURS)}
    return promptzoo.train(recipe, out, data=sets, overrides=["data.shots=4", "data.batch=4"], quiet=True), sets


def test_train_from_python_with_a_set_of_one_s_own(trained):
    run, sets = trained
    assert isinstance(run, promptzoo.Run)
    assert run.figures["test"]["accuracy"] > 0.8
    assert run.classes == list(runs.COLOURS)
    assert run.recipe.to_dict()["data"]["dataset"] == "map_style"
    again = run.evaluate(data=sets)
    assert again["accuracy"] == run.figures["test"]["accuracy"]
    assert again["remarks"] == []
    assert promptzoo.evaluate(run.path, "train", data=promptzoo.MapStyle(**sets))["count"] == 12
    refused = error(lambda: promptzoo.evaluate(run))
    assert refused.key == "data"
    assert "MapStyle" in refused.remedy


def test_graft_onto_a_loaded_timm_model_in_a_loop_of_one_s_own(tmp_path):
    def made():
        torch.manual_seed(3)
        net = promptzoo.open_backbone(Derived(**VIT), classes=["a", "b"])
        for site in net.at("visual.layers.*.feedforward"):
            site.beside(promptzoo.Bottleneck(site.dim, rank=4), "adapter")
        return net

    class Derived(timm.models.VisionTransformer):
        """A class derived from timm's."""

        def mean(self):
            return self.cls_token.mean()

    net, image, label = made(), torch.randn(6, 3, 32, 32), torch.tensor([0, 1] * 3)
    before, optimizer = net.fingerprint(), torch.optim.AdamW(net.tuned().values(), lr=1e-2)
    losses = []
    for _ in range(8):
        loss = nn.functional.cross_entropy(net.train()(image).logits, label)
        losses.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0]
    assert net.fingerprint() == before
    net.save(tmp_path / "mine.safetensors")
    found = promptzoo.load(tmp_path / "mine.safetensors", model=made())
    with torch.no_grad():
        assert torch.equal(found.model(image).logits, net.eval()(image).logits)
    assert found.predict(image[0])[0].class_name in ("a", "b")
    assert error(lambda: promptzoo.load(tmp_path / "mine.safetensors")).key == "model"
    Derived.forward = lambda own, x: 2 * own.forward_features(x)
    assert error(lambda: promptzoo.open_backbone(Derived(**VIT), 2)).key == "forward"
    refused = error(lambda: promptzoo.open_backbone(timm.create_model("vit_tiny_patch16_224"), 2, image_size=64))
    assert refused.key == "image_size"


def test_evaluate_and_take_features_of_a_finished_run(trained, tmp_path):
    run, sets = trained
    run = promptzoo.Run(run.path)
    pictures = [sets["test"][i][0] for i in range(12)]
    files = []
    for i, picture in enumerate(pictures):
        files.append(tmp_path / f"{i}.png")
        picture.save(files[-1])
    arrays = [np.asarray(picture) for picture in pictures]
    expected = run.predict(pictures, top=2)
    assert {len(one.ranking) for one in expected} == {2}
    bytes_ = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2)
    for given in (
        files, map(str, files), iter(pictures), arrays, np.stack(arrays), bytes_, list(bytes_),
        np.stack(arrays).astype(np.float64) / 255, run.predictor().look(pictures),
    ):  # fmt: skip
        assert run.predict(given, top=2) == expected
    assert run.predict(files[0], top=1)[0].class_name == expected[0].class_name
    features = run.features(iter(files))
    assert features.shape == (12, run.model().visual.out)
    with torch.no_grad():
        logits = run.model().head(features, None)
    assert [run.classes[i] for i in logits.argmax(1)] == [one.class_name for one in expected]
    for wrong in (
        np.full((4, 4, 3), 2.0),
        np.zeros((4, 4, 3), np.int64),
        3,
        [3],
        torch.zeros(3, 8, 8),
        tmp_path / "no.png",
    ):
        error(lambda wrong=wrong: run.predict(wrong))


def test_pictures_of_a_generator_are_opened_a_batch_at_a_time(trained):
    net, opened = promptzoo.load(trained[0].path), []
    seen = []
    net.model.register_forward_hook(lambda *_: seen.append(len(opened)))
    assert len(net.predict(opened.append(i) or trained[1]["test"][i % 12][0] for i in range(10))) == 10
    assert seen == [4, 8, 10]


def test_a_block_inside_a_transformer_of_one_s_own():
    class Layer(nn.TransformerEncoderLayer):
        def __init__(self):
            super().__init__(32, 4, 64, batch_first=True)
            self.local = LocalityInteraction(dim=32, neighbours=5)

        def forward(self, src, *args, **kwargs):
            return super().forward(self.local(src), *args, **kwargs)

    net = nn.Sequential(Layer(), Layer())
    tokens = torch.randn(2, 49, 32)
    net(tokens).sum().backward()
    assert all(parameter.grad is not None for name, parameter in net.named_parameters() if ".local." in name)


def test_our_step_inside_the_loop_of_another_library():
    """Trainers of other libraries want a module that gives the loss of a batch, and what it learns."""
    model = promptzoo.build(small.recipe("lora", "vit"), classes=3)
    step = step_of(model, "none")

    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.step = step

        def forward(self, pixel_values, labels):
            losses, logits = self.step(pixel_values, labels)
            return {"loss": sum(losses.values()), "logits": logits}

    net = Wrapped().train()
    batch = {"pixel_values": torch.randn(6, 3, 32, 32), "labels": torch.tensor([0, 1, 2] * 2)}
    optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=1e-2)
    losses = []
    for _ in range(6):
        out = net(**batch)
        out["loss"].backward()
        losses.append(float(out["loss"].detach()))
        optimizer.step()
        optimizer.zero_grad()
    assert losses[-1] < losses[0]
    assert not any(parameter.grad is not None for parameter in model.visual.parameters() if not parameter.requires_grad)


# ---------------------------------------------------------------------- the face


def test_the_public_names_are_listed_and_explained():
    names = set(dir(promptzoo))
    wanted = "train Run Recipe build open_backbone load evaluate compare report merge MapStyle ZooError"
    assert set(wanted.split()) <= names
    for name in wanted.split():
        assert len(getattr(promptzoo, name).__doc__.splitlines()) > 2, name


def test_a_recipe_is_made_from_a_name_a_path_a_mapping_text_or_another(tmp_path):
    lora = promptzoo.Recipe("lora", overrides=["train.lr=1e-2"])
    (tmp_path / "mine.yaml").write_text(lora.to_yaml())
    made = [tmp_path / "mine.yaml", str(tmp_path / "mine.yaml"), lora.to_dict(), lora.to_yaml(), lora]
    assert all(promptzoo.Recipe(one) == lora for one in made)
    assert error(lambda: promptzoo.Recipe("lorra")).nearest[0] == "lora"
    error(lambda: promptzoo.Recipe(3))
    assert (
        promptzoo.report("linear", classes=3).parameters.tuned
        == promptzoo.build("linear", 3).head.fc.weight.numel() + 3
    )


@pytest.mark.parametrize("name", ["sa2vp", "lore", "coop", "full", "tip_adapter_f", "maple"])
def test_features_save_pickle_and_functional_call_work_for_every_kind_of_method(tmp_path, name):
    model = small.model(name, "clip")
    image = small.pictures(model)
    with torch.no_grad():
        expected = model(image)
        assert torch.equal(model.features(image), expected.notes["feature"][: len(image)])
        assert torch.equal(functional_call(model, model.tuned(), (image,)).logits, expected.logits)
        twice = {key: 2 * tensor for key, tensor in model.tuned().items()}
        if twice:
            assert not torch.equal(functional_call(model, twice, (image,)).logits, expected.logits)
        assert torch.equal(pickle.loads(pickle.dumps(model))(image).logits, expected.logits)
    model.save(tmp_path / "model.safetensors")
    found = promptzoo.load(tmp_path / "model.safetensors")
    with torch.no_grad():
        assert torch.equal(found.model(image).logits, expected.logits)


def test_what_the_user_has_set_in_torch_is_survived(tmp_path, recipe):
    root = runs.pictures(tmp_path / "set")
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    try:
        words = ["data.shots=4", "data.batch=4", "train.epochs=1"]
        run = promptzoo.train(recipe, tmp_path / "run", data=root, overrides=words, quiet=True)
        assert {p.dtype for p in run.model().parameters()} == {torch.float32}
        net = promptzoo.open_backbone("promptzoo/zoo_tiny", 3)
        assert net(torch.zeros(1, 3, 64, 64, dtype=torch.float32)).logits.dtype == torch.float32
        assert torch.get_default_dtype() == torch.float64
        assert not torch.is_grad_enabled()
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)


def test_class_texts_are_encoded_once_a_predictor(monkeypatch):
    from promptzoo.model.heads import TextSimilarity
    from promptzoo.training.predictor import Predictor

    model = small.model("coop", "clip")
    calls, encoded = [], TextSimilarity.encoded
    monkeypatch.setattr(TextSimilarity, "encoded", lambda own, *a: (calls.append(1), encoded(own, *a))[1])
    net = Predictor(model, model.backbone.preprocess.replace(size=(32, 32)))
    for _ in range(3):
        net.predict(small.pictures(model))
    assert len(calls) == 1
    assert copy.copy(net).known is None
    pickle.loads(pickle.dumps(net)).predict(small.pictures(model))


def test_recipes_are_compared_from_python(tmp_path, recipe):
    root = runs.pictures(tmp_path / "set")
    file = Path(tmp_path / "mine.yaml")
    file.write_text(promptzoo.Recipe(recipe).to_yaml())
    words = ["data.dataset=folder", f"data.root={root}", "data.shots=4", "data.batch=4", "train.epochs=1"]
    found = promptzoo.compare(str(file), seeds=[4], out=tmp_path / "runs", overrides=words, quiet=True)
    assert [one.name for one in found.standings] == ["mine"]
    error(lambda: promptzoo.compare([{"head": 3}]))
