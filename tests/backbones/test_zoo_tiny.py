"""The embedded model: it loads as any open_clip model does, knows the digits a little, and can be made again."""

import json
import sys
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP
from safetensors.torch import load_file

import promptzoo
from promptzoo.data.sources.digits import ClutteredDigits

HOME = Path(promptzoo.__file__).parent / "zoo_tiny"
TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture(scope="module")
def tool():
    sys.path.insert(0, str(TOOLS))
    import pretrain_tiny

    yield pretrain_tiny
    sys.path.remove(str(TOOLS))


@pytest.fixture(scope="module")
def model():
    made = CLIP(**json.loads((HOME / "zoo_tiny.json").read_text()))
    weights = load_file(HOME / "zoo_tiny.safetensors")
    made.load_state_dict({name: value.float() for name, value in weights.items()}, strict=True)
    return made.eval()


def test_the_weights_are_small_and_in_half_precision():
    weights = HOME / "zoo_tiny.safetensors"
    assert weights.stat().st_size <= 12e6
    assert {value.dtype for value in load_file(weights).values()} == {torch.float16}


def test_open_clip_builds_the_model_from_its_configuration_by_name(model):
    open_clip.add_model_config(HOME / "zoo_tiny.json")
    built, _, transform = open_clip.create_model_and_transforms(
        "zoo_tiny", pretrained=str(HOME / "zoo_tiny.safetensors"), precision="fp32"
    )
    picture = transform(ClutteredDigits().val[0].open())[None]
    assert torch.equal(built.eval().encode_image(picture), model.encode_image(picture))


def test_zero_shot_on_the_embedded_set_leaves_room_for_prompts(model):
    digits = ClutteredDigits()
    drawn = torch.from_numpy(np.stack([np.asarray(picture.open()) for picture in digits.val])).permute(0, 3, 1, 2)
    mean, std = (
        torch.tensor(value).view(1, 3, 1, 1)
        for value in (open_clip.constants.OPENAI_DATASET_MEAN, open_clip.constants.OPENAI_DATASET_STD)
    )
    tokens = open_clip.tokenizer.SimpleTokenizer()([f"a photo of a {name}." for name in digits.classes])
    with torch.no_grad():
        alike = model.encode_image((drawn / 255 - mean) / std, normalize=True) @ model.encode_text(tokens, True).T
    labels = torch.tensor([picture.label for picture in digits.val])
    assert 0.20 <= (alike.argmax(1) == labels).float().mean() <= 0.65


def test_the_tool_encodes_captions_as_open_clip_does(tool, model):
    told = ["a photo of a seven.", "two", "a red circle at the top left", "two"]
    with torch.no_grad():
        ours = tool.encode_captions(model, told)
        theirs = model.encode_text(open_clip.tokenizer.SimpleTokenizer()(told), normalize=True)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_caption_that_is_true_of_another_picture_does_not_count_against_it(tool):
    image = torch.nn.functional.normalize(torch.randn(2, 8), dim=-1)
    own, yes = torch.arange(2), torch.ones(2, 2, dtype=torch.bool)
    alone = tool.contrast(image, torch.roll(image, 1, 0), own, yes, torch.tensor(10.0))
    against = tool.contrast(image, torch.roll(image, 1, 0), own, torch.eye(2, dtype=torch.bool), torch.tensor(10.0))
    assert alone == 0
    assert against > 1


def test_every_claim_of_a_caption_is_a_fact_of_its_scene(tool):
    rng = np.random.default_rng(0)
    for number in range(40):
        _, scene = tool.scenes.draw(5, number)
        for about in ("digit", "anything"):
            assert set(tool.scenes.caption(rng, scene, about)[1]) <= set(scene.facts())


def test_a_killed_and_resumed_run_ends_bit_for_bit_as_an_uninterrupted_one(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "finish", lambda *_: None)
    words = ["--steps", "3", "--batch", "4", "--pool", "12", "--every", "1", "--out"]
    tool.main([*words, str(tmp_path / "whole")])

    step = tool.Run.step
    monkeypatch.setattr(
        tool.Run, "step", lambda run: step(run) if run.done < 2 else pytest.fail("killed", pytrace=False)
    )
    with pytest.raises(pytest.fail.Exception, match="killed"):
        tool.main([*words, str(tmp_path / "cut")])
    monkeypatch.setattr(tool.Run, "step", step)
    tool.main([*words, str(tmp_path / "cut"), "--resume"])

    whole, cut = (torch.load(tmp_path / name / "pretrain.pt", weights_only=True) for name in ("whole", "cut"))
    assert cut["done"] == whole["done"] == 3
    assert all(torch.equal(value, cut["model"][name]) for name, value in whole["model"].items())


def test_a_finished_run_writes_weights_that_load_and_a_card_with_its_figures(tool, tmp_path):
    tool.main(["--steps", "1", "--batch", "4", "--pool", "8", "--out", str(tmp_path)])
    names = CLIP(**json.loads((HOME / "zoo_tiny.json").read_text())).state_dict().keys()
    assert load_file(tmp_path / "zoo_tiny.safetensors").keys() == names
    assert "1 steps of 4 pictures" in (tmp_path / "README.md").read_text()
    assert not list(tmp_path.glob("*.part"))


def test_resuming_with_other_settings_is_refused(tool, tmp_path):
    tool.Run(tool.Settings(steps=2, batch=4, pool=8), json.loads((HOME / "zoo_tiny.json").read_text())).save(
        tmp_path / "pretrain.pt"
    )
    with pytest.raises(SystemExit, match="was made with"):
        tool.main(["--steps", "3", "--batch", "4", "--pool", "8", "--resume", "--out", str(tmp_path)])
