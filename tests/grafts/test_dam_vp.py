"""Frames of pixels: one for all pictures, or one for each cluster of them, and where they begin."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest
import runs
import small
import torch
from pictures import sentence
from safetensors.torch import load_file, save_file

import promptzoo
from promptzoo.blocks import PixelFrame
from promptzoo.costs.counting import report
from promptzoo.grafts.dam_vp import SIDES, DiversityAwarePrompting, means
from promptzoo.model.model import Model
from promptzoo.recipe.build import build
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.loop import Loop
from promptzoo.training.reopen import without_classes
from promptzoo.training.session import Result

FRAME = "grafts={border: {at: visual.tokens, before: {block: pixel_frame, width: 4}}}"
THREE = "grafts.dam_vp.threshold=3"  # clusters of the pictures of `runs`, one for each colour


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


class Trained(NamedTuple):
    """A run that begins with the frame of a file: its folder and words, what came of it, the pictures it looked at."""

    out: Path
    start: Path
    words: tuple[str, ...]
    result: Result
    looked: int


@pytest.fixture(scope="module")
def trained(tmp_path_factory, root):
    folder, looked, real = tmp_path_factory.mktemp("runs"), [], Model.frozen_features
    start = saved(folder / "frame.safetensors")
    words = ("dam_vp", "vit", THREE, "train.epochs=2", "train.save_every=1", f"grafts.dam_vp.start={start}")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Model, "frozen_features", lambda self, x: looked.append(len(x)) or real(self, x))
        result = runs.run(folder / "run", root, *words)
    return Trained(folder / "run", start, words, result, sum(looked))


def saved(path: Path, width: int = 4) -> Path:
    """A file with a frame."""
    save_file(dict(PixelFrame((3, 32, 32), width=width).state_dict()), path)
    return path


def dam_vp(kind: str = "vit", *words: str) -> tuple[Model, DiversityAwarePrompting]:
    """The method with three frames that differ, each the nearest of one of three pictures."""
    made = small.model("dam_vp", kind, *words)
    graft = made.grafts["dam_vp"]
    graft.spread(made.frozen_features(small.pictures(made)))
    small.randomise(graft.frames)
    return made, graft


# ---------------------------------------------------------------------- the frame


def test_a_frame_changes_the_border_and_nothing_inside():
    frame, x = PixelFrame((3, 9, 7), width=2), torch.randn(2, 3, 9, 7)
    moved = (frame(x) != x).all(1)
    assert moved[:, :2].all()
    assert moved[:, -2:].all()
    assert moved[..., :2].all()
    assert moved[..., -2:].all()
    assert not moved[:, 2:-2, 2:-2].any()
    assert sum(p.numel() for p in frame.parameters()) == 3 * (9 * 7 - 5 * 3)


def test_a_frame_alone_stands_before_the_tokens_by_two_words_whatever_the_size_of_the_picture():
    made = small.built("linear", "vit", FRAME, "backbone.image_size=[32, 64]")
    image = small.pictures(made)
    (frame,) = made.grafts["border"].blocks
    with made.ungrafted():
        expected = made(frame(image)).logits
    torch.testing.assert_close(made(image).logits, expected)


def test_a_frame_goes_round_pictures_alone():
    with pytest.raises(ValueError, match=r"a picture of channels, height and width, got \(77,"):
        PixelFrame((77,))


# ---------------------------------------------------------------------- which frame a picture takes


@pytest.mark.parametrize("kind", ["vit", "swin"])
def test_each_picture_takes_the_frame_of_its_nearest_prototype(kind):
    made, graft = dam_vp(kind)
    image = small.pictures(made)[[2, 0, 1, 0]]
    together = made(image).logits
    for row, frame in enumerate([2, 0, 1, 0]):
        alone = PixelFrame(made.visual.input, width=4)
        alone.load_state_dict({side: getattr(graft.frames, side)[frame] for side in SIDES})
        with made.ungrafted():
            torch.testing.assert_close(made(alone(image[row : row + 1])).logits[0], together[row])


def test_a_frame_learns_from_the_pictures_that_take_it_and_from_no_others():
    made, graft = dam_vp()
    made(small.pictures(made)[[0, 2]]).logits.square().sum().backward()
    for side in SIDES:
        assert [bool(frame.any()) for frame in getattr(graft.frames, side).grad] == [True, False, True]


def test_the_nearest_prototype_is_that_of_the_clean_picture_whatever_else_acts_on_it():
    made = small.built("dam_vp", "vit", FRAME.replace("={border: ", ".border=").replace("}}}", "}}"))
    image, seen = small.pictures(made), []
    made.grafts["dam_vp"].frames.register_forward_hook(lambda _m, x, _y: seen.append(x))
    notes = made(image).notes
    assert not torch.equal(seen[0][0], image)
    torch.testing.assert_close(notes["frozen"], made.frozen_features(image))


def test_a_silent_method_asks_for_no_second_forward():
    made, _ = dam_vp()
    with made.ungrafted():
        assert "frozen" not in made(small.pictures(made)).notes


def test_the_second_forward_is_counted():
    found = report(small.recipe("dam_vp"), small.CLASSES)
    assert found.parts[0].marginal == pytest.approx(found.bare.macs, rel=0.01)
    assert found.uncounted == {}


# ---------------------------------------------------------------------- clusters


def named(**words) -> DiversityAwarePrompting:
    graft = DiversityAwarePrompting(**words)
    graft.name = "dam_vp"
    return graft


def test_clusters_join_below_the_threshold_and_not_at_it():
    line = torch.tensor([[7.0], [0.0], [2.0], [9.5], [1.0]])
    assert named(threshold=2.5).clusters(line).tolist() == [0, 1, 1, 2, 1]
    assert named(threshold=2.5001).clusters(line).tolist() == [0, 1, 1, 0, 1]
    assert means(line, torch.tensor([0, 1, 1, 2, 1])).flatten().tolist() == [7.0, 1.0, 9.5]
    assert named().clusters(line[:1]).tolist() == [0]


def test_too_many_clusters_name_a_threshold_that_makes_as_many_as_may_be():
    features = torch.randn(40, 8)
    said = sentence(lambda: named(threshold=1e-3, most=5).clusters(features))
    assert said.startswith("'dam_vp' makes 40 clusters of 40 pictures at threshold 0.001, but most is 5; ")
    better = float(said.partition("grafts.dam_vp.threshold=")[2].partition(" ")[0])
    assert named(threshold=better, most=5).clusters(features).max() == 4


# ---------------------------------------------------------------------- runs


def test_a_run_finds_saves_and_loads_as_many_frames_as_there_are_clusters(trained):
    told = json.loads((trained.out / "data.json").read_text())
    assert told["dam_vp"] == {"prompters": 3, "clustered": 12, "sizes": [4, 4, 4]}
    away = trained.start.rename(trained.start.with_suffix(".away"))  # a finished run holds all that it needs
    model = promptzoo.load(trained.out).model
    assert len(model.grafts["dam_vp"].prototypes) == len(model.grafts["dam_vp"].frames.up) == 3
    assert trained.result.tuned_parameters == sum(p.numel() for p in model.tuned().values())
    assert evaluate_run(trained.out)["accuracy"] == trained.result.test["accuracy"]
    away.rename(trained.start)


def test_a_run_that_was_killed_ends_as_one_left_alone(tmp_path, trained, root, monkeypatch):
    learn = Loop.learn

    def stop(self, *given):
        if self.reached.step == 4:
            raise KeyboardInterrupt
        return learn(self, *given)

    monkeypatch.setattr(Loop, "learn", stop)
    with pytest.raises(BaseException, match="resume=True"):
        runs.run(tmp_path / "run", root, *trained.words)
    monkeypatch.undo()
    runs.run(tmp_path / "run", root, *trained.words, resume=True)
    assert runs.same(tmp_path / "run", trained.out)


def test_frozen_features_are_remembered_beside_the_pictures_and_change_no_number(tmp_path, trained, root):
    told = [json.loads((trained.out / "data.json").read_text())["features_computed_once"]]
    anew = runs.run(tmp_path / "anew", root, *trained.words, "data.cache=false")
    told.append(json.loads((tmp_path / "anew" / "data.json").read_text())["features_computed_once"])
    assert told == [24, 0]
    # the rehearsal; to cluster; how near it starts; to train and validate; to test
    assert trained.looked == 2 + 12 + 12 + 24 + 12
    for first, second in zip(runs.lines(trained.out), runs.lines(tmp_path / "anew"), strict=True):
        assert runs.close(first, second)
    assert runs.close(anew.test, trained.result.test)


def test_frames_belong_to_no_class():
    asked = small.recipe("visual_prompt", "clip", "grafts.more={graft: dam_vp, width: 4}")
    made = small.knowing(build(asked, small.CLASSES))
    assert len(made.grafts["more"].frames.up) == 3
    assert without_classes(made.tuned_state(), asked, small.CLASSES, "runs/it").keys() == made.tuned_state().keys()


# ---------------------------------------------------------------------- where frames begin


class Pictures:
    """Training pictures of known features."""

    labels = torch.zeros(5)

    def gather(self, function, *, only):
        assert only == sorted(only)
        return torch.eye(5)[only]


def test_every_frame_begins_as_that_of_a_file(tmp_path):
    made, graft = dam_vp()
    graft.start, graft.threshold, graft.samples = saved(tmp_path / "frame.safetensors"), 1.0, 4
    told = graft.prepare(made, type("Data", (), {"train": Pictures()}))
    assert told == {"prompters": 4, "clustered": 4, "sizes": [1, 1, 1, 1]}
    for side, first in load_file(graft.start).items():
        assert torch.equal(getattr(graft.frames, side), first.expand(4, -1, -1, -1))


def test_a_start_that_does_not_fit_gets_a_sentence(tmp_path):
    (tmp_path / "text").write_text("no frame")
    saved(tmp_path / "narrow", 3)
    for name, said in {
        "none": "none, which cannot be read as a .safetensors file: ",
        "text": "text, which cannot be read as a .safetensors file: ",
        "narrow": "narrow, which contains down 3 x 3 x 32, left 3 x 26 x 3, right 3 x 26 x 3, up 3 x 3 x 32; a frame",
    }.items():
        assert said in sentence(lambda name=name: dam_vp()[1].frames.begin(tmp_path / name))
