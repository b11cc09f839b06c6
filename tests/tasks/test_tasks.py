"""The three tasks on tiny sets: what goes wrong without an error must not go wrong."""

from types import SimpleNamespace

import layouts
import numpy as np
import pytest
import small
import torch
from PIL import Image

from promptzoo.data.annotated import stored
from promptzoo.data.sources.davis import Davis
from promptzoo.data.sources.revisited import Revisited
from promptzoo.data.sources.spair import SPair
from promptzoo.errors import ZooError
from promptzoo.model.tokens import patches, pooled, tokens
from promptzoo.tasks import propagation
from promptzoo.tasks.averages import averages
from promptzoo.tasks.correspond import Correspond
from promptzoo.tasks.desk import Desk
from promptzoo.tasks.fit import full, letterbox
from promptzoo.tasks.propagation import Propagation, segmented, shrunk
from promptzoo.tasks.retrieve import Retrieve
from promptzoo.tasks.segment_video import SegmentVideo
from promptzoo.tasks.tiles import starts, tiled

# ---------------------------------------------------------------------- tokens


def test_prompts_in_front_are_dropped_whatever_they_are():
    """With prompts that no patch attends to the patches would be the bare tower's; here, those of the last slots."""
    made = small.model("vpt_deep")
    image = small.pictures(made)
    found, grid = patches(made, image)
    every = tokens(made, image).every
    assert every.shape[1] == made.prefix_tokens + 16 > 17
    assert grid == (4, 4)
    assert torch.equal(found, every[:, made.prefix_tokens :])


def test_rows_of_a_second_pathway_are_left_out():
    made = small.model("sa2vp")
    image = small.pictures(made)
    assert len(tokens(made, image).every) == 2 * len(image)
    assert len(patches(made, image)[0]) == len(pooled(made, image)) == len(image)


@pytest.mark.parametrize("name", ["lore", "vpt_deep"])
def test_neither_training_mode_nor_the_size_of_a_batch_nor_autocast_changes_a_feature(name):
    made = small.model(name)
    small.randomise(made.grafts)
    image = small.pictures(made, 4)
    before = pooled(made, image), patches(made, image)[0]
    made.train()
    with torch.autocast("cpu", torch.bfloat16):
        after = [(pooled(made, one), patches(made, one)[0]) for one in image.split(1)]
    assert torch.allclose(before[0], torch.cat([one for one, _ in after]), atol=1e-5)
    assert torch.allclose(before[1], torch.cat([one for _, one in after]), atol=1e-5)
    assert after[0][0].dtype == torch.float32


def test_a_layer_gives_the_raw_tokens_behind_it_and_its_own_grid():
    made = layouts.eye().model
    image = small.pictures(made)
    assert torch.equal(tokens(made, image).every, made.visual.norm(tokens(made, image, 2).every))
    swin = layouts.eye("swin").model
    assert [patches(swin, small.pictures(swin), layer)[1] for layer in (0, 1, None)] == [(8, 8), (4, 4), (4, 4)]
    with pytest.raises(ZooError, match="no layer 3: there are 3, counted from 0"):
        tokens(made, image, 3)


# ---------------------------------------------------------------------- retrieval


def test_the_picture_itself_is_found_and_a_query_with_nothing_to_find_counts_nowhere(tmp_path):
    figures = Retrieve().measure(layouts.eye(), Revisited(layouts.revisited(tmp_path)), Desk())
    assert figures["asked"] == {"easy": 2, "medium": 2, "hard": 1}
    assert np.isnan(figures["ap"]["hard"][1])
    assert figures["hard"] == figures["ap"]["hard"][0]
    assert figures["easy"] == pytest.approx(1)  # the same picture, and its twin
    assert figures["precision"]["easy"]["mP@1"] == 1


@pytest.mark.parametrize("space", ["pooled", "width", "patches"])
@pytest.mark.parametrize("resize", ["eval", "crop224", "thumbnail", "thumbnail_crop"])
def test_every_view_and_feature_is_the_same_in_batches_of_any_size(tmp_path, resize, space):
    source = Revisited(layouts.revisited(tmp_path))
    layouts.picture(source.database[3], (30, 50), seed=5)
    wanted = [(path, None) for path in source.database]
    one, all_ = (
        Retrieve(resize=resize, space=space, batch=batch).features(layouts.eye("clip"), wanted, Desk())[0]
        for batch in (1, 9)
    )
    assert torch.allclose(one, all_, atol=1e-5)
    assert one.shape[1] == (24 if space == "pooled" else 32)


