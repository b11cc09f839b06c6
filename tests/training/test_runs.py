"""A folder of runs is read without building or running anything; what is no finished run is named with its reason."""

import json
import os
import shutil
from pathlib import Path
from statistics import stdev

import pytest
import runs
import torch

from promptzoo.costs.rows import front
from promptzoo.errors import ZooError
from promptzoo.option import resuming
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.checkpoint import pack
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.run_writer import RunWriter
from promptzoo.training.runs import FoundRuns, read_runs
from promptzoo.training.seal import sealed

CLASSES = ["cat", "owl"]


def recipe(seed: int | None = 1, **more: object) -> Recipe:
    """A recipe that nothing could build: its pictures and its backbone are nowhere."""
    train = {"epochs": 2, "lr": 1e-3} | ({} if seed is None else {"seed": seed})
    told = {
        "backbone": {"open": "timm/nowhere"},
        "grafts": {"tuning": {"at": "visual.embed", "after": {"block": "nobody:Knows", "length": 4}}},
        "head": {"head": "linear"},
        "losses": {"task": {"loss": "cross_entropy"}},
        "data": {"dataset": "folder", "root": "nowhere"},
        "train": train,
    }
    return Recipe.of({**told, **more}, "tuning.yaml")


def finished(path: Path, asked: Recipe, accuracy: object, classes: list[str] | None = None) -> Path:
    """A finished run as `RunFolder` leaves it."""
    begun(path, asked)
    run = RunFolder(path)
    run.model_file.write_bytes(pack({"head.weight": torch.ones(2, 3)}, asked, classes or CLASSES, "0" * 16))
    run.result_file.write_bytes(sealed({"recipe": asked.name, "test": {"accuracy": accuracy}, "files": {}}))
    return path


def begun(path: Path, asked: Recipe) -> Path:
    """An unfinished run, with a state that must not be opened."""
    with RunWriter(path).begun_by(asked, resume=False):
        pass
    (path / "state").mkdir()
    (path / "state" / "state.pt").write_bytes(b"cos\nsystem\n(S'touch opened'\ntR.")
    return path


def reasons(found: FoundRuns, root: Path) -> dict[str, str]:
    return {str(Path(path).relative_to(root)): reason for path, reason in found.skipped}


def test_runs_that_differ_in_their_seed_alone_are_one_group(tmp_path):
    for seed, accuracy in {1: 0.5, 2: 0.6, 5: 0.7}.items():
        finished(tmp_path / "deep" / "er" / f"seed-{seed}", recipe(seed), accuracy)
    finished(tmp_path / "other", recipe(1, head={"head": "linear", "norm": True}), 0.9)
    found = read_runs(tmp_path)
    assert found.skipped == ()
    three, one = found.groups
    assert (three.accuracy.mean, three.accuracy.seeds) == (pytest.approx(0.6), (1, 2, 5))
    assert three.accuracy.std == pytest.approx(stdev([0.5, 0.6, 0.7]))
    assert three.accuracy.split == "test"
    assert [Path(path).name for path in three.accuracy.paths] == ["seed-1", "seed-2", "seed-5"]
    assert (one.accuracy.mean, one.accuracy.std, one.accuracy.seeds) == (0.9, None, (1,))
    assert three.recipe == recipe(1)
    assert (three.recipe.name, three.classes) == ("tuning", ("cat", "owl"))


def test_a_seed_that_is_left_out_is_zero_and_equal_seeds_count_once(tmp_path):
    for name, seed, accuracy in (("a", None, 0.4), ("b", 0, 0.6), ("c", 1, 0.7)):
        finished(tmp_path / name, recipe(seed), accuracy)
    (group,) = read_runs(tmp_path).groups
    assert group.accuracy.seeds == (0, 1)
    assert group.accuracy.mean == pytest.approx((0.5 + 0.7) / 2)
    assert len(group.accuracy.paths) == 3


def test_other_classes_and_another_order_of_grafts_are_other_groups(tmp_path):
    grafts = recipe().to_dict()["grafts"]
    both, turned = {**grafts, "second": grafts["tuning"]}, {"second": grafts["tuning"], **grafts}
    finished(tmp_path / "a", recipe(grafts=both), 0.4)
    finished(tmp_path / "b", recipe(grafts=turned), 0.5)
    finished(tmp_path / "c", recipe(grafts=turned), 0.6, ["cat", "newt"])
    assert [group.accuracy.mean for group in read_runs(tmp_path).groups] == [0.4, 0.5, 0.6]


