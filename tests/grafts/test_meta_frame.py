"""The tool that learns from several sets of pictures where DAM-VP's frames begin."""

import meta_frame
import pytest
import runs
import small
import torch
from safetensors.torch import load_file

from promptzoo.grafts.dam_vp import SIDES


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set", train=3, test=1)


def words(*more: str) -> list[str]:
    """A recipe's words for the tool, on a small backbone and few pictures."""
    return [*small.overrides("vit"), "grafts.dam_vp.width=4", "data.shots=2", "data.batch=4", "train.lr=1e-1", *more]


@pytest.fixture(scope="module")
def folders(tmp_path_factory, root):
    """Two tasks, of other pictures and classes."""
    other = runs.pictures(tmp_path_factory.mktemp("pictures") / "other", train=3, test=1)
    for split in ("train", "test"):
        (other / split / "leaf").rename(other / f"{split} of leaves")
    return [root, other], meta_frame.opened("dam_vp", [root, other], words())


def test_a_round_moves_the_frame_part_of_the_way_to_where_each_folder_leads(folders):
    folder = folders[1][0]
    start, head = folder.frame(), folder.model.head.fc.weight.clone()
    assert len(folder.frames.up) == 1
    moving = {side: tensor.clone() for side, tensor in start.items()}
    meta_frame.reptile([folder], moving, steps=3, rate=0.25)
    led = folder.frame()
    for side in SIDES:
        assert not torch.equal(led[side], start[side])
        torch.testing.assert_close(moving[side], start[side] + 0.25 * (led[side] - start[side]))
    assert not torch.equal(folder.model.head.fc.weight, head)


def test_folders_share_the_frozen_weights_and_have_heads_of_their_own(folders):
    one, two = (folder.model for folder in folders[1])
    assert one.visual is not two.visual
    assert all(a is b for a, b in zip(one.visual.parameters(), two.visual.parameters(), strict=True))
    assert [len(model.classes) for model in (one, two)] == [3, 2]


def test_the_tool_writes_the_frame_that_folders_led_to(tmp_path, folders, capsys, monkeypatch):
    monkeypatch.setattr(meta_frame, "opened", lambda *asked: folders[1])
    file, drawn = tmp_path / "frame.safetensors", folders[1][0].frame()
    roots = ["--roots", *map(str, folders[0])]
    assert meta_frame.main(["dam_vp", *roots, "--out", str(file), "--rounds", "2", "--steps", "1"]) == 0
    assert "round 2 of 2: loss set " in capsys.readouterr().out
    small.model("dam_vp").grafts["dam_vp"].frames.begin(file)
    assert not torch.equal(load_file(file)["up"], drawn["up"])


def test_what_a_start_cannot_be_learned_from_is_refused(tmp_path, root, capsys):
    out = ["--out", str(tmp_path / "frame.safetensors")]
    for given, said in {
        ("dam_vp", "--roots", str(tmp_path / "sot"), *out): f"the folder {tmp_path / 'sot'} does not exist",
        ("linear", "--roots", str(root), *out): "the recipe linear has no graft dam_vp, whose frame could be learned",
        ("dam_vp", "--roots", str(root), *out, "--rate", "2"): "--rate above 0 and at most 1; got 4, 100 and 2.0",
        ("dam_vp", "--roots", str(root), "--out", "nowhere/frame"): "--out is nowhere/frame, but there is no folder",
    }.items():
        assert meta_frame.main([given[0], *(words() if given[0] == "dam_vp" else []), *given[1:]]) == 2
        assert said in capsys.readouterr().err
