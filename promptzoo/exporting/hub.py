"""A folder as a repository of a hub: `push`."""

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi

from promptzoo.errors import ZooError, told
from promptzoo.option import option

FORM = "OWNER/NAME"


def named(repository: str) -> str:
    """`OWNER/NAME`.  Raises `ZooError` for another word."""
    owner, _, name = repository.partition("/")
    if not owner or not name or "/" in name:
        raise ZooError(f"a repository should be {FORM}, not '{repository}'", key="push", given=repository)
    return repository


def push(repository: str, files: Mapping[str, bytes]) -> str:
    """Makes the repository and puts all files there in one commit; gives its address.

    One that was made for files which the hub then did not take is removed.
    Raises `ZooError` where it already exists, and where the hub cannot be reached or refuses.
    """
    api: Any = HfApi()
    try:
        address = str(api.create_repo(named(repository)))
    except ZooError:
        raise
    except Exception as error:  # of huggingface_hub, and of what it asks with
        taken = "409" in str(error)
        said = f"{repository} already exists" if taken else f"the hub cannot create {repository} ({told(error)})"
        way = (
            "choose another name"
            if taken
            else f"log in with `hf auth login`, or write a folder: {option('out', 'DIR')}"
        )
        raise ZooError(said, key="push", given=repository, remedy=way) from error
    try:
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                Path(folder, name).write_bytes(content)
            api.upload_folder(repo_id=repository, folder_path=folder, commit_message="Share a model of promptzoo")
    except Exception as error:
        with suppress(Exception):
            api.delete_repo(repository)
        said = f"the hub did not accept the files of {repository} ({told(error)}); nothing was left there"
        raise ZooError(said, key="push", given=repository) from error
    return address
