"""Stages with pictures of their own: easy to hard, on the golden lists, and what cannot be."""

import json

import pytest
import runs
import torch
from shared import shared

from promptzoo.data.picture import Picture
from promptzoo.errors import RecipeError, ZooError
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.pictures import open_data
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.stage_shots import StageShots
from promptzoo.training.loop import Loop
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.samples import choose, read
from promptzoo.training.session import train

STAGES = "[{shots: {count: 2, by: easiest}}, {shots: {count: 2, by: hardest}, lr: 5e-3}]"
EASY_HARD = ("data.shots=null", f"train.stages={STAGES}", "train.epochs=1", "train.warmup=0")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.fixture(scope="module")
def lore(tmp_path_factory, root):
    """LORE from easy to hard: two stages of two steps."""
    out = tmp_path_factory.mktemp("lore") / "run"
    runs.run(out, root, "lore", "vit", *EASY_HARD, "data.guess=linear_probe")
    return out


def listed(out, name):
    return [line.split(",")[0] for line in (out / f"samples-{name}.csv").read_text().splitlines()[1:]]


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def test_the_first_stage_asks_the_frozen_model_and_the_second_the_trained_one(root, lore):
    recipe = RunFolder(lore).recipe()
    backbone = open_of(recipe)
    data = open_data(recipe, backbone)
    model = build(recipe, data.classes, backbone)
    shots = [stage.shots for stage in recipe.train.phases]
    easy = choose(shots[0], data.train.gather(model.frozen_features), data.train.labels, data.classes)
    assert listed(lore, "easy") == [data.splits.train[place].name for place in easy.places]
    found = [read(lore / f"samples-{name}.csv", data.splits.train, data.classes) for name in ("easy", "hard")]
    assert found[0].difficulty == pytest.approx(easy.difficulty, abs=1e-5)
    assert found[0].named == [None] * 6
    assert None not in found[1].named
    hard = choose(shots[1], data.train.gather(model.frozen_features), data.train.labels, data.classes)
    assert found[1].difficulty != pytest.approx(hard.difficulty, abs=1e-5)


def test_both_stages_leave_their_lists_and_what_they_reached(lore):
    easy, hard = listed(lore, "easy"), listed(lore, "hard")
    assert len(easy) == len(hard) == 6
    first = json.loads((lore / "easy.json").read_text())
    result = RunFolder(lore).result()
    assert result["stages"] == {"easy": first["test"]["accuracy"]}
    assert [line["stage"] for line in runs.lines(lore)] == [0, 1]
    assert any("the 2 hardest of each class by centroid" in one for one in result["remarks"])


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_killed_in_either_stage_it_ends_as_if_left_alone(tmp_path, root, lore, monkeypatch, step):
    words = ("lore", "vit", *EASY_HARD, "data.guess=linear_probe", "train.save_every=1")
    learn = Loop.learn

    def until(self, *a):
        if self.reached.step == step:
            raise Killed
        return learn(self, *a)

    monkeypatch.setattr(Loop, "learn", until)
    with pytest.raises(Killed):
        runs.run(tmp_path / "run", root, *words)
    monkeypatch.undo()
    train(RunFolder(tmp_path / "run").recipe(), tmp_path / "run", resume=True, quiet=True)
    assert (listed(tmp_path / "run", "hard"), listed(tmp_path / "run", "easy")) == (
        listed(lore, "hard"),
        listed(lore, "easy"),
    )
    assert runs.result(tmp_path / "run") == runs.result(lore)
    tuned = [RunFolder(one).tuned()[0] for one in (tmp_path / "run", lore)]
    assert all(tuned[0][name].equal(tensor) for name, tensor in tuned[1].items())


def test_a_baseline_takes_the_same_pictures(tmp_path, root, lore):
    stages = f"[{{shots: {{lists: {lore}}}}}, {{shots: {{lists: {lore}}}}}]"
    runs.run(tmp_path / "run", root, "linear", "vit", "data.shots=null", f"train.stages={stages}", "train.epochs=1")
    assert listed(tmp_path / "run", "stage-1") == listed(lore, "easy")
    assert listed(tmp_path / "run", "stage-2") == listed(lore, "hard")


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ("[{shots: {count: 9, by: easiest}}]", "'fox' has 8"),
        ("[{shots: {lists: LORE}}, {shots: {lists: LORE}}, {shots: {lists: LORE}}]", "no list of stage 3"),
        ("[{shots: {lists: OTHER}}]", "another set"),
    ],
)
def test_what_cannot_be_learned_is_refused_before_training(tmp_path, root, lore, stages, said):
    other = tmp_path / "samples-easy.csv"
    other.write_text("picture,class,difficulty,named\ntrain/cat/1.png,cat,0.1,\n")
    stages = stages.replace("LORE", str(lore)).replace("OTHER", str(other))
    with pytest.raises(ZooError) as refused:
        runs.run(tmp_path / "run", root, "linear", "vit", "data.shots=null", f"train.stages={stages}")
    assert said in str(refused.value)
    assert not (tmp_path / "run" / "data.json").exists()


