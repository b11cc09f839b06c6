"""What a program gives the public names that is no argument of theirs, and what of its own they leave alone."""

import inspect
import io
import os
import random
from contextlib import suppress
from threading import Event, Thread

import numpy as np
import pytest
import runs
import small
import timm
import torch
from pictures import error
from PIL import Image
from torch import nn

import promptzoo
from promptzoo import MapStyle, blocks
from promptzoo.data.preprocess import Preprocess
from promptzoo.model.ordinary import ordinary
from promptzoo.option import COMMAND, option, resuming, typed_in
from promptzoo.training.predictor import Predictor

VIT = {"img_size": 32, "depth": 2, "embed_dim": 32, "num_heads": 2, "patch_size": 8, "num_classes": 0}
PICTURE = Image.new("RGB", (9, 9))
PAIRS = [(PICTURE, 0), (PICTURE, 1)]


def opened(change=lambda net: net):
    return promptzoo.open_backbone(change(timm.models.VisionTransformer(**VIT)), 3)


@pytest.fixture(scope="module")
def net():
    return opened()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


def brief(root, out, **more):
    words = [*small.overrides("vit"), "data.shots=2", "data.batch=4", "train.epochs=1"]
    return promptzoo.train("linear", out, data=root, overrides=words, quiet=True, **more)


# ---------------------------------------------------------------------- types


WRONG = {
    "pattern": lambda net: net.at(3),
    "only": lambda net: net.at("visual.norm", "a"),
    "sites": lambda net: net.look(torch.zeros(1, 3, 32, 32), sites=3),
    "names": lambda net: net.ungrafted(3),
    "file": lambda net: net.save(None),
    "path": lambda net: promptzoo.Run(None),
    "model": lambda net: promptzoo.load("x", model=nn.Linear(1, 1)),
    "compile": lambda net: promptzoo.load("x", compile="yes"),
    "overrides of train": lambda net: promptzoo.train("lora", overrides=3),
    "quiet": lambda net: promptzoo.train("lora", quiet=None),
    "seeds": lambda net: promptzoo.compare("lora", seeds=None),
    "engine": lambda net: promptzoo.compare("lora", engine="gpu"),
    "runs": lambda net: promptzoo.figure("attention", promptzoo.Run),
    "layer": lambda net: promptzoo.figure("attention", "x", layer="last"),
    "cls": lambda net: promptzoo.Make(3),
    "grafts": lambda net: net.graft([1]),
    "state": lambda net: net.load_tuned(None),
    "queries": lambda net: net.look(torch.zeros(1, 3, 32, 32), attention=[0], queries=[99]),
    "images": lambda net: net.look(PICTURE),
    "classes": lambda net: promptzoo.open_backbone("promptzoo/zoo_tiny", 10**12),
    "run": lambda net: promptzoo.merge(3),
    "split": lambda net: promptzoo.evaluate("x", 3),
    "overrides": lambda net: promptzoo.Recipe("lora", overrides=[3]),
    "backbone": lambda net: promptzoo.build("lora", 3, backbone=nn.Linear(1, 1)),
    "options": lambda net: promptzoo.open_backbone("promptzoo/zoo_tiny", 3, options=[1]),
    "top": lambda net: Predictor(net, Preprocess(size=(32, 32))).predict(PICTURE, top="2"),
}


@pytest.mark.parametrize("key", WRONG)
def test_an_argument_of_another_type_is_named(net, key):
    assert error(lambda: WRONG[key](net)).key == key.partition(" of ")[0]


def test_whoever_takes_paths_takes_all_that_is_a_path_and_numbers_of_numpy(net):
    assert len(net.at("visual.layers.*", np.arange(2))) == 2
    assert len(net.at("visual.layers.*", iter([np.int64(1)]))) == 1
    assert error(lambda: net.at("visual.norm", [0])).key == "only"
    assert list(inspect.signature(promptzoo.train).parameters)[:2] == ["recipe", "out"]


# ---------------------------------------------------------------------- what is put at a site


