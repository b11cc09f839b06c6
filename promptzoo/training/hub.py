"""A run that somebody shared on a hub, downloaded as a folder: `fetched_run`.  Nothing of it is executed."""

from pathlib import Path

from promptzoo.backbones.weights import UNREACHED, chain, reason
from promptzoo.errors import ZooError

PREFIX = "hf-hub:"
FILES = ["*.safetensors", "*.yaml", "*.json"]  # all that is asked for


def fetched_run(path: str | Path) -> str | Path:
    """The folder of `hf-hub:OWNER/NAME`, in huggingface_hub's cache; another path as it is.

    Raises `ZooError` where the hub cannot be reached, and for what it does not have.
    """
    if not str(path).startswith(PREFIX):
        return path
    from huggingface_hub import snapshot_download

    name = str(path).removeprefix(PREFIX)
    try:
        return Path(snapshot_download(name, allow_patterns=FILES))
    except (*UNREACHED, RuntimeError) as error:
        way = "if you downloaded it elsewhere, name its folder instead"
        said = f"cannot download the run '{name}': {reason(chain(error), 'it is')}"
        raise ZooError(said, key=PREFIX, given=name, remedy=way) from error
