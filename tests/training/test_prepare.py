"""What the first process prepares, the others receive; what settles finds the model in evaluation mode."""

import pytest
import runs
import small
import torch

from promptzoo.grafts.tip_adapter import TipAdapter
from promptzoo.training.prepare import receive, tensors


@pytest.mark.parametrize(("name", "kind"), [("dam_vp", "vit"), ("tip_adapter_f", "clip"), ("lore", "clip")])
def test_another_process_has_all_that_the_first_one_prepared(name, kind):
    first, other = small.model(name, kind), small.built(name, kind)
    for graft in other.grafts.values():
        if hasattr(graft, "spread"):
            graft.spread(torch.zeros(1, other.visual.out))  # it found another number of clusters
    small.randomise(first.grafts)
    small.randomise(first.losses)
    learns = {key: id(parameter) for key, parameter in other.tuned().items()}
    for part in ("grafts", "losses"):
        for one, two in zip(getattr(first, part).values(), getattr(other, part).values(), strict=True):
            receive(two, tensors(one))
    assert {key: id(parameter) for key, parameter in other.tuned().items()} == learns
    image = small.pictures(first)
    first.head.load_state_dict(other.head.state_dict())
    with torch.no_grad():
        assert torch.equal(first(image).logits, other(image).logits)


def test_a_graft_settles_in_evaluation_mode_where_there_is_nothing_to_validate_on(tmp_path, monkeypatch):
    modes = []
    monkeypatch.setattr(TipAdapter, "settle", lambda own, model, data: modes.append(model.training))
    root = runs.pictures(tmp_path / "set", train=4)
    runs.run(tmp_path / "run", root, "tip_adapter_f", "clip", "grafts.tip.search=null", "train.epochs=1")
    assert modes == [False]