@pytest.mark.parametrize(
    ("verb", "key", "given"),
    [
        ("before", "block", (None,)),
        ("after", "block", (lambda x: x,)),
        ("beside", "name", (nn.Identity(), 3)),
        ("beside", "name", (nn.Identity(), "a.b")),
        ("around", "wrap", (None, "a")),
        ("around", "name", (print, "")),
        ("before", "mine", (nn.Linear(16, 32), "mine")),
        ("after", "mine", (nn.LayerNorm(16), "mine")),
        ("beside", "mine", (nn.Linear(32, 16), "mine")),
        ("beside", "mine", (blocks.Bottleneck(16), "mine")),
    ],
)
def test_what_cannot_stand_at_a_site_is_told_at_once_and_leaves_nothing(net, verb, key, given):
    (site,) = net.at("visual.layers.0.feedforward")
    assert error(lambda: getattr(site, verb)(*given)).key == key
    assert not net.grafts


def test_what_fits_is_put_whatever_it_asks_of_the_number_of_tokens():
    mine = opened()
    mine.at("visual.layers.0.feedforward")[0].beside(blocks.LocalityInteraction(32, neighbours=9), "lin")
    mine.at("visual.layers.0.attention.attn.mix")[0].before(nn.Identity(), "mix")
    mine.at("head")[0].after(nn.Linear(3, 3), "after")
    assert error(lambda: mine.ungrafted("linn")).nearest[0] == "lin"
    with mine.ungrafted("lin"):
        pass


@pytest.mark.parametrize("cls", [getattr(blocks, name) for name in blocks.__all__])
def test_the_sizes_of_a_block_are_whole_and_one_or_more(cls):
    for name, hint in inspect.get_annotations(cls.__init__).items():
        for value in (-1, "a", 1.5) if hint is int else ():
            others = {one: 1 for one in inspect.signature(cls).parameters if one != name}
            with pytest.raises(ValueError, match=rf"^{name} must be "):
                cls(**{name: value}, **others)


# ---------------------------------------------------------------------- models


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_loaded_model_keeps_its_precision_to_the_end(dtype):
    assert opened(lambda one: one.to(dtype))(torch.zeros(1, 3, 32, 32, dtype=dtype)).logits.dtype == dtype


def test_a_model_without_weights_is_named():
    assert error(lambda: opened(lambda one: one.to("meta"))).given == "meta"


@pytest.mark.parametrize("name", [name for name in small.RECIPES if "tip_adapter" in name])
def test_a_method_that_has_seen_no_picture_says_so(name):
    made = promptzoo.build(small.recipe(name, "clip"), small.CLASSES)
    assert error(lambda: made(small.pictures(made))).key == "tip"
    assert small.knowing(made)(small.pictures(made)).logits.isfinite().all()


@pytest.mark.slow
@pytest.mark.parametrize("name", small.RECIPES)
def test_a_model_of_any_recipe_gives_numbers_or_says_why_not(name):
    made = promptzoo.build(small.recipe(name, small.carrier(name)), small.CLASSES)
    with suppress(promptzoo.ZooError):
        assert made(small.pictures(made)).logits.isfinite().all()


def test_costs_do_not_depend_on_the_default_type(net):
    torch.set_default_dtype(torch.float64)
    try:
        found = promptzoo.report(net)
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.inference.macs == promptzoo.report(net).inference.macs


# ---------------------------------------------------------------------- pictures


class Broken:
    """A set whose second picture is gone."""

    def __init__(self, picture=None, **told):
        self.picture = picture
        vars(self).update(told)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        if index and self.picture is None:
            raise KeyError("gone")
        return self.picture or PICTURE, index


@pytest.mark.parametrize("classes", [["a", "a"], ["a", ""], ["a", " "], ["a", 3], "ab", 2])
def test_classes_have_names_of_their_own(classes):
    assert error(lambda: MapStyle(PAIRS, PAIRS, classes=classes)).key == "classes"
    if classes != 2:
        assert error(lambda: promptzoo.open_backbone("promptzoo/zoo_tiny", classes)).key == "classes"


