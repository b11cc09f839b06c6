"""Which of the classes: accuracy."""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, distributed

from promptzoo.data.loader import Batch
from promptzoo.metrics.answers import classes_before, mean_over_classes, negative_log_likelihood
from promptzoo.model.contract import Task
from promptzoo.model.heads import probabilities
from promptzoo.model.model import Model


def summed(table: Tensor) -> Tensor:
    """The sum over all processes of a training; in a single one the table itself."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(table)
    return table


class Classify(Task):
    """Accuracy: the share of pictures whose highest logit is that of their class.

    Returns `accuracy` (0..1), `loss` (mean cross-entropy of the logits), `count`, and `per_class`: how many pictures of
    each class there are and how many were right.  Processes that share the batches get the figures of all of them;
    `predicted`, the place and the named class of each picture (n 2), is of their own pictures alone, and so is
    `certainty`, the probability of that class and how many classes stand before the picture's own (n 2).
    With `mean` classes there is `mean_per_class` beside them, the mean over classes of the share that was right, and
    it selects the epoch, as benchmarks of uneven classes have it.
    """

    def __init__(self, mean: Literal["pictures", "classes"] = "pictures"):
        self.mean = mean
        self.score = "accuracy" if mean == "pictures" else "mean_per_class"

    def evaluate(self, model: Model, batches: Iterable[Batch]) -> dict[str, Any]:
        """Looks at each batch once."""
        device, classes = next(model.parameters()).device, len(model.classes)
        each = torch.zeros(classes, 2, dtype=torch.long, device=device)  # how many of a class, right and in all
        loss = torch.zeros((), device=device)
        named = [torch.empty(0, 2, dtype=torch.long, device=device)]
        sure = [torch.empty(0, 2, dtype=torch.double, device=device)]
        for batch in batches:
            logits = model(batch.image, batch.frozen).logits.float()
            likeliest, before = logits.argmax(1), classes_before(logits, batch.label)
            right = batch.label[likeliest == batch.label]
            each += torch.stack([torch.bincount(part, minlength=classes) for part in (right, batch.label)], 1)
            loss += negative_log_likelihood(logits, batch.label).sum()
            named.append(torch.stack([batch.index.to(device), likeliest], 1))
            likely = probabilities(model, logits).gather(1, likeliest[:, None])[:, 0]
            sure.append(torch.stack([likely, before], 1).double())
        right, count = summed(each).T.tolist()
        by_class = {"mean_per_class": mean_over_classes(right, count)} if self.mean == "classes" else {}
        return {
            "accuracy": sum(right) / max(1, sum(count)),
            **by_class,
            "loss": float(summed(loss) / max(1, sum(count))),
            "count": sum(count),
            "predicted": torch.cat(named),
            "certainty": torch.cat(sure),
            "per_class": {
                name: {"right": r, "count": n} for name, r, n in zip(model.classes, right, count, strict=True)
            },
        }
