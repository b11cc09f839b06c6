"""The files of a run that others can open: `files_of_run`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import promptzoo
from promptzoo.errors import DamagedError
from promptzoo.exporting.abroad import abroad, recipe_abroad
from promptzoo.exporting.facts import Facts
from promptzoo.files import as_json
from promptzoo.model.checkpoint import packed, unpack
from promptzoo.recipe import yaml
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.seal import digest_of, sealed, unsealed

CONFIG, MODEL = "config.json", "model.safetensors"
OWN = {"out", "command", "page"}  # where a run was and how it was begun; the digest of its recipe with its paths


def files_of_run(facts: Facts, path: Path) -> tuple[dict[str, bytes], str | None]:
    """The files of the run at `path` by name, without the paths of its machine; and a file of weights it stands on.

    They are what was tuned with its recipe, figures and data fingerprint, and what all can read of it: config.json.
    The log and the answers picture by picture stay at home, and where the run was and how it was begun.
    Raises `ZooError` where a file is damaged.
    """
    words: dict[str, Any] = {"library_name": "promptzoo", "version": promptzoo.__version__}
    words |= {word: fact for word, fact in asdict(facts).items() if word != "recipe"}
    files = {CONFIG: as_json(words, indent=2).encode()}
    folder = RunFolder(path)
    state, told = folder.tuned() if path.is_dir() else unpack(path)
    recipe, weights = yaml.plain(yaml.read(told["recipe"], str(path))), told["weights"]
    page, known = yaml.write(recipe_abroad(recipe)), abroad(weights, weights)
    files[MODEL] = packed(state, {**told, "recipe": page, "weights": known})
    if path.is_dir():
        files[folder.recipe_file.name] = page.encode()
        for file in (folder.data_file, folder.result_file, folder.versions_file):
            try:
                own = {word: fact for word, fact in unsealed(file).items() if word not in OWN}
            except DamagedError as error:
                raise error.at(path) from error
            if file == folder.versions_file:
                own["page"] = digest_of(page.encode())
            files[file.name] = sealed(abroad(own, recipe, weights))
    return files, known if Path(known).suffix else None
