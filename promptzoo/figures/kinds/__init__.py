"""The kinds of figures: `KINDS`, a line each; what a kind shows is found in the module of its name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind's name, what it shows, the options that it takes, what it is of, and its module where that is another.

    `of`: "pictures" of a person, the "data", the "models" or the folders of "runs", a "task", or a "folder" of runs.
    """

    name: str
    about: str
    of: str
    takes: tuple[str, ...] = ()
    module: str = ""

    @property
    def home(self) -> str:
        return f"promptzoo.figures.kinds.{self.module or self.name.replace('-', '_')}"


MAPS = ("shared_scale", "bare")
KINDS = {
    kind.name: kind
    for kind in (
        Kind("attention", "where the class token attends", "pictures", ("layer", "heads", "mark", *MAPS)),
        Kind("kla", "where LORE's knowledge of a class attends", "pictures", ("of", "scores", "mark", "shared_scale")),
        Kind("rollout", "attention rolled out through all layers", "pictures", ("mark", *MAPS)),
        Kind("grad-cam", "the regions that speak for a class", "pictures", ("of", "site", "mark", *MAPS)),
        Kind("prompt-map", "SA2VP's prompts that are similar to a patch", "pictures", ("at", "layer", "shared_scale")),
        Kind("similarity", "patches that are similar to a patch", "pictures", ("at", "to", "layer", *MAPS)),
        Kind("pca", "patches in their first three principal components", "pictures", ("layer", "bare")),
        Kind("graph", "LIN's nearest patches", "pictures", ("at", "every", "bare")),
        Kind("tsne", "features of a split, by t-SNE", "data", ("split", "unit", "seed", "bare"), "embedding"),
        Kind("umap", "features of a split, by UMAP", "data", ("split", "unit", "seed", "bare"), "embedding"),
        Kind("confusion", "which class was predicted for which", "runs"),
        Kind("curves", "losses, accuracy and learning rate over epochs", "runs"),
        Kind("words", "the nearest words of learned contexts", "models", ("near",)),
        Kind("points", "transferred key points", "task", ("pick", "bare")),
        Kind("masks", "predicted and true masks of a video", "task", ("pick", "frames", "bare")),
        Kind("ranks", "a query and its first ten results", "task", ("pick", "bare")),
        Kind("scatter", "accuracy against cost", "folder"),
    )
}