def test_a_set_that_fails_is_named_with_the_place_of_the_picture():
    assert error(lambda: MapStyle(PAIRS, Broken())).place == "test[1]"
    assert error(MapStyle(Broken(targets=[0, 1]), PAIRS).train[1].open).place == "train[1]"
    assert error(MapStyle(PAIRS, Broken(Image.new("RGB", (0, 5)))).test[0].open).place == "test[0]"
    for targets in ([0], [0, 1, 1]):
        assert error(lambda targets=targets: MapStyle(Broken(PICTURE, targets=targets), PAIRS)).key == "targets"


@pytest.mark.parametrize(("given", "key"), [("test", "train"), ("train", "test"), ("val", "train"), ("shots", "shots")])
def test_data_that_is_half_there_or_no_word_is_named(given, key):
    assert error(lambda: promptzoo.train("linear", data={given: [object()]})).key == key


def test_a_recipe_in_python_holds_what_a_file_can_hold(root):
    told = promptzoo.Recipe("linear").to_dict()
    told["data"] = {"dataset": "folder", "root": root, "shots": np.int64(4)}
    assert promptzoo.Recipe(told).to_dict()["data"] == {"dataset": "folder", "root": str(root), "shots": 4}
    assert promptzoo.Recipe(promptzoo.Recipe(told).to_yaml()) == promptzoo.Recipe(told)


def closed():
    PICTURE.save(file := io.BytesIO(), "PNG")
    picture = Image.open(file)
    picture.close()
    return picture


NOTHING = [*(torch.full((3, 32, 32), number) for number in (torch.nan, torch.inf)), np.full((4, 4, 3), np.nan)]


@pytest.mark.parametrize("given", [*NOTHING, closed()])
def test_a_picture_without_numbers_is_named_by_its_place(net, given):
    mine = Predictor(net, Preprocess(size=(32, 32)), batch=2)
    for ask in (mine.predict, mine.features, mine.look):
        assert error(lambda ask=ask: ask([PICTURE, PICTURE, given])).place == "pictures[2]"


# ---------------------------------------------------------------------- what is the caller's


def states():
    return repr((random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()))


def test_the_generators_of_the_caller_are_as_they_were(tmp_path, root):
    before = states()
    run = brief(root, tmp_path / "run")
    promptzoo.evaluate(run)
    run.predict(PICTURE)
    promptzoo.build(small.recipe("lora", "vit"), 3)
    error(lambda: brief(root, tmp_path / "run"))
    error(lambda: promptzoo.compare(run.recipe, seeds=0))
    assert states() == before


def test_a_second_training_in_another_thread_is_refused_and_others_wait_for_none(tmp_path, root, net):
    begun, over, said = Event(), Event(), []

    def first():
        with ordinary(trains=True):
            begun.set()
            over.wait()

    thread = Thread(target=first, daemon=True)
    thread.start()
    begun.wait(60)
    try:
        for ask in (lambda: brief(root, tmp_path / "b"), lambda: promptzoo.build(small.recipe("linear", "vit"), 3)):
            said.append(error(ask).key)
        assert len(Predictor(net, Preprocess(size=(32, 32))).predict([PICTURE])) == 1
    finally:
        over.set()
        thread.join()
    assert said == ["thread", "thread"]
    assert not (tmp_path / "b").exists()
    assert brief(root, tmp_path / "b").figures["test"]


def test_a_training_in_a_thread_comes_to_the_same(tmp_path, root):
    found = []
    thread = Thread(target=lambda: found.append(brief(root, tmp_path / "aside")))
    thread.start()
    thread.join()
    (run,) = found
    assert runs.same(run.path, brief(root, tmp_path / "here").path)


# ---------------------------------------------------------------------- in whose words


def test_an_option_is_said_as_it_is_asked_for(tmp_path, root):
    assert (option("out"), option("trust_code", True), option("layer", 1)) == ("out", "trust_code=True", "layer=1")
    with typed_in():
        assert (option("trust_code", True), option("layer", 1)) == ("--trust-code", "--layer 1")
        assert resuming("a b") == "promptzoo train --resume 'a b'"
    assert option("force", True) == "force=True"
    assert COMMAND not in os.environ
    (tmp_path / "mine.safetensors").touch()
    assert "--" not in str(error(lambda: opened().save(tmp_path / "mine.safetensors")))
