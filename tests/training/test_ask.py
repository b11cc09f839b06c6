"""A run, or a bare backbone, asked on another task: where the result goes, what goes on, what is refused."""

import json

import layouts
import pytest
import runs
import small

from promptzoo.cli.app import main
from promptzoo.errors import DamagedError, ZooError
from promptzoo.files import as_json
from promptzoo.recipe.build import build
from promptzoo.recipe.recipe import Recipe
from promptzoo.studies.by_task import by_task
from promptzoo.tasks.desk import Desk, Steps
from promptzoo.training.ask import ask, question
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.eyes import eye_of_run
from promptzoo.training.seal import sealed

VIT = small.BACKBONES["vit"]
BARE = [f"backbone.image_size={VIT['image_size']}", f"backbone.options={small.flow(VIT['options'])}"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Finished runs by name, trained once."""
    root, made = tmp_path_factory.mktemp("runs"), {}
    runs.pictures(root / "pictures")

    def of(name):
        if name not in made:
            made[name] = root / name
            runs.run(made[name], root / "pictures", name, "vit", "train.epochs=1", "train.warmup=0")
        return made[name]

    return of


def test_the_result_goes_beside_the_run_and_never_over_anything(trained, tmp_path):
    run = trained("vpt_deep")
    before = (run / "result.json").read_bytes()
    words = ["task=retrieve", f"data.root={layouts.revisited(tmp_path)}"]
    found = ask(words, run)
    again, once_more = (ask([*words, "task.resize=thumbnail"], run) for _ in range(2))
    assert [found["file"], again["file"]] == [str(run / name) for name in ("retrieve.json", "retrieve-2.json")]
    assert (run / "result.json").read_bytes() == before
    told = json.loads((run / "retrieve-2.json").read_text())
    assert (told["task"], told["settings"]["resize"], told["settings"]["scales"]) == ("retrieve", "thumbnail", [1.0])
    assert told["positions"] == "resampled"
    assert told["sizes"] == [[24, 32]]
    assert found["positions"] == "as trained"
    assert once_more["reused"] == 3  # pictures with contents of their own
    for key in ("figures", "sizes", "size_count", "positions"):
        assert as_json(once_more[key]) == as_json(again[key])
    assert found["figures"]["medium"] == json.loads((run / "retrieve.json").read_text())["figures"]["medium"]


@pytest.mark.parametrize("name", ["lore", "vpt_deep", "lora", "sa2vp", "lore_sa2vp_hybrid"])
def test_any_run_is_asked_on_its_own_pictures_without_knowledge_losses_or_training_pictures(trained, tmp_path, name):
    run = trained(name)
    recipe = Recipe.read(run / "recipe.yaml")
    assert recipe.knowledge is not None or "lore" not in name
    found = ask(["task=correspond", f"data.root={layouts.spair(tmp_path)}"], run)
    assert 0 <= found["figures"]["pck"] <= 1
    assert not build(eye_of_run(run).recipe, ["a"]).losses


@pytest.mark.parametrize("name", ["sa2vp", "dam_vp"])
def test_what_was_tuned_for_one_size_is_refused_at_another_with_the_way_out(trained, tmp_path, name):
    run, root = trained(name), layouts.davis(tmp_path)
    words = ["task=segment_video", f"data.root={root}", "task.side=64"]
    with pytest.raises(ZooError, match=r"was tuned for pictures of 32 x 32, not of 64 x 64 .*; use task.tiles=true"):
        ask(words, run)
    assert ask([*words, "task.tiles=true"], run)["figures"]["objects"] == 2
    assert (run / "davis" / "walk" / "00004.png").exists()
    with pytest.raises(ZooError, match=r"task.resize=eval and task.scales=\[1.0\] to keep the size"):
        ask(["task=retrieve", f"data.root={layouts.revisited(tmp_path)}", "task.scales=[0.5]"], run)


def test_thawed_positions_are_resampled_and_the_own_size_stays_what_was_trained(trained, tmp_path):
    eye = eye_of_run(trained("full")).eye
    before = eye.model.visual.embed.positions.table.clone()
    assert eye.at((64, 96)).visual.grid == (8, 12)
    assert (eye.model.visual.embed.positions.table == before).all()
    assert (
        eye.at((64, 96))
        .visual.layers[0]
        .attention.attn.proj.weight.equal(eye.model.visual.layers[0].attention.attn.proj.weight)
    )


class Stops(Steps):
    """Presses Ctrl-C after so many steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    def step(self, count: int = 1) -> None:
        self.left -= count
        if self.left < 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("task", "layout", "after", "reused"),
    [("retrieve", "revisited", 3, 2), ("correspond", "spair", 0, 1), ("segment_video", "davis", 7, 8)],
)
def test_a_task_that_was_stopped_goes_on_where_it_was_and_comes_to_the_same(tmp_path, task, layout, after, reused):
    root = getattr(layouts, layout)(tmp_path / "set")
    if layout == "davis":
        layouts.davis(root, name="zoo")
    words = [f"task={task}", f"data.root={root}", *BARE]
    words += {"retrieve": ["task.batch=1"], "segment_video": ["task.side=64"]}.get(task, [])
    with pytest.raises(KeyboardInterrupt):
        ask(words, bare=VIT["open"], out=tmp_path / "out", steps=Stops(after))
    assert not list((tmp_path / "out").glob("*.json"))
    found = ask(words, bare=VIT["open"], out=tmp_path / "out")
    assert found["reused"] == reused
    again = ask([*words, "backbone.dropout=0.1"], bare=VIT["open"], out=tmp_path / "again")  # answers of its own
    assert again["reused"] == 0
    assert as_json(again["figures"]) == as_json(found["figures"])


