"""Every layer in one pass, a video that goes on from its last frame, and what a task counts before it is asked."""

import layouts
import pytest
from PIL import Image

from promptzoo.cli.app import main
from promptzoo.data.sources.davis import Davis
from promptzoo.data.sources.revisited import Revisited
from promptzoo.data.sources.spair import SPair
from promptzoo.errors import ZooError
from promptzoo.tasks.correspond import Correspond
from promptzoo.tasks.desk import Desk, Steps
from promptzoo.tasks.retrieve import Retrieve
from promptzoo.tasks.segment_video import SegmentVideo

TASKS = {
    "retrieve": (Retrieve, Revisited, layouts.revisited, {}),
    "correspond": (Correspond, SPair, layouts.spair, {}),
    "segment_video": (SegmentVideo, Davis, layouts.davis, {"side": 64, "radius": 3}),
    "tiles": (SegmentVideo, Davis, layouts.davis, {"tiles": True, "radius": 3}),
}


@pytest.fixture
def passes(monkeypatch):
    """How many pictures went through the tower, pass by pass."""
    counted = []
    for kind in ("vit", "clip", "swin"):
        eye = layouts.eye(kind)
        monkeypatch.setattr(eye, "at", lambda size, at=eye.at: counted.append(size) or at(size))
    return counted


@pytest.mark.parametrize(
    ("name", "kind"), [*((name, "clip") for name in TASKS), ("correspond", "swin"), ("tiles", "swin")]
)
def test_all_layers_are_asked_in_one_pass_and_are_what_each_is_alone(tmp_path, passes, name, kind):
    task, source, layout, how = TASKS[name]
    source, eye = source(layout(tmp_path)), layouts.eye(kind)
    alone = task(**how).measure(eye, source, Desk())
    once = len(passes)
    found = task(layer="all", **how).measure(eye, source, Desk())
    assert len(passes) == 2 * once
    assert list(found["layers"]) == ["final norm", *(f"layer {i}" for i in range(len(eye.model.visual.layers)))]
    assert {key: value for key, value in found.items() if key not in ("best", "layers", "ap")} == {
        key: value for key, value in alone.items() if key != "ap"
    }
    last = len(eye.model.visual.layers) - 1
    if kind == "clip":  # another grid may lead to frames of another size
        one = task(layer=last - 1, **how).measure(eye, source, Desk())
        assert found["layers"][f"layer {last - 1}"][task.score] == pytest.approx(one[task.score])
    best = max(found["layers"].values(), key=lambda one: one[task.score])
    named = found["best"].removesuffix(", chosen on the test set")
    assert named != found["best"]
    assert found["layers"][named] == best


@pytest.mark.parametrize("name", ["correspond", "tiles"])
def test_patches_may_be_taken_where_the_pooled_feature_lies(tmp_path, name):
    task, source, layout, how = TASKS[name]
    source, eye = source(layout(tmp_path)), layouts.eye("clip")
    (wide, _), (pooled, _) = (eye.patches(layouts.pixels(eye), space=space)[0] for space in ("width", "pooled"))
    assert (wide.shape[-1], pooled.shape[-1]) == (32, 24)
    found = [task(space=space, **how).measure(eye, source, Desk())[task.score] for space in ("width", "pooled")]
    assert all(0 <= one <= 1 for one in found)


