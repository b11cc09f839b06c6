"""A run as a program of torch.export: `to_pt2`."""

import io

import torch

from promptzoo.exporting.facts import KEY, Facts
from promptzoo.exporting.program import Program
from promptzoo.files import as_json


def to_pt2(program: Program, facts: Facts) -> tuple[bytes, float]:
    """The content of a .pt2 file, and how far what it gives is from what the model gives.

    `torch.export.load(FILE).module()` takes pictures b 3 h w, normalised, and gives logits b c, without promptzoo.
    """
    file = io.BytesIO()
    torch.export.save(program.program, file, extra_files={f"{KEY}.json": as_json(facts.words())})
    file.seek(0)
    loaded = torch.export.load(file).module()
    with torch.no_grad():
        return file.getvalue(), program.difference(loaded, "the .pt2 file")
