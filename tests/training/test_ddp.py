"""Two processes compute what one does, within rounding."""

import pytest
import runs
import torch
from pictures import sentence
from torch import nn

from promptzoo.training.devices import SharedBatchNorm, share_batches
from promptzoo.training.run_folder import RunFolder

# without dropout, which every process draws for itself, and without AdamW, whose first steps are the gradient's sign:
# where a gradient is nearly 0, rounding turns it
SILENT = "grafts.sa2vp.adapter.dropout=0"
STAGES = "train.stages=[{}, {rewind: true}]"
PLAIN = ("train={precision: fp32, epochs: 2, optimizer: sgd, lr: 1e-2}",)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return runs.pictures(tmp_path_factory.mktemp("pictures") / "set")


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        # unequal shares in both; in the second BatchNorm sees the pictures of both processes
        pytest.param("sa2vp", "vit", (SILENT, "data.batch=5"), marks=pytest.mark.slow),
        (
            "lore_sa2vp_hybrid",
            "clip",
            (SILENT, "data.batch=7", "data.guess=zero_shot", "grafts.lore.generator.dropout=0"),
        ),
        pytest.param("prograd", "clip", ("data.batch=7",), marks=pytest.mark.slow),  # its rule takes gradients itself
        # these look at all training pictures before or between epochs
        pytest.param("dam_vp", "vit", ("data.batch=7", "grafts.dam_vp.threshold=1"), marks=pytest.mark.slow),
        pytest.param("tip_adapter_f", "clip", ("data.batch=7",), marks=pytest.mark.slow),
        pytest.param("e2vpt", "vit", ("data.batch=7", STAGES, "grafts.e2vpt.dropout=0"), marks=pytest.mark.slow),
        pytest.param("full", "clip", ("data.batch=7",), marks=pytest.mark.slow),
    ],
)
def test_two_processes_give_the_figures_of_one(tmp_path, root, name, kind, words):
    words = (name, kind, *PLAIN, *words)
    one = runs.run(tmp_path / "one", root, *words)
    two = runs.run(tmp_path / "two", root, *words, "train.devices=2", "train.device=cpu")
    for first, second in zip(runs.lines(tmp_path / "one"), runs.lines(tmp_path / "two"), strict=True):
        assert runs.close(first, second)
    assert runs.close(one.test, two.test)
    assert one.zero_shot == two.zero_shot
    answers = [(tmp_path / run / "predictions.csv").read_bytes() for run in ("one", "two")]
    assert answers[0] == answers[1]
    assert two.out == str(tmp_path / "two")


@pytest.mark.slow
def test_a_process_s_sentence_is_that_of_the_run_and_its_state_can_be_resumed(tmp_path, root):
    words = ("linear", "vit", "train={optimizer: sgd, lr: 1e38, epochs: 3, save_every: 1}")
    said = sentence(lambda: runs.run(tmp_path / "run", root, *words, "train.devices=2", "train.device=cpu"))
    assert said.startswith("step 2 (epoch 1): the loss 'task' is ")
    assert "Traceback" not in said
    assert RunFolder(tmp_path / "run").saved


def test_a_shared_norm_of_one_process_is_the_ordinary_one(monkeypatch):
    class Ours(nn.BatchNorm1d):
        """A norm with a forward of its own around it."""

        def forward(self, x):
            return super().forward(2 * x)

    monkeypatch.setattr("torch.distributed.all_reduce", lambda x: None)
    for make in (nn.BatchNorm1d, Ours):
        torch.manual_seed(0)
        plain, shared = nn.Sequential(make(4)), nn.Sequential(make(4))
        assert share_batches(shared)
        assert isinstance(shared[0], make)
        assert isinstance(shared[0], SharedBatchNorm)
        x = torch.randn(6, 4) * 3 + 1
        a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
        ya, yb = plain(a), shared(b)
        torch.testing.assert_close(ya, yb)
        (ya**3).sum().backward()
        (yb**3).sum().backward()
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(plain.state_dict(), shared.state_dict())
        torch.testing.assert_close(plain.eval()(x), shared.eval()(x))
    assert not share_batches(nn.Linear(2, 2))