@pytest.mark.parametrize(
    "stages",
    [
        "[{}, {shots: {count: 2, by: easiest}}]",
        "[{shots: {count: 2}}]",
        "[{shots: {count: 2, by: hardest, wrong_only: true}}]",
    ],
)
def test_stages_that_say_half_of_it_are_refused_by_the_recipe(root, stages):
    with pytest.raises(RecipeError) as refused:
        runs.recipe(root, "linear", "vit", f"train.stages={stages}")
    assert "shots" in str(refused.value)
    assert "train.stages" in str(refused.value.problems[0].place)


# ---------------------------------------------------------------------- the golden lists


def test_the_golden_lists_are_chosen():
    told = json.loads(shared("golden_tasks", "easy_hard.json").read_text())
    for name, one in told["classes"].items():
        distance = torch.tensor(one["distance"], dtype=torch.double)
        labels = torch.zeros(len(distance), dtype=torch.long)
        for count in (4, 8):
            golden = one[f"N={count}"]
            for by, key in (("easiest", "easy"), ("hardest", "hard")):
                assert chosen(distance, labels, name, count, by).places == golden[key]
            wrong = torch.tensor([0 if was == told_label(told, name) else 1 for was in golden["named"]])
            found = chosen(distance, labels, name, count, "hardest", wrong, fill="farthest").places
            assert found[: len(golden["hard_of_wrong"])] == golden["hard_of_wrong"]
            if golden["wrong"] < count:
                with pytest.raises(ZooError, match=f"'{name}' has {golden['wrong']}"):
                    chosen(distance, labels, name, count, "hardest", wrong)


def told_label(told, name):
    return list(told["classes"]).index(name)


def chosen(distance, labels, name, count, by, wrong=None, fill="none"):
    """`choose` of one class whose distances are known: features on a circle that have these very distances."""
    shots = StageShots(count=count, by=by, wrong_only=wrong is not None, **({"fill": fill} if fill != "none" else {}))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("promptzoo.training.samples.centroid_distance", lambda features: features[:, 0])
        return choose(shots, distance[:, None], labels, [name], wrong)


@pytest.mark.slow
def test_the_golden_lists_are_chosen_from_real_pictures():
    """The whole way: pictures, DeiT-Tiny, distances, ranks of herding."""
    weights, root = (
        shared("assets", "weights", "deit_tiny_patch16_224.fp16.safetensors"),
        shared("assets", "images", "clothing10"),
    )
    words = [
        "backbone.open=timm/deit_tiny_patch16_224",
        f"backbone.weights={weights}",
        f"data={{dataset: folder, root: {root}}}",
    ]
    recipe = Recipe.read("linear", words)
    backbone = open_of(recipe)
    data = open_data(recipe, backbone)
    model = build(recipe, data.classes, backbone)
    features = data.train.gather(model.frozen_features)
    told = json.loads(shared("golden_tasks", "easy_hard.json").read_text())
    for count in (4, 8):
        for by, measure, key in (
            ("easiest", "centroid", "easy"),
            ("hardest", "centroid", "hard"),
            ("easiest", "herding", "herding_easy"),
        ):
            found = choose(StageShots(count=count, by=by, measure=measure), features, data.train.labels, data.classes)
            names = [data.splits.train[place].name.rpartition("/")[2] for place in found.places]
            expected = [one["files"][place] for one in told["classes"].values() for place in one[f"N={count}"][key]]
            assert names == expected


def test_a_list_is_read_against_the_pictures_of_now(tmp_path):
    (tmp_path / "list.csv").write_text("picture,class,difficulty,named\na.png,cat,0.5,dog\nb.png,dog,0.25,\n")
    pictures = [Picture(1, "b.png", lambda: None), Picture(0, "a.png", lambda: None)]
    found = read(tmp_path / "list.csv", pictures, ["cat", "dog"])
    assert (found.places, found.difficulty, found.named) == ([1, 0], [0.5, 0.25], [1, None])
    for lines in ("a.png,dog,0.5,", "a.png,cat,0.5,", "a.png,cat,far,", "a.png", ""):
        (tmp_path / "list.csv").write_text(f"picture,class,difficulty,named\n{lines}\n")
        with pytest.raises(ZooError) as refused:
            read(tmp_path / "list.csv", pictures, ["cat", "dog"])
        assert refused.value.key == "lists"
