"""The page of a model that is shared, with figures that a hub reads: `model_card`."""

from collections.abc import Mapping
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from promptzoo.exporting.abroad import last
from promptzoo.exporting.facts import Facts
from promptzoo.metrics import wilson
from promptzoo.pages.cards.markdown import bullets, code, fence, sections
from promptzoo.pages.numbers import percent
from promptzoo.pages.table import Table
from promptzoo.recipe import yaml
from promptzoo.recipe.registry import load_registry
from promptzoo.training.reopen import Reopened

LIBRARIES = {"run": "promptzoo"}
TITLES = {"val": "validation", "test": "test"}


def model_card(
    name: str,
    to: str,
    run: Reopened,
    facts: Facts,
    figures: Mapping[str, Any],
    data: Mapping[str, Any],
    license: str,
    use: str,
    rest: tuple[str, ...] = (),
) -> str:
    """README.md of a folder: metadata, what it is, what it came to, how it is used and what it was made of.

    `facts` are what others may know of the run, `figures` those of its result, `data` what it says of its pictures;
    the last two may be empty.
    """
    called = str(figures.get("recipe") or name)
    head = ModelCardData(
        license=license,
        library_name=LIBRARIES.get(to, to),
        pipeline_tag="image-classification",
        tags=["promptzoo", "image-classification", called],
        model_name=name if figures else None,
        eval_results=results(run, figures, data) or None,
    )
    outside = "\n\n".join(f"Not included: {sentence}." for sentence in rest)
    return f"---\n{head.to_yaml()}\n---\n\n" + sections(
        f"# {name}",
        f"The recipe {code(called)} of promptzoo on {code(str(facts.backbone))}, whose weights are "
        f"{code(str(facts.weights))}; it names {len(facts.classes)} classes.  The licence, {code(license)}, is that "
        "of the backbone's weights, as stated by whoever shared the model.",
        outside,
        "## Results" if figures else "",
        table(figures).markdown(),
        told(run, data) if data else "",
        "## Use",
        fence("python", use),
        "## Training data",
        fence("yaml", yaml.write(facts.recipe)),
        "Classes, in order: " + ", ".join(map(code, facts.classes)) + ".",
    )


def splits(figures: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Those of which an accuracy is known, and over how many pictures."""
    return [(split, own) for split in TITLES if {"accuracy", "count"} <= (own := figures.get(split) or {}).keys()]


def results(run: Reopened, figures: Mapping[str, Any], data: Mapping[str, Any]) -> list[EvalResult]:
    """What a hub shows: the accuracy on each split, with its interval, the seed and the fingerprint of the pictures."""
    dataset, called = run.recipe.data.dataset, pictures_of(run)
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type=dataset,
            dataset_name=called,
            dataset_split=TITLES[split],
            dataset_revision=data.get("test_fingerprint" if split == "test" else "fingerprint"),
            metric_type="accuracy",
            metric_name="accuracy",
            metric_value=own["accuracy"],
            metric_args={
                "interval_95": list(wilson(own["accuracy"], own["count"])),
                "pictures": own["count"],
                "seed": run.recipe.train.seed,
            },
        )
        for split, own in splits(figures)
    ]


def pictures_of(run: Reopened) -> str:
    """What a set of pictures is called: by its name or folder, where the recipe's word says but its kind."""
    word, own = run.recipe.data.dataset, run.recipe.node["data"]
    named = own.get("name") or own.get("root")
    return last(named) if word in load_registry().datasets and isinstance(named, str) else word


def table(figures: Mapping[str, Any]) -> Table:
    """The accuracies, with the interval that holds the true one with 95 % confidence."""
    made = Table(("split", "accuracy %", "95 % interval", "pictures"))
    for split, own in splits(figures):
        low, high = wilson(own["accuracy"], own["count"])
        made.add(TITLES[split], percent(own["accuracy"]), f"{percent(low)} to {percent(high)}", f"{own['count']:,}")
    return made


def told(run: Reopened, data: Mapping[str, Any]) -> str:
    """Pictures, their fingerprint, the seed."""
    counts = ", ".join(f"{count:,} {split}" for split, count in data["pictures"].items() if count)
    return bullets(
        [
            f"Pictures of {code(pictures_of(run))}: {counts}; fingerprint {code(data['fingerprint'])}.",
            f"One run, seed {run.recipe.train.seed}; the interval (Wilson) is over test pictures, not over seeds.",
        ]
    )
