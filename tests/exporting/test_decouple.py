"""MaPLe's couplings fold into the prompts that they made: a run of far fewer parameters that gives the same."""

import pytest
import torch
from merged import checkpoint
from pictures import sentence
from small import CLASSES

import promptzoo
from promptzoo import cli
from promptzoo.exporting import decouple, merge


@pytest.mark.parametrize("name", ["maple", "maple_clip_adapter"])
def test_the_prompts_by_themselves_give_what_the_couplings_gave(name, tmp_path, capsys):
    run = checkpoint(tmp_path / "run" / "model.safetensors", name, "clip")
    assert cli.main(["merge", str(run.parent)]) == 0
    said = capsys.readouterr().out
    assert "'maple': the couplings are replaced by the image prompts" in said
    before, after = promptzoo.load(run), promptzoo.load(run.parent / "merged")
    assert after.classes == CLASSES
    image = torch.randn(3, *before.model.visual.input)
    with torch.no_grad():
        torch.testing.assert_close(after.model(image).logits, before.model(image).logits, atol=1e-5, rtol=1e-5)
    own, couplings = after.model.tuned(), [key for key in before.model.tuned() if "couple" in key]
    assert {key.rpartition(".")[2] for key in own if "couple" in key} == {"prompts"}
    assert {key for key in own if "couple" not in key} == before.model.tuned().keys() - set(couplings)
    sizes = [sum(p.numel() for p in one.model.tuned().values()) for one in (before, after)]
    assert f"tuned parameters: {sizes[0]:,} before, {sizes[1]:,} now" in said
    assert sizes[1] < sizes[0]


def test_prompts_that_were_never_coupled_have_no_place(tmp_path):
    alone = checkpoint(tmp_path / "model.safetensors", "maple", "clip", "grafts.maple.couple.block=independent_prompts")
    assert "it adds 2 prompts to the tokens" in sentence(lambda: promptzoo.merge(alone))


def test_a_run_that_would_give_something_else_is_not_written(tmp_path, monkeypatch):
    run = checkpoint(tmp_path / "model.safetensors", "maple", "clip")
    monkeypatch.setattr(decouple, "difference", lambda *_: float("nan"))
    found = merge.merge(run)
    assert "is not written" in sentence(lambda: found.save(tmp_path / "merged"))
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
