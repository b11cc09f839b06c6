"""Loggers: one's own by its path, and those of other programs, which hear the recipe, the curves and the figures."""

import json
import shutil
import struct
import sys
from pathlib import Path

import pytest
import runs
from pictures import error

import promptzoo
from promptzoo import Logger, Run
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.interrupt import StoppedError
from promptzoo.training.progress import Progress
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.session import train

MINE = """
from promptzoo import Logger, Run

HEARD = []


class Mine(Logger):
    def __init__(self, *, mark: int = 0):
        self.mark = mark

    def begin(self, run):
        steps = [step for step, _ in run.told]
        HEARD.append(("begin", run.name, run.recipe["train"]["epochs"], bool(run.versions), steps))

    def add(self, figures, step):
        HEARD.append(("add", step, figures["loss"], figures["val.accuracy"]))

    def picture(self, file):
        HEARD.append(("picture", file.name))

    def end(self, figures, step):
        HEARD.append(("end", figures["test.accuracy"], step))

    def close(self, finished):
        HEARD.append(("close", finished))


class Misspelt(Logger):
    def begins(self, run):
        pass
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures"), train=8, test=2)


@pytest.fixture
def heard(tmp_path, monkeypatch):
    (tmp_path / "my_logger.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda: sys.modules["my_logger"].HEARD
    sys.modules.pop("my_logger", None)


class Once(Progress):
    """Stops after the first epoch."""

    def epoch(self, line):
        raise StoppedError("stopped")


def test_one_s_own_logger_hears_everything_also_of_a_run_that_goes_on(root, tmp_path, heard) -> None:
    asked = runs.recipe(root, "linear", "vit", "train.logger={logger: 'my_logger:Mine', mark: 3}")
    out = tmp_path / "run"
    with pytest.raises(StoppedError):
        train(asked, out, quiet=True, progress=Once)
    (out / "curves.png").write_bytes(b"a figure")
    result = train(asked, out, resume=True, quiet=True)
    lines = runs.lines(out)
    epochs = [("add", line["step"], line["loss"], line["val"]["accuracy"]) for line in lines]
    begun = ("begin", "linear", 3, True)
    assert heard() == [
        (*begun, []), epochs[0], ("close", False), (*begun, [lines[0]["step"]]), *epochs[1:],
        ("picture", "curves.png"), ("end", result.test["accuracy"], lines[-1]["step"]), ("close", True),
    ]  # fmt: skip
    heard().clear()
    promptzoo.figure("curves", out, out=out / "later.png", trust_code=True)
    assert [one[0] for one in heard()] == ["begin", "picture", "picture", "end", "close"]
    assert ("picture", "later.png") in heard()


def test_a_figure_reaches_the_logger_of_a_trusted_run_alone_and_is_written_whatever_that_does(root, tmp_path, heard):
    out = tmp_path / "run"
    train(runs.recipe(root, "linear", "vit", "train.logger=my_logger:Mine"), out, quiet=True)

    def draw(name, of=out, **more):
        drawn = promptzoo.figure("curves", of, out=out / f"{name}.png", data=tmp_path / f"{name}.npz", **more)
        assert (out / f"{name}.png").exists()
        assert (tmp_path / f"{name}.npz").exists()
        return list(drawn.remarks)

    heard().clear()
    (said,) = draw("a")
    assert "was not given a.png" in said
    assert "trust_code=True" in said
    assert not heard()
    assert draw("b", trust_code=True) == draw("c", Run(out, trust_code=True)) == []
    assert [one for one in heard() if one[0] == "picture"][-1] == ("picture", "c.png")
    sys.modules["my_logger"].Mine.picture = lambda self, file: 1 / 0
    heard().clear()
    (said,) = draw("d", trust_code=True)
    assert "d.png did not reach the logger" in said
    assert "ZeroDivisionError" in said
    assert heard()[-1] == ("close", False)


def test_no_logger_of_the_shelf_is_asked_for_a_run_from_elsewhere(root, tmp_path):
    """It may name any server."""
    out = tmp_path / "run"
    train(runs.recipe(root, "linear", "vit", "train.logger=csv"), out, quiet=True)
    shutil.rmtree(out / "csv")
    (said,) = promptzoo.figure("curves", out, out=out / "a.png").remarks
    assert "was not given a.png" in said
    assert not (out / "csv").exists()


def test_a_logger_that_does_not_keep_the_contract_or_is_none_is_said(root, tmp_path, heard) -> None:
    wrong = error(lambda: runs.run(tmp_path / "a", root, "linear", "vit", "train.logger=my_logger:Misspelt"))
    assert "begins" in wrong.what
    unknown = error(lambda: runs.recipe(root, "linear", "vit", "train.logger=wandbb"))
    assert (unknown.key, unknown.nearest) == ("logger", ["wandb"])
    argument = error(lambda: runs.run(tmp_path / "b", root, "linear", "vit", "train.logger={logger: wandb, projct: x}"))
    assert (argument.key, argument.nearest) == ("projct", ["project"])
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "b").exists()


def test_a_run_from_elsewhere_names_no_logger_of_its_own(tmp_path, root) -> None:
    page = runs.recipe(root, "linear", "vit").to_dict()
    for logger in ("evil:Code", {"logger": "evil:Code"}):
        page["train"]["logger"] = logger
        refused = error(lambda: Recipe(page, trusted=False))
        assert (refused.key, refused.given) == ("trust_code", "evil:Code")


def test_the_logger_is_no_part_of_the_other_words_of_a_training(root) -> None:
    asked = runs.recipe(root, "linear", "vit", "train.logger=csv", "train.lr=0.5")
    assert (asked.train.lr, asked.train.epochs) == (0.5, 3)
    assert issubclass(Logger, object)


def finished(root, out: Path, logger: str):
    """A run with a picture beside it, through a logger."""
    figure = next((root / "test").rglob("*.png"))

    class Drawing(Progress):
        def epoch(self, line):
            (out / "curves.png").write_bytes(figure.read_bytes())

    train(runs.recipe(root, "linear", "vit", f"train.logger={logger}"), out, quiet=True, progress=Drawing)
    return RunFolder(out).result()


def told(content: bytes):
    """The records of a log in LevelDB's form, which wandb writes behind 7 bytes of its own."""
    place, whole = 7, b""
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        _, size, kind = struct.unpack("<IHB", content[place : place + 7])
        if left < 7 or not kind:
            place += left
            continue
        whole += content[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # a whole record, or the end of one
            yield whole
            whole = b""


@pytest.mark.slow
def test_weights_and_biases_gets_it_without_a_network(root, tmp_path) -> None:
    pytest.importorskip("wandb")
    from wandb.proto import wandb_internal_pb2

    result = finished(root, tmp_path / "run", "{logger: wandb, project: mine, mode: offline}")
    (file,) = (tmp_path / "run" / "wandb").glob("offline-run-*/run-*.wandb")
    found = []
    for data in told(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        found.append(record)
    config = {one.key: one.value_json for record in found for one in record.run.config.update}
    assert json.loads(config["train"])["epochs"] == 3
    assert "torch" in json.loads(config["versions"])
    steps = [
        {item.nested_key[0] if item.nested_key else item.key: item.value_json for item in record.history.item}
        for record in found
        if record.HasField("history")
    ]
    assert sum("loss" in step for step in steps) == 3
    assert any("curves" in key for step in steps for key in step)
    summary = {}
    for record in found:
        for item in record.summary.update:
            summary["/".join(item.nested_key) or item.key] = item.value_json
    assert json.loads(summary["test.accuracy"]) == result["test"]["accuracy"]


@pytest.mark.slow
def test_mlflow_gets_it_in_a_file_of_sqlite(root, tmp_path, monkeypatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    result = finished(root, tmp_path / "run", "{logger: mlflow, experiment: mine}")
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    (found,) = client.search_runs([client.get_experiment_by_name("mine").experiment_id])
    assert found.info.status == "FINISHED"
    assert found.info.run_name == "linear"
    assert found.data.params["train.epochs"] == "3"
    assert "torch" in found.data.tags
    assert found.data.metrics["test.accuracy"] == pytest.approx(result["test"]["accuracy"])
    promptzoo.figure("curves", tmp_path / "run", out=tmp_path / "run" / "later.png", trust_code=True)
    assert len(client.get_metric_history(found.info.run_id, "test.accuracy")) == 1  # it is told once
    curve = client.get_metric_history(found.info.run_id, "losses.task")
    assert [one.value for one in curve] == [line["losses"]["task"] for line in runs.lines(tmp_path / "run")]
    assert [one.path for one in client.list_artifacts(found.info.run_id)] == ["curves.png", "later.png"]
