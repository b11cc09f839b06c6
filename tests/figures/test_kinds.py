"""Every kind of figure on small runs: its numbers, its file, and what it refuses."""

import sys
from pathlib import Path

import layouts
import numpy as np
import pytest
import runs
import torch

import promptzoo
from promptzoo.cli import main
from promptzoo.errors import ZooError
from promptzoo.figures.columns import columns_of
from promptzoo.figures.kinds import KINDS
from promptzoo.figures.kinds.rollout import replaced
from promptzoo.training.run_folder import RunFolder

FIRST = {".pdf": b"%PDF", ".png": b"\x89PNG"}
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs on pictures whose colour tells their class: vpt, hybrid, windows, words, and vpt again with another seed."""
    where = tmp_path_factory.mktemp("figures")
    root, short = runs.pictures(where / "set"), ("train.epochs=1",)
    runs.run(where / "vpt", root, "vpt_deep", "vit", *short)
    runs.run(where / "again", root, "vpt_deep", "vit", *short, "train.seed=6")
    runs.run(where / "hybrid", root, "lore_sa2vp_hybrid", "vit", *short)
    runs.run(where / "windows", root, "linear", "swin", *short)
    runs.run(where / "words", root, "coop", "clip", *short)
    return where


@pytest.fixture
def picture(home: Path) -> Path:
    return home / "set" / "test" / "fox" / "0.png"


def figure(kind: str, home: Path, names: list[str], *pictures: Path, **more):
    return promptzoo.figure(kind, [home / name for name in names], list(pictures), **more)


# ---------------------------------------------------------------------- numbers


def test_attention_holds_what_is_left_beside_the_prompts_and_bare_what_the_tower_has_alone(home, picture):
    drawn = figure("attention", home, ["vpt", "hybrid"], picture, bare=True)
    assert [drawn.arrays[f"0/{name}"].shape for name in ("bare", "vpt", "hybrid")] == [(4, 4)] * 3
    assert "prompts" not in drawn.told[0]
    assert all("prompts" in line for line in drawn.told[1:])
    (column,) = columns_of([home / "vpt"])
    image = column.view(picture).image
    whole = column.look(image, attention=[2]).attention[2].weights[0, :, 0].mean(0)
    assert drawn.arrays["0/vpt"].ravel() == pytest.approx(whole[-16:].numpy(), abs=1e-6)
    with column.model.ungrafted(), torch.no_grad():
        alone = column.model.look(image, attention=[2]).attention[2].weights[0, :, 0].mean(0)
    assert drawn.arrays["0/bare"].ravel() == pytest.approx(alone[1:].numpy(), abs=1e-6)


def test_heads_are_maps_of_their_own_whose_mean_is_the_map(home, picture):
    heads = figure("attention", home, ["vpt"], picture, heads=True, layer=1).arrays["0/vpt"]
    mean = figure("attention", home, ["vpt"], picture, layer=1).arrays["0/vpt"]
    assert heads.shape == (2, 4, 4)
    assert heads.mean(0) == pytest.approx(mean, abs=1e-6)


def test_rollout_loses_what_deep_prompts_carried(home, picture):
    (column,) = columns_of([home / "vpt"])
    assert replaced(column.model) == [list(range(1, 11))] * 2
    drawn = figure("rollout", home, ["vpt"], picture, bare=True)
    assert drawn.arrays["0/bare"].sum() < 1
    assert "lost" in drawn.told[1]
    assert "lost" not in drawn.told[0]


def test_knowledge_of_the_pictures_own_class_is_drawn_unless_another_is_asked_for(home, picture):
    own = figure("kla", home, ["hybrid"], picture)
    other = figure("kla", home, ["hybrid"], picture, of="leaf")
    scores = figure("kla", home, ["hybrid"], picture, scores=True)
    assert own.arrays["0/hybrid"].sum() == pytest.approx(1, abs=1e-5)
    assert "of fox" in own.told[0]
    assert "of leaf" in other.told[0]
    assert not np.allclose(own.arrays["0/hybrid"], other.arrays["0/hybrid"])
    best = np.sort(scores.arrays["0/hybrid"].ravel())[::-1][:4]
    assert own.arrays["0/hybrid"].argmax() == scores.arrays["0/hybrid"].argmax() or best[0] < 0


@pytest.mark.parametrize("name", ["vpt", "hybrid", "windows", "words"])
def test_grad_cam_is_not_negative_and_follows_the_class(name, home, picture):
    one, other = (figure("grad-cam", home, [name], picture, of=of).arrays[f"0/{name}"] for of in ("fox", "leaf"))
    assert min(one.min(), other.min()) >= 0
    assert not np.allclose(one, other)


def test_a_patch_is_most_like_itself(home, picture):
    found = figure("similarity", home, ["hybrid", "windows"], picture, at=(1, 2)).arrays
    assert found["0/hybrid"].argmax() == 6
    assert found["0/hybrid"].max() == pytest.approx(1, abs=1e-5)
    both = figure("similarity", home, ["hybrid"], picture, at=(1, 2), to=picture).arrays["0/hybrid"]
    assert both[0] == pytest.approx(both[1])


def test_positions_are_compared_beside_the_maps_that_hold_them(home, picture):
    first = figure("prompt-map", home, ["hybrid"], picture, at=(0, 0), layer=0).arrays["0/hybrid"]
    last = figure("prompt-map", home, ["hybrid"], picture, at=(0, 0)).arrays["0/hybrid"]
    assert first.shape == (2, 4, 4)
    assert first[1, 0, 0] == pytest.approx(1, abs=1e-5)
    assert last.shape == (4, 4)


def test_components_are_of_all_pictures_together(home, picture):
    two = figure("pca", home, ["vpt"], picture, picture.with_name("1.png")).arrays
    every = np.stack([two["0/vpt"], two["1/vpt"]])
    assert (every.min((0, 1, 2)).tolist(), every.max((0, 1, 2)).tolist()) == ([0] * 3, [1] * 3)
    assert not np.isclose(two["0/vpt"].max((0, 1)), 1).all() or not np.isclose(two["1/vpt"].max((0, 1)), 1).all()


def test_the_graph_is_that_of_the_runs_own_lin(home, picture):
    found = figure("graph", home, ["hybrid"], picture).arrays["0/hybrid"]
    (column,) = columns_of([home / "hybrid"])
    lore = column.model.grafts["lore"]
    raw = column.look(column.view(picture).image, sites=["visual.tokens"]).sites["visual.tokens"]
    assert np.array_equal(found, lore.local.neighbourhood.indices(lore.local.pre(raw))[0].numpy())


def test_what_is_read_from_the_folder_of_a_run_is_what_it_wrote(home):
    counts = figure("confusion", home, ["vpt"]).arrays["vpt"]
    assert counts.trace() / counts.sum() == RunFolder(home / "vpt").accuracy()
    found = figure("curves", home, ["vpt", "again"])
    losses = [RunFolder(home / name).epochs()[0]["losses"]["task"] for name in ("vpt", "again")]
    assert found.arrays["loss/vpt, 2 seeds"] == pytest.approx([np.mean(losses)])
    assert found.arrays["loss/vpt, 2 seeds/std"] == pytest.approx([np.std(losses, ddof=1)])


def test_features_are_those_that_enter_the_head(home):
    drawn = figure("tsne", home, ["hybrid"])
    pictures = [home / "set" / "test" / name / f"{i}.png" for name in runs.COLOURS for i in range(4)]
    assert drawn.arrays["hybrid/features"] == pytest.approx(
        promptzoo.Run(home / "hybrid").features(pictures).numpy(), abs=1e-5
    )
    assert drawn.arrays["hybrid"].shape == (12, 2)


def test_pairs_videos_and_rankings_are_drawn_as_their_tasks_see_them(home, tmp_path):
    words = [f"data.root={layouts.spair(tmp_path / 'spair')}"]
    found = figure("points", home, ["vpt"], overrides=words, pick=(0, 1), bare=True, out=tmp_path / "points.png")
    assert found.arrays["0/vpt"].shape == found.arrays["0/truth"].shape
    words = [f"data.root={layouts.revisited(tmp_path / 'oxford')}"]
    found = figure("ranks", home, ["vpt"], overrides=words, out=tmp_path / "ranks.png")
    assert sorted(found.arrays["0/vpt"].tolist()) == list(range(6))
    assert set(found.arrays["0/vpt/kinds"]) == {"easy", "hard", "wrong"}
    words = [f"data.root={layouts.davis(tmp_path / 'davis')}", "task.side=32"]
    found = figure("masks", home, ["vpt"], overrides=words, frames=2, out=tmp_path / "masks.png")
    assert len([key for key in found.arrays if key.endswith("/J")]) == 2


def test_words_are_of_the_vocabulary(home):
    found = figure("words", home, ["words"], near=2)
    assert found.arrays["words"].shape == found.arrays["words/words"].shape
    assert (found.arrays["words/distance"] > 0).all()


# ---------------------------------------------------------------------- files


@pytest.mark.parametrize("suffix", FIRST)
def test_the_command_writes_drawing_and_numbers(suffix, home, picture, tmp_path, capsys):
    out, data = tmp_path / f"a{suffix}", tmp_path / "a.npz"
    words = ["attention", str(home / "vpt"), str(picture), "--mark", "2", "--dark", "--shared-scale"]
    assert main(["figure", *words, "--out", str(out), "--data", str(data)]) == 0
    assert out.read_bytes().startswith(FIRST[suffix])
    assert np.load(data)["0/vpt"].shape == (4, 4)
    assert "patches ." in capsys.readouterr().err
    assert main(["figure", *words, "--out", str(out)]) == 2
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "of", "more"),
    [
        ("curves", ["vpt", "again", "hybrid"], {}), ("confusion", ["vpt", "again", "hybrid"], {}),
        ("words", ["words"], {}),
        ("tsne", ["vpt"], {"unit": True, "seed": 1}), ("graph", ["hybrid"], {"every": 1}),
    ],
)  # fmt: skip
def test_other_kinds_draw_themselves(kind, of, more, home, picture, tmp_path):
    pictures = [picture] if KINDS[kind].of == "pictures" else []
    figure(kind, home, of, *pictures, out=tmp_path / "a.svg", **more)
    text = (tmp_path / "a.svg").read_text()
    assert all(f">{name}" in text for name in of if kind != "curves")


def test_the_scatter_is_that_of_the_report(home, tmp_path):
    drawn = promptzoo.figure("scatter", home / "vpt", out=tmp_path / "a.svg")
    assert drawn.arrays["accuracy"].tolist() == [100 * RunFolder(home / "vpt").accuracy()]
    assert "tuned parameters" in (tmp_path / "a.svg").read_text()


def test_kinds_are_listed(capsys):
    assert main(["figure"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in KINDS)


# ---------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("kind", "of", "more", "key", "given"),
    [
        ("attention", ["windows"], {}, "attention", "windows"),
        ("rollout", ["windows"], {}, "attention", "windows"),
        ("kla", ["vpt"], {}, "kla", "vpt"),
        ("prompt-map", ["vpt"], {}, "prompt-map", "vpt"),
        ("graph", ["vpt"], {}, "graph", "vpt"),
        ("grad-cam", ["vpt"], {"site": "visual.layers.2"}, "site", "visual.layers.2"),
        ("grad-cam", ["vpt"], {"site": "visual.layers.*"}, "site", "visual.layers.*"),
        ("grad-cam", ["vpt"], {"site": "visual.pool"}, "site", "visual.pool"),
        ("grad-cam", ["vpt"], {"of": "foxx"}, "class", "foxx"),
        ("attention", ["vpt"], {"layer": 3}, "layer", 3),
        ("similarity", ["vpt"], {"at": (4, 0)}, "at", [4, 0]),
        ("graph", ["hybrid"], {"every": 0}, "every", 0),
        ("attention", ["vpt"], {"unit": True}, "unit", "unit"),
        ("attention", ["vpt"], {"colour": 1}, "colour", "colour"),
        ("kla", ["hybrid"], {"bare": True}, "bare", "bare"),
        ("atention", ["vpt"], {}, "kind", "atention"),
        ("attention", [], {}, "runs", None),
        ("attention", ["vpt"], {"out": "a.jpg"}, "out", "a.jpg"),
        ("attention", ["vpt"], {"data": "a.csv"}, "data", "a.csv"),
        ("attention", ["vpt"], {"overrides": ["data.root=x"]}, "overrides", "data.root=x"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_a_sentence(kind, of, more, key, given, home, picture):
    with pytest.raises(ZooError) as refused:
        figure(kind, home, of, picture, **more)
    assert (refused.value.key, refused.value.given) == (key, given)


def test_a_run_without_words_a_missing_split_a_picture_that_is_none_and_one_too_many_are_told(home, picture, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    for kind, of, pictures, more, key in (
        ("words", ["vpt"], [], {}, "words"), ("tsne", ["vpt"], [], {"split": "vall"}, "split"),
        ("attention", ["vpt"], [], {}, "pictures"), ("confusion", ["vpt"], [picture], {}, "pictures"),
    ):  # fmt: skip
        with pytest.raises(ZooError) as refused:
            figure(kind, home, of, *pictures, **more)
        assert refused.value.key == key
    with pytest.raises(ZooError) as refused:
        figure("attention", home, ["vpt"], bad, out=tmp_path / "a.png")
    assert refused.value.place == str(bad)
    assert list(tmp_path.iterdir()) == [bad]


def test_a_page_is_of_runs_and_ends_in_html(home, tmp_path, capsys):
    for words in ([], [str(home / "vpt"), "--out", str(tmp_path / "a.png")]):
        assert main(["figure", "--page", *words]) == 2
        assert capsys.readouterr().err.startswith("error: ")
    assert not list(tmp_path.iterdir())


def test_words_that_are_neither_run_nor_picture_and_no_file_to_write_are_told(home, picture, capsys):
    for words in (["attention", str(home / "vp"), str(picture)], ["attention", str(home / "vpt"), str(picture)]):
        assert main(["figure", *words]) == 2
        assert capsys.readouterr().err.startswith("error: ")


def test_a_picture_that_the_run_trained_on_is_told(home, picture):
    own = home / "set" / "train" / "fox" / "0.png"
    assert figure("grad-cam", home, ["vpt"], own).remarks
    assert not figure("grad-cam", home, ["vpt"], picture).remarks


@pytest.mark.parametrize(("package", "kind"), [("matplotlib", "attention"), ("umap", "umap")])
def test_without_a_package_it_is_told_how_to_install_it(package, kind, home, picture, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    pictures = [picture] if kind == "attention" else []
    with pytest.raises(ZooError) as refused:
        figure(kind, home, ["vpt"], *pictures, out=tmp_path / "a.png")
    assert refused.value.given == package
    assert list(tmp_path.iterdir()) == []
