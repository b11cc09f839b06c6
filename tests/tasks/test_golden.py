"""The beginnings of the golden sets, through a bare DeiT-Tiny; the whole of them: tests/test_conformance.py."""

import json
import runpy
from functools import cache
from typing import Any

import pytest
from shared import shared

from promptzoo.data.sources.davis import Davis, Video
from promptzoo.data.sources.revisited import Revisited
from promptzoo.data.sources.spair import SPair
from promptzoo.metrics import rank
from promptzoo.tasks.correspond import Correspond
from promptzoo.tasks.desk import Desk
from promptzoo.tasks.eye import Eye
from promptzoo.tasks.retrieve import Retrieve
from promptzoo.tasks.segment_video import SegmentVideo
from promptzoo.training.eyes import eye_of_bare


@cache
def eye() -> Eye:
    weights = shared("assets", "weights", "deit_tiny_patch16_224.fp16.safetensors")
    return eye_of_bare("timm/deit_tiny_patch16_224", weights=str(weights)).eye


def told(*parts: str) -> Any:
    return json.loads(shared("golden_tasks", *parts).read_text())


def test_the_first_six_frames_of_a_video_have_their_golden_j_and_f() -> None:
    case = told("davis", "davis_240_blackswan.json")
    source = Davis(shared("assets", "davis"), sequences=["blackswan"])
    (video,) = source.videos
    source.videos = [Video(video.name, video.frames[:6], dict(list(video.masks.items())[:6]))]
    (found,), _ = SegmentVideo(side=240, radius=6).follow(source.videos[0], eye(), Desk())
    assert found["1"]["J"] == pytest.approx(case["objects"]["1"]["J_frames"][:4], abs=0.002)
    assert found["1"]["F"] == pytest.approx(case["objects"]["1"]["F_frames"][:4], abs=0.006)


@pytest.mark.parametrize(
    ("name", "how"), [("letterbox", {}), ("full_size", {"fit": "full"}), ("letterbox_mutual", {"mutual": True})]
)
def test_the_first_four_pairs_have_their_golden_shares(name: str, how: dict[str, Any]) -> None:
    source, desk = SPair(shared("golden_tasks", "spair_warps")), Desk()
    source.names = source.names[:4]
    Correspond(**how).measure(eye(), source, desk)
    points = [len(pair.source_points) for pair in source]
    shares = [right[0][0] / count for right, count in zip(desk.answers.values(), points, strict=True)]
    golden = told("spair.json")["cases"][name]["pairs_pck@0.1"]
    assert shares == pytest.approx([golden[name] for name in source.names], abs=1e-5)


def test_the_first_pictures_of_a_database_are_ranked_as_in_the_golden_ranking(tmp_path) -> None:
    builder = runpy.run_path(str(shared("golden_tasks", "retrieval_builder.py")))
    source = Revisited(builder["build"](shared("assets"), tmp_path))
    some = [(path, None) for path in (*(one.path for one in source.queries[:2]), *source.database[:8])]
    (found,) = Retrieve().features(eye(), some, Desk())
    golden = told("retrieval.json")["cases"]["eval"]["ranks"][:2]
    assert rank(found[:2], found[2:]).tolist() == [[place for place in row if place < 8] for row in golden]
