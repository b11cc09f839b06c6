"""A task of one's own, whose figures are not those of `classify`."""

import io

import pytest
import runs
import torch
from pictures import sentence
from rich.console import Console

from promptzoo.model.contract import Task
from promptzoo.pages.result import figures_page, result_page
from promptzoo.recipe.registry import Entry, load_registry
from promptzoo.studies.record import outcome
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.run_folder import RunFolder

STAGES = "[{shots: {count: 2, by: easiest}}, {shots: {count: 2, by: hardest}}]"


class Margin(Task):
    """How far the right class stands above the mean of all; it names no class."""

    score = "margin"

    def evaluate(self, model, batches):
        logits, labels = zip(
            *((model(batch.image, batch.frozen).logits, batch.label) for batch in batches), strict=True
        )
        logits, labels = torch.cat(logits), torch.cat(labels)
        return {"margin": float((logits.gather(1, labels[:, None]) - logits.mean(1, keepdim=True)).mean())}


class Named(Margin):
    """The same with the classes that were named, and no word of how many of them are right."""

    def evaluate(self, model, batches):
        seen = list(batches)
        place = torch.cat([batch.index for batch in seen])
        named = torch.cat([model(batch.image, batch.frozen).logits.argmax(1) for batch in seen])
        return {**super().evaluate(model, seen), "predicted": torch.stack([place, named], 1)}


class Scoreless(Margin):
    score = "margins"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """As an entry point of another package would have it."""
    for cls in (Margin, Named, Scoreless):
        entry = Entry(**{"class": f"{__name__}:{cls.__name__}", "about": "a task", "paper": "ours", "by": "mine"})
        monkeypatch.setitem(load_registry().tasks, f"mine/{cls.__name__}", entry)


def task(cls):
    return f"task={{task: mine/{cls.__name__}}}"


def printed(page, *given):
    page(*given, Console(file=(out := io.StringIO()), width=100))
    return out.getvalue()


def test_a_task_that_names_no_class_is_trained_for_and_told_by_its_score(tmp_path, root):
    words = ("linear", "vit", task(Margin), "data.shots=null", f"train.stages={STAGES}", "train.epochs=1")
    result = runs.run(tmp_path / "run", root, *words, "train.warmup=0")
    assert set(result.test) == {"margin"}
    assert set(result.stages) == {"easy"}
    told = printed(result_page, result, runs.recipe(root, *words))
    assert "test margin" in told
    assert f"{result.test['margin']:.4g}" in told
    figures = evaluate_run(tmp_path / "run", trust_code=True)
    assert figures["margin"] == pytest.approx(result.test["margin"], rel=1e-5)
    assert "margin" in printed(figures_page, figures)
    assert "does not classify" in sentence(lambda: outcome(RunFolder(tmp_path / "run")))


def test_a_task_that_names_classes_has_an_accuracy_and_is_compared(tmp_path, root):
    result = runs.run(tmp_path / "run", root, "linear", "vit", task(Named))
    assert result.test["accuracy"] == outcome(RunFolder(tmp_path / "run")).accuracy
    assert outcome(RunFolder(tmp_path / "run")).share("val") == result.val["accuracy"]
    assert "test %" in printed(result_page, result, runs.recipe(root, "linear", "vit", task(Named)))


def test_a_task_without_its_score_is_told_at_the_first_epoch(tmp_path, root):
    said = sentence(lambda: runs.run(tmp_path / "run", root, "linear", "vit", task(Scoreless)))
    assert "Scoreless gives no figure 'margins'" in said
    assert "train.select=last" in said
    runs.run(tmp_path / "last", root, "linear", "vit", task(Scoreless), "train.select=last")
