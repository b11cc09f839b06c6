"""`seed-1.json`: what a run of a comparison is made of and, once it is finished, which test pictures it has right."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from promptzoo.errors import DamagedError, ZooError
from promptzoo.files import write, write_new
from promptzoo.option import option
from promptzoo.recipe import yaml
from promptzoo.recipe.differences import differences
from promptzoo.studies.bootstrap import Hits
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.seal import sealed, unsealed

CHANGED = {
    "pictures": "its pictures have changed",
    "frozen": "its backbone's weights have changed",
    "knowledge": "its knowledge table has changed",
}
NO_VALIDATION = "it has no validation pictures to choose by: add some to the folder, or use fewer shots"


class Finished(BaseModel):
    """What a run came to.  `right` has a 1 or 0 for each test picture, in order; `splits` and `test` are digests.

    `val` is the accuracy on validation, None where there are no such pictures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    right: Annotated[str, Field(pattern="^[01]+$")]
    val: float | None = None
    splits: str
    test: str
    classes: list[str]
    selection: str
    epochs: int
    best_epoch: int | None
    tuned_parameters: int
    seconds: float
    source: str = ""  # how the pictures were stored, where that changes them
    stages: dict[str, float] = {}  # the accuracy after each stage but the last, where stages have their own pictures

    @property
    def accuracy(self) -> float:
        return self.right.count("1") / len(self.right)

    def share(self, on: str) -> float:
        """The accuracy on `test` or `val`.  Raises `ZooError` where nothing was validated on."""
        if on == "test":
            return self.accuracy
        if self.val is None:
            way = f"choose another {option('out')} to run it again"
            raise ZooError("its finished run has no accuracy on validation pictures", key="on", given=on, remedy=way)
        return self.val

    @property
    def hits(self) -> Hits:
        """n"""
        return np.array([mark == "1" for mark in self.right])


class Record(BaseModel):
    """A run by its name and seed, what it is made of, and what it came to; None while it is unfinished.

    `recipe` is its text without the seed; `pictures`, `frozen` and `knowledge` are digests, as in `Ground`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    seed: int
    recipe: str
    pictures: str
    frozen: str
    knowledge: str
    versions: dict[str, str | None]
    together: bool = False  # trained in one pass with its other seeds
    finished: Finished | None = None

    @classmethod
    def read(cls, file: Path) -> "Record":
        """Raises `ZooError` for a file that is not one of ours."""
        try:
            return cls.model_validate(unsealed(file))
        except DamagedError as error:
            raise DamagedError(f"{file}: {error}") from error
        except ValidationError as error:
            raise ZooError(f"{file} is not a record that this version of promptzoo can read") from error

    def write(self, file: Path) -> None:
        """Puts the record there, over one that tells less; an unfinished one over none."""
        page = sealed(self.model_dump(mode="json"))
        if self.finished is None:
            write_new(file, page)
        else:
            write(file, page)

    def changes(self, now: "Record") -> list[str]:
        """What is not as it was: words of the recipe, pictures, weights, knowledge."""
        if self.recipe == now.recipe:
            before = after = dict[str, Any]()
        else:
            before, after = (yaml.plain(yaml.read(one.recipe, "recipe")) for one in (self, now))
        changed = differences(before, after)
        if not changed and list(before.get("grafts", {})) != list(after.get("grafts", {})):
            changed = ["its grafts are in another order"]
        if self.together != now.together:
            changed.append(f"its seeds were trained {'together' if self.together else 'one by one'}")
        return changed + [said for word, said in CHANGED.items() if getattr(self, word) != getattr(now, word)]


def outcome(run: RunFolder) -> Finished:
    """What a finished run left in its folder.  Raises `ZooError` where it does not tell which pictures were right."""
    right, result, data = run.hits(), run.result(), run.data()
    words = ("selection", "epochs", "best_epoch", "tuned_parameters", "seconds")
    try:
        facts = {"splits": data["fingerprint"], "test": data["test_fingerprint"], "classes": data["classes"]}
        facts["source"], facts["stages"] = data.get("source", ""), result.get("stages", {})
        val = result["val"] and result["val"]["accuracy"]
        return Finished(right=right, val=val, **facts, **{word: result[word] for word in words})
    except (KeyError, TypeError, ValidationError) as error:
        raise ZooError(f"{run.path} has changed since its run: {str(error).splitlines()[0]}") from error
