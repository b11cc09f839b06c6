"""What an exported file says of itself, so that it can be used without the run: `Facts`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import promptzoo
from promptzoo.data.preprocess import Preprocess
from promptzoo.errors import ZooError
from promptzoo.exporting.abroad import abroad, recipe_abroad
from promptzoo.files import as_json, from_json
from promptzoo.model.heads import by_class
from promptzoo.recipe.pictures import seen_by
from promptzoo.training.reopen import Reopened

KEY = "promptzoo"  # under which a file's metadata has them


@dataclass(frozen=True)
class Facts:
    """How pictures are seen, what the classes are called, and what the model was made of: no paths of its machine.

    `recipe` is None for a model that was made in Python.  Logits become probabilities class by class, by the logistic
    function, where `by_class`, else by softmax.
    """

    preprocess: Preprocess
    classes: list[str]
    by_class: bool
    recipe: Mapping[str, Any] | None
    backbone: str | None
    weights: str | None

    def words(self) -> dict[str, str]:
        """The metadata of a file."""
        return {KEY: promptzoo.__version__, **{word: as_json(fact) for word, fact in asdict(self).items()}}

    @classmethod
    def read(cls, words: Mapping[str, str], place: object) -> "Facts":
        """From the metadata of a file at `place`.  Raises `ZooError` for what promptzoo did not write."""
        if KEY not in words:
            way = "export it again"
            raise ZooError("it was not exported by promptzoo: its classes are unknown", place=place,
                           key=KEY, remedy=way)  # fmt: skip
        try:
            told = {word: from_json(words[word]) for word in cls.__dataclass_fields__}
            facts = cls(**{**told, "preprocess": Preprocess(**told["preprocess"])})
            named = [name for name in facts.classes if isinstance(name, str)]
            if len(named) < len(facts.classes) or not isinstance(facts.by_class, bool):
                raise ValueError("its class names are not valid")
        except (KeyError, TypeError, ValueError) as error:
            raise ZooError(f"its metadata is not in promptzoo's format: {error}", place=place, key=KEY) from error
        return facts


def facts_of(run: Reopened) -> Facts:
    """Those of a finished run, as others may read them."""
    return Facts(
        seen_by(run.recipe, run.backbone), run.model.classes, by_class(run.model), recipe_abroad(run.recipe.to_dict()),
        run.backbone.name, abroad(run.backbone.weights, run.backbone.weights),
    )  # fmt: skip
