"""The files of a run that others can open: `files_of_run`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import promptzoo
from promptzoo.exporting.facts import facts_of
from promptzoo.files import as_json
from promptzoo.training.reopen import Reopened
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.seal import content, sealed, unsealed

CONFIG, MODEL = "config.json", "model.safetensors"


def files_of_run(run: Reopened, path: Path) -> dict[str, bytes]:
    """What was tuned with its recipe, figures and data fingerprint, by name, and what all can read of it: config.json.

    The log and the answers picture by picture stay at home, and where the run was and how it was begun.
    """
    words: dict[str, Any] = {"library_name": "promptzoo", "version": promptzoo.__version__}
    words |= {word: fact for word, fact in asdict(facts_of(run)).items() if word != "recipe"}
    files = {CONFIG: as_json(words, indent=2).encode()}
    if not path.is_dir():
        return {**files, MODEL: content(path)}
    folder = RunFolder(path)
    for file in (folder.model_file, folder.recipe_file, folder.data_file):
        files[file.name] = content(file)
    for file, private in ((folder.result_file, "out"), (folder.versions_file, "command")):
        files[file.name] = sealed({word: fact for word, fact in unsealed(file).items() if word != private})
    return files