def test_a_last_answer_that_was_cut_off_is_asked_again(tmp_path):
    file = tmp_path / "answers.jsonl"
    file.write_bytes(b'["a", 1, []]\n["b", 2')
    desk = Desk(file)
    assert (desk.kept("a"), desk.kept("b")) == (1, None)
    desk.keep("b", 3, [(2, 4)])
    assert Desk(file).answers == {"a": 1, "b": 3}
    assert desk.sizes == {(2, 4)}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["task=retreive", "data.root=x"], "no task called 'retreive'; did you mean retrieve"),
        (["task=retrieve"], "no pictures given: add data.root=DIR"),
        (["task=retrieve", "data.rot=x"], "data takes no 'rot'; did you mean root"),
        (["task=retrieve", "data.root=x", "task.resise=eval"], "takes no 'resise'; did you mean resize"),
        (["task=retrieve", "data.root=x", "task.resize=evil"], "'resize' should be 'eval', 'crop224'"),
        (["task=retrieve", "data.root=x", "task.scales=[]"], "task.scales should be above 0"),
        (["task=segment_video", "data.root=x", "data.year=2018"], "data.year is 2018"),
        (["task=segment_video", "data.root=x", "task.keep=0"], "task.side and keep should be 1 or more"),
        (["task=correspond", "data.root=x", "task.alphas=[0]"], "task.alphas should be above 0"),
        (
            ["task=correspond", "data.root=x", "task.layer=al"],
            "task.layer should be the number of a layer, from 0, or all",
        ),
        (["task=retrieve", "data.root=x", "train.seed=1"], "a task takes only task.KEY=VALUE and data.KEY=VALUE"),
        (["task=classify", "data.root=x"], "no task given"),
        (["task.resize=eval", "data.root=x"], "no task given"),
    ],
)
def test_a_word_that_a_task_does_not_take_gets_a_sentence(words, sentence):
    with pytest.raises(ZooError, match=sentence):
        ask(words, bare="timm/vit_tiny_patch16_224")


def test_classify_is_no_such_task_and_no_training_selects_by_one(trained):
    assert question(["task=classify"]) is None
    assert question(["data.root=x"]) is None
    run = trained("linear")
    result = json.loads((run / "result.json").read_text())
    assert evaluate_run(run)["accuracy"] == pytest.approx(result["test"]["accuracy"])
    root = run.parent / "pictures"
    with pytest.raises(ZooError, match="Retrieve cannot be trained for; train with task=classify"):
        runs.run(run.parent / "never", root, "linear", "vit", "task={task: retrieve}")


def test_compare_ranks_runs_by_a_task_and_says_who_was_asked_otherwise(trained, tmp_path, capsys):
    words = ["task=correspond", f"data.root={layouts.spair(tmp_path / 'set')}"]
    places = [tmp_path / "a", tmp_path / "b"]
    found = [
        ask([*words, *more], trained(name), out=place)["figures"]["pck"]
        for place, name, more in zip(places, ("vpt_deep", "linear"), ([], ["task.fit=full"]), strict=True)
    ]
    ranking = by_task("correspond", [str(place) for place in places])
    assert [one.score for one in ranking] == sorted(found, reverse=True)
    assert {one.name: one.differs for one in ranking} == {str(places[0]): (), str(places[1]): ("task.fit=full",)}
    assert main(["compare", "--task", "correspond", *map(str, places), "--format", "markdown"]) == 0
    assert f"{places[1]} was evaluated differently: task.fit=full" in capsys.readouterr().out
    assert main(["compare", "--task", "correspond", *map(str, places), "lore_table4", "--format", "markdown"]) == 0
    assert "| paper: CLIP LORE, SPair-71k | 20.7 |" in capsys.readouterr().out
    mixed = by_task("correspond", [str(places[0]), "lore_table4"])
    assert [one.printed for one in mixed] == [False, True, True, True, True]
    with pytest.raises(ZooError, match="no runs given"):
        by_task("correspond", ["lore_table4"])
    with pytest.raises(ZooError, match="lore_table7 has no figures of a paper"):
        by_task("correspond", [str(places[0]), "lore_table7"])
    file = places[0] / "correspond.json"
    file.write_text(file.read_text().replace('"pck": 0', '"pck": 1'))
    with pytest.raises(DamagedError, match="is damaged"):
        by_task("correspond", [str(places[0])])
    with pytest.raises(ZooError, match="has no result on retrieve; promptzoo eval RUN task=retrieve"):
        by_task("retrieve", [str(places[0])])


def test_of_a_folder_s_results_on_a_task_the_one_of_the_largest_number_counts(tmp_path):
    for name, score in {"retrieve": 0.1, "retrieve-2": 0.2, "retrieve-10": 0.3, "retrieve_old": 0.4}.items():
        told = {"task": "retrieve", "score": "map", "figures": {"map": score}}
        (tmp_path / f"{name}.json").write_bytes(sealed(told))
    assert by_task("retrieve", [str(tmp_path)])[0].score == 0.3


def test_the_command_shows_figures_and_says_where_they_are(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["eval", "--bare", VIT["open"], *BARE, "task=correspond", f"data.root={layouts.spair(tmp_path)}"]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "correspond: pck" in shown.out
    assert "categories_of_points" in shown.out
    assert "2 of 2 pairs" in shown.err
    assert (tmp_path / "runs" / f"bare-{VIT['open'].replace('/', '-')}" / "correspond.json").exists()
    assert main(["eval", "task=correspond", "data.root=x"]) == 2
    assert "one run or --bare BACKBONE" in capsys.readouterr().err
    assert main(["eval", "here", "task=correspond", f"data.root={tmp_path}", "backbone.dropout=0.1"]) == 2
    assert "a run has its own backbone" in capsys.readouterr().err