def test_a_query_is_cropped_before_anything_else_and_scales_are_summed(tmp_path):
    eye, source = layouts.eye(), Revisited(layouts.revisited(tmp_path))
    image = stored(source.queries[0].path).image.crop((4, 4, 40, 30))
    image.save(tmp_path / "cropped.png")
    cropped = Retrieve().features(eye, [(source.queries[0].path, source.queries[0].box)], Desk())[0]
    assert torch.allclose(cropped, Retrieve().features(eye, [(tmp_path / "cropped.png", None)], Desk())[0])
    with pytest.raises(ZooError, match="60, 4, 70, 30 lies outside the picture of 48 x 36"):
        Retrieve().features(eye, [(source.queries[0].path, (60, 4, 70, 30))], Desk())
    wanted = [(source.database[0], None)]
    half, whole, both = (Retrieve(scales=one).features(eye, wanted, Desk())[0] for one in ((0.5,), (1.0,), (1.0, 0.5)))
    assert torch.allclose(both, half + whole, atol=1e-5)


def test_a_truncated_picture_is_used_as_far_as_it_goes_and_counted_once_or_again(tmp_path):
    source = Revisited(layouts.revisited(tmp_path))
    whole = source.database[0].read_bytes()
    source.database[0].write_bytes(whole[: len(whole) * 2 // 3])
    desk = Desk(tmp_path / "answers.jsonl")
    for _ in range(2):
        assert Retrieve().measure(layouts.eye(), source, desk)["truncated"] == 1
    assert Desk(desk.file).answers.keys() == desk.answers.keys()


# ---------------------------------------------------------------------- correspondence


def test_letterboxed_points_and_boxes_are_scaled_by_one_number_and_shifted():
    fit = letterbox((100, 50), (32, 32))
    assert (fit.scale, fit.offset, fit.canvas) == (0.32, (0, 8), (32, 32))
    assert fit.points([[50, 25]]).tolist() == [[16, 16]]
    assert fit.box([0, 0, 100, 50]).tolist() == [0, 8, 32, 24]
    image = letterbox(Image.new("RGB", (100, 50), "white"), (32, 32)).image
    assert np.flatnonzero(np.asarray(image)[:, 16, 0] == 255).tolist() == list(range(8, 24))
    assert full((100, 50), (32, 32)).points([[50, 25]]).tolist() == [[50, 25]]


@pytest.mark.parametrize("fit", ["letterbox", "full"])
def test_patches_that_resemble_none_but_themselves_find_the_points_of_the_same_picture(tmp_path, fit):
    points = [[18, 12], [18, 24], [30, 12]]  # in the middle of patches, of inner ones
    same = {"trg_imname": "0.jpg", "trg_imsize": [48, 36, 3], "src_kps": points, "trg_kps": points}
    source = SPair(layouts.spair(tmp_path, **same))
    source.names = source.names[:1]
    own = [(torch.eye(16).expand(1, 16, 16), (4, 4))]
    eye = SimpleNamespace(
        size=(32, 32), colours=len, cell=lambda layer: (8, 8), patches=lambda image, layers, space: own
    )
    figures = Correspond(fit=fit, mutual=True).measure(eye, source, Desk())
    assert figures["pck"] == 1
    assert (figures["pairs"], figures["points"]) == (1, 3)


def test_four_averages_are_told_apart():
    found = averages([("cat", 1, 1), ("cat", 0, 3), ("dog", 1, 4)])
    assert found["pairs"] == pytest.approx((1 + 0 + 0.25) / 3)
    assert found["categories_of_pairs"] == pytest.approx((0.5 + 0.25) / 2)
    assert found["categories_of_points"] == pytest.approx((0.25 + 0.25) / 2)
    assert found["points"] == pytest.approx(2 / 8)
    assert found["categories"]["cat"] == {"pairs": 0.5, "points": 0.25}


def test_each_picture_is_looked_at_once_and_answers_do_not_depend_on_batches(tmp_path):
    source = SPair(layouts.spair(tmp_path))
    eye, looked = layouts.eye(), []
    patches_of = eye.patches
    try:
        eye.patches = lambda image, *how: looked.append(len(image)) or patches_of(image, *how)
        one, all_ = (Correspond(batch=batch).measure(eye, source, Desk()) for batch in (1, 9))
    finally:
        del eye.patches
    assert looked == [2, 2, 4]
    assert one == all_


def test_a_picture_of_another_size_than_its_pair_says_is_named(tmp_path):
    source = SPair(layouts.spair(tmp_path, src_imsize=[40, 36, 3]))
    with pytest.raises(ZooError, match=r"0.jpg is 48 x 36, but its pair says 40 x 36"):
        Correspond().measure(layouts.eye(), source, Desk())


# ---------------------------------------------------------------------- video segmentation


def test_labels_are_taken_in_the_middle_of_a_patch_with_channels_of_the_whole_mask():
    ids = np.zeros((8, 8), np.uint8)
    ids[2, 2] = ids[6, 6] = 1
    ids[0, 0] = 3  # too small to be seen: its channel stays
    labels = shrunk(ids, (2, 2))
    assert labels.argmax(1).tolist() == [1, 0, 0, 1]
    assert labels.shape[1] == 4


def test_context_is_the_first_frame_and_the_ones_before_never_one_twice_and_soft(monkeypatch):
    seen = []

    def told(target, context, labels, **how):
        seen.append((context[:, 0, 0].tolist(), labels[:, 0, 1].tolist()))
        return torch.tensor([[0.6, 0.4]])

    monkeypatch.setattr(propagation, "propagate_labels", told)
    handed = Propagation(
        torch.zeros(1, 1), torch.tensor([[0.0, 1.0]]), (1, 1), previous=2, radius=1, keep=1, temperature=0.1
    )
    for frame in (1.0, 2.0, 3.0, 4.0):
        handed.next(torch.tensor([[frame]]))
    assert [context for context, _ in seen] == [[0], [0, 1], [0, 1, 2], [0, 2, 3]]
    assert seen[-1][1] == pytest.approx([1.0, 0.4, 0.4])


def test_each_channel_is_stretched_before_the_largest_wins():
    labels = torch.tensor([[0.9, 0.1], [0.8, 0.2]])  # a weak object beside a strong ground
    assert segmented(labels, (1, 2), (4, 8), (4, 8))[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert segmented(torch.tensor([[0.0, 0.0]]), (1, 1), (2, 2), (2, 2)).max() == 0


@pytest.mark.parametrize(("objects", "kind"), [(2, "indexed"), (0, "black and white")])
def test_squares_that_move_are_followed_and_masks_are_written_as_the_official_tool_reads_them(tmp_path, objects, kind):
    source = Davis(layouts.davis(tmp_path / "set", objects=objects))
    figures = SegmentVideo(side=64, radius=3).measure(layouts.eye(), source, Desk(folder=tmp_path / "out"))
    assert (figures["objects"], figures["masks"]) == (max(1, objects), kind)
    assert figures["j"] > 0.4
    written = sorted((tmp_path / "out" / "walk").glob("*.png"))
    assert [file.name for file in written] == [f"{i:05d}.png" for i in range(5)]
    with Image.open(written[0]) as image:
        assert (image.mode, image.size) == ("P", (80, 48))
        assert set(np.unique(np.asarray(image))) == set(range(max(1, objects) + 1))


def test_neither_the_first_nor_the_last_frame_counts_and_means_are_over_objects(tmp_path):
    root = layouts.davis(layouts.davis(tmp_path, objects=2), objects=1, name="run")
    task, desk = SegmentVideo(side=64, radius=3), Desk()
    figures = task.measure(layouts.eye(), Davis(root), desk)
    (found,), _ = task.follow(Davis(root).videos[0], layouts.eye(), desk)
    assert {len(values) for one in found.values() for values in one.values()} == {3}
    every = [one["J"]["mean"] for video in figures["videos"].values() for one in video.values()]
    assert figures["objects"] == 3 == len(every)
    assert figures["j"] == pytest.approx(sum(every) / 3)
    assert figures["jf"] == pytest.approx((figures["j"] + figures["f"]) / 2)


@pytest.mark.parametrize("kind", ["vit", "swin"])
def test_windows_follow_each_other_the_last_ends_at_the_edge_and_the_first_counts(kind):
    assert starts(784, 224) == [0, 224, 448, 560]
    eye = layouts.eye(kind)
    frame = Image.new("RGB", (80, 32), "red")
    frame.paste("blue", (40, 0, 80, 32))
    ((tokens_, grid),), size = tiled(eye, frame)
    cell = eye.cell()[0]
    assert (grid, size) == ((64 // cell, 160 // cell), (64, 160))
    corner = frame.resize((160, 64), Image.Resampling.BICUBIC).crop((0, 0, 32, 32))
    alone = eye.patches(eye.colours([corner]))[0][0][0]
    side = 32 // cell
    assert torch.allclose(tokens_.view(*grid, -1)[:side, :side].flatten(0, 1), alone, atol=1e-5)


def test_an_object_that_comes_late_and_a_frame_of_another_size_are_named(tmp_path):
    root = layouts.davis(tmp_path, objects=1)
    mask = root / "Annotations" / "480p" / "walk" / "00002.png"
    other = layouts.davis(tmp_path / "other", objects=2) / "Annotations" / "480p" / "walk" / "00002.png"
    kept = mask.read_bytes()
    mask.write_bytes(other.read_bytes())
    with pytest.raises(ZooError, match="walk has an object 2 that its first mask does not show"):
        SegmentVideo(side=64).measure(layouts.eye(), Davis(root), Desk())
    mask.write_bytes(kept)
    layouts.picture(root / "JPEGImages" / "480p" / "walk" / "00001.jpg", (90, 48))
    with pytest.raises(ZooError, match=r"00001.jpg is 90 x 48, but the first mask 80 x 48"):
        SegmentVideo(side=64).measure(layouts.eye(), Davis(root), Desk())
