"""Every recipe compiles, as model and as step: one graph, the same numbers, one more for another size of batch."""

import copy

import pytest
import runs
import torch
from small import RECIPES, carrier, model, pictures, recipe, shipped
from torch._dynamo.utils import counters

from promptzoo.errors import ZooError
from promptzoo.model import compiled as compiling
from promptzoo.model.compiled import compiled, one_graph
from promptzoo.model.step import Step, step_of
from promptzoo.training.evaluate_run import evaluate_run
from promptzoo.training.precision import repeatable
from promptzoo.training.predict import load

ORDINARY = (("dam_vp", "step"), ("tip_adapter", "model"))  # the bare feature within the graph; a state; dynamo is slow
INDUCTOR = ("linear", "lora", "lore", "sa2vp")
ON = [(name, carrier(name)) for name in RECIPES]
GRAPHS = pytest.mark.parametrize("what", ["model", "step"])


@pytest.fixture(autouse=True)
def nothing_compiled_before() -> None:
    torch.compiler.reset()
    counters.clear()


def stepped(step: Step, rows: int) -> list[torch.Tensor]:
    """Losses, logits and gradients of a step of training, and the logits of evaluation."""
    made, label = step.model, torch.arange(rows) % 3
    image = pictures(made, rows)
    torch.manual_seed(1)
    losses, logits = step(image, label, label.flip(0))
    if losses and made.tuned():
        sum(losses.values()).backward()
    found = [*(loss.detach() for loss in losses.values()), logits.detach()]
    found += [torch.zeros(()) if p.grad is None else p.grad for p in made.tuned().values()]
    made.zero_grad()
    with torch.no_grad():
        found.append(made.eval()(image).logits)
    made.train()
    return found


def equal(name: str, kind: str, what: str, near: float, batches: tuple[int, ...] = (4, 4, 3, 4)) -> None:
    """As a model or a step: the numbers of what is not compiled, and as many graphs as there are sizes and modes."""
    made, guess = model(name, kind).train(), recipe(name, kind).data.guess
    plain, step = step_of(copy.deepcopy(made), guess), step_of(made, guess)
    compiled(made, "cpu")
    if what == "step":
        compiled(step, "cpu")
    with repeatable(torch.device("cpu"), shipped(name).train):
        for sizes, rows in enumerate(batches, 1):
            for one, other in zip(stepped(step, rows), stepped(plain, rows), strict=True):
                torch.testing.assert_close(one, other, rtol=near, atol=near)
            assert counters["stats"]["unique_graphs"] == (2 if sizes < 3 else 4)  # of training and of evaluation
    assert not counters["graph_break"]


@pytest.mark.parametrize(
    ("name", "kind", "what"),
    [
        pytest.param(name, kind, what, marks=[] if (name, what) in ORDINARY else pytest.mark.slow)
        for name, kind in ON
        for what in ("model", "step")
    ],
)
def test_a_recipe_is_one_graph_for_each_size_of_batch(
    name: str, kind: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "BACKEND", "aot_eager")
    equal(name, kind, what, 1e-6)


@pytest.mark.slow
@GRAPHS
@pytest.mark.parametrize("name", INDUCTOR)
def test_the_kernels_of_inductor_compute_the_same(name: str, what: str) -> None:
    equal(name, "vit", what, 1e-4, (8, 8, 7, 8))  # of three, float32 is itself 1.5e-4 from float64


@pytest.mark.slow
def test_a_compiled_training_comes_to_the_same_is_taken_up_and_asked_again(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "BACKEND", "aot_eager")
    root = runs.pictures(tmp_path / "pictures")
    words = ("linear", "vit", "data.cache=false", "data.batch=5")
    for out, more in (("plain", []), ("whole", ["train.compile=step"]), ("cut", ["train.compile=step"])):
        if out == "cut":
            with monkeypatch.context() as patched:
                patched.setattr("promptzoo.training.run_writer.RunWriter.finish", stop)
                with pytest.raises(ZooError):
                    runs.run(tmp_path / out, root, *words, *more)
        runs.run(tmp_path / out, root, *words, *more, resume=out == "cut")
    assert runs.same(tmp_path / "whole", tmp_path / "cut")
    assert all(map(runs.close, runs.lines(tmp_path / "whole"), runs.lines(tmp_path / "plain")))
    assert counters["stats"]["unique_graphs"] > 0
    figures = [evaluate_run(tmp_path / "whole", compile=word) for word in (True, False)]
    assert all(runs.close(*(one[word] for one in figures)) for word in ("accuracy", "loss", "class_accuracy"))
    picture = root / "test" / "fox" / "0.png"
    one, other = (load(tmp_path / "whole", compile=word).predict(picture)[0] for word in (True, False))
    assert one.class_name == other.class_name
    assert one.probability == pytest.approx(other.probability, rel=1e-5)


def stop(*_: object) -> None:
    raise ZooError("stopped")


def test_what_cannot_be_one_graph_says_so() -> None:
    made = model("linear", "vit")
    made.head.forward = lambda feature, notes: feature * float(feature.sum().item() > print())  # type: ignore[operator]
    compiled(made, "cpu")
    with pytest.raises(ZooError) as raised, one_graph("the recipe mine", "train.compile=none"):
        made(pictures(made))
    assert raised.value.key == "train.compile"