class Stops(Steps):
    """Presses Ctrl-C after so many steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    def step(self, count: int = 1) -> None:
        self.left -= count
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [0, 4, 9])
def test_a_video_goes_on_from_its_last_frame_with_soft_labels_and_the_same_masks(tmp_path, passes, after):
    source, task = Davis(layouts.davis(tmp_path / "set", frames=12)), SegmentVideo(side=64, radius=3, previous=2)
    eye = layouts.eye("vit")
    whole = task.measure(eye, source, Desk(folder=tmp_path / "whole"))
    answers = tmp_path / "answers.jsonl"
    with pytest.raises(KeyboardInterrupt):
        task.measure(eye, source, Desk(answers, tmp_path / "parts", Stops(after)))
    passes.clear()
    assert task.measure(eye, source, Desk(answers, tmp_path / "parts")) == whole
    assert len(passes) == 12 - (after + 1) + min(3, after + 1)  # the first frame and the two before are seen again
    for file in (tmp_path / "whole" / "walk").iterdir():
        assert file.read_bytes() == (tmp_path / "parts" / "walk" / file.name).read_bytes()
    passes.clear()
    assert task.measure(eye, source, Desk(answers, tmp_path / "parts")) == whole
    assert not passes


def test_the_box_is_scaled_as_the_points_are_so_that_the_threshold_is(tmp_path):
    """A box of 40 pixels in a picture seen at two thirds: at 0.1 a find may lie 2.7 pixels off, not 4."""
    found = []
    for off in (3.0, 5.0):  # in the picture's own pixels: 2 and 3.3 where it is seen
        changes = {"trg_imname": "0.jpg", "trg_imsize": [48, 36, 3], "trg_bndbox": [4, 2, 44, 34]}
        points = {"src_kps": [[18, 18]], "trg_kps": [[18 + off, 18]]}
        root = layouts.spair(tmp_path / str(off), **changes, **points)
        source, task = SPair(root), Correspond()
        source.names = source.names[:1]
        task.pixel = lambda points: points
        pair, eye = next(iter(source)), layouts.eye()
        with pytest.MonkeyPatch.context() as patched:
            stay = lambda one, other, asked, grid, size: type("Found", (), {"points": asked})  # noqa: E731
            patched.setattr("promptzoo.tasks.correspond.transfer_keypoints", stay)
            task.look(eye, [pair], [None])
            found.append(task.right(pair, eye, 0, None)[0])
    assert found == [1, 0]


def test_windows_keep_a_swin_to_its_own_size_and_frames_have_a_way_out(tmp_path):
    source = Davis(layouts.davis(tmp_path))
    with pytest.raises(ZooError) as refused:
        SegmentVideo(side=64).measure(layouts.eye("swin"), source, Desk())
    assert "task.tiles=true" in refused.value.remedy
    with pytest.raises(ZooError) as refused:
        Retrieve(resize="thumbnail").measure(layouts.eye("swin"), Revisited(layouts.revisited(tmp_path)), Desk())
    assert "task.resize=eval" in refused.value.remedy


def test_a_ground_truth_is_no_longer_than_it_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr("promptzoo.data.sources.revisited.LARGEST", 100)
    with pytest.raises(ZooError) as refused:
        Revisited(layouts.revisited(tmp_path))
    assert refused.value.given > 100


COUNTS = {
    "retrieve": {"set": "rtiny", "pictures": 6, "queries": 2, "queries with something to find, hard": 1},
    "correspond": {"list": "Layout/large/test.txt", "pairs": 2, "categories": 2, "pictures": 4, "points": 6},
    "segment_video": {
        "list": "all folders",
        "sequences": 1,
        "frames": 5,
        "masks": 5,
        "objects": 2,
        "masks are": "indexed",
    },
}


@pytest.mark.parametrize("name", COUNTS)
def test_what_a_task_would_find_is_counted_before_it_is_asked(tmp_path, capsys, name):
    task, source, layout, _ = TASKS[name]
    found = task().counts(source(layout(tmp_path)))
    assert COUNTS[name].items() <= found.items()
    assert main(["data", "check", str(tmp_path), f"task={name}"]) == 0
    said = capsys.readouterr().out
    assert all(str(value) in said for value in found.values())
    victim = sorted(tmp_path.rglob("*.jpg"))[-1]
    victim.unlink()
    assert main(["data", "check", str(tmp_path), f"task={name}"]) == 2
    assert victim.name in capsys.readouterr().err.replace("\n", "")
    assert main(["data", "check", str(tmp_path), "task=classify"]) == 2


def test_a_mask_of_another_kind_is_found_before_a_video_is_followed(tmp_path):
    last = layouts.davis(tmp_path) / "Annotations" / "480p" / "walk" / "00004.png"
    Image.new("RGB", (80, 48)).save(last)
    with pytest.raises(ZooError, match=last.name):
        SegmentVideo().counts(Davis(tmp_path))


def test_a_list_says_what_was_drawn_of_it(tmp_path):
    assert SPair(layouts.spair(tmp_path), pairs_per_category=1, seed=3).said.endswith(
        "1 of each category drawn without replacement under seed 3"
    )
