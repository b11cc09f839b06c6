"""A finished run that is exported and shared, trained on pictures."""

import pytest
import runs
import small

ONE = f"backbone.options={small.flow({**small.BACKBONES['vit']['options'], 'depth': 1})}"  # layer


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    """Where the run and its pictures are, `run` and `set`."""
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(scope="package")
def run(folder):
    """Of three epochs."""
    runs.run(folder / "run", runs.pictures(folder / "set"), "lora", "vit", ONE)
    return folder / "run"