def test_what_is_broken_foreign_or_unfinished_is_skipped_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "runs"
    for name in ("good", "torn", "cut", "edited", "wordy", "bare", "none", "listed", "flipped"):
        finished(root / name, recipe(), None if name == "none" else 0.5)
    begun(root / "unfinished", recipe())
    (root / "torn" / "result.json").write_text('{"recipe": "tu')
    (root / "cut" / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    text = (root / "edited" / "recipe.yaml").read_text().replace("length: 4", "length: 5")
    (root / "edited" / "recipe.yaml").write_text(text)
    (root / "wordy" / "recipe.yaml").write_text("backbone: {open: timm/nowhere\n")
    (root / "bare" / "model.safetensors").unlink()
    (root / "listed" / "result.json").write_text("[1, 2]")
    flipped = (root / "flipped" / "result.json").read_text().replace("0.5", "0.7")
    (root / "flipped" / "result.json").write_text(flipped)
    (root / "foreign").mkdir()
    (root / "foreign" / "result.json").write_text('{"score": 3}')
    (root / "notes" / "of" / "mine").mkdir(parents=True)
    found = read_runs(root)
    assert len(found.groups) == 1
    said = reasons(found, root)
    assert "is not a readable .safetensors file" in said.pop("cut")
    (remark,) = found.remarks
    assert remark.startswith(f"{root}/wordy: ")
    assert "recipe.yaml:2: not YAML" in remark  # and so the recipe is that of its model
    assert sorted(found.groups[0].accuracy.paths) == [f"{root}/good", f"{root}/wordy"]
    assert "was started with another recipe: grafts.tuning.after.length is 5, was 4" in said.pop("edited")
    assert "a finished run without its model.safetensors" in said.pop("bare")
    assert said == {
        "flipped": "its result.json is damaged: it has changed since it was written",
        "foreign": "has no recipe.yaml",
        "listed": "its result.json was not written by promptzoo: it has no 'digest'",
        "none": "its test accuracy should be a number from 0 to 1, got nothing",
        "notes": "is not a run",
        "torn": "its result.json cannot be read: it is not JSON",
        "unfinished": f"is unfinished; continue it with {resuming(root / 'unfinished')}",
    }
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize("value", [True, "0.5", 1.5, -0.1, [0.5], {}])
def test_an_accuracy_that_is_no_share_is_refused(value, tmp_path):
    finished(tmp_path / "run", recipe(), value)
    with pytest.raises(ZooError, match=r"its test accuracy should be a number from 0 to 1, got"):
        read_runs(tmp_path)


def test_classes_are_a_list_of_names(tmp_path):
    finished(tmp_path / "run", recipe(), 0.5, {"cat": "owl"})
    with pytest.raises(ZooError, match=r"its model.safetensors should contain a list of class names, got"):
        read_runs(tmp_path)


def test_a_folder_without_finished_runs_says_what_it_holds(tmp_path):
    with pytest.raises(ZooError, match=r"absent does not exist; runs takes a folder of runs"):
        read_runs(tmp_path / "absent")
    (tmp_path / "file").touch()
    with pytest.raises(ZooError, match=r"file is not a folder; runs takes a folder of runs"):
        read_runs(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ZooError, match=r"empty contains no finished run$"):
        read_runs(tmp_path / "empty")
    begun(tmp_path / "some" / "run", recipe())
    with pytest.raises(ZooError, match=r"some contains no finished run\n    .*run: is unfinished; continue it"):
        read_runs(tmp_path / "some")


def test_the_folder_itself_may_be_a_run_and_links_are_followed_once(tmp_path):
    path = finished(tmp_path / "runs" / "one", recipe(), 0.5)
    assert len(read_runs(path).groups) == 1
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "linked").symlink_to(path)
    (tmp_path / "best" / "again").symlink_to(tmp_path / "best")
    (group,) = read_runs(tmp_path / "best").groups
    assert len(group.accuracy.paths) == 1


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path):
    path = finished(tmp_path / "run", recipe(), 0.5)
    (path / "result.json").unlink()
    os.mkfifo(path / "result.json")
    with pytest.raises(ZooError, match=r"its result.json is not a file"):
        read_runs(tmp_path)


def test_a_run_inside_the_folder_of_another_counts_too(tmp_path):
    path = finished(tmp_path / "run", recipe(1), 0.5)
    shutil.copytree(finished(tmp_path / "moved", recipe(2), 0.7), path / "inside")
    shutil.rmtree(tmp_path / "moved")
    (group,) = read_runs(tmp_path).groups
    assert (group.accuracy.seeds, group.accuracy.mean) == ((1, 2), pytest.approx(0.6))


def test_a_run_that_promptzoo_trained_is_read(tmp_path):
    runs.run(tmp_path / "out", runs.pictures(tmp_path / "pictures"))
    (group,) = read_runs(tmp_path / "out").groups
    assert group.accuracy.mean == json.loads((tmp_path / "out" / "result.json").read_text())["test"]["accuracy"]
    assert (group.accuracy.seeds, group.accuracy.pictures) == ((5,), "pictures")
    assert (group.recipe.name, group.classes) == ("linear", ("blue jay", "fox", "leaf"))


def test_the_front_is_whoever_no_other_beats():
    points = [(3.0, 0.5), (1.0, 0.2), (2.0, 0.6), (1.0, 0.3), (4.0, 0.6), (5.0, 0.7), (2.0, 0.6)]
    assert front(points) == [3, 2, 6, 5]
    assert front([]) == []

    def beats(one, other):
        return one[0] <= other[0] and one[1] >= other[1] and one != other

    assert sorted(front(points)) == [i for i, p in enumerate(points) if not any(beats(q, p) for q in points)]
