"""Whether a query finds its pictures: average precision as in the revisited Oxford and Paris benchmarks."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Lists = Tensor | Sequence[Sequence[int] | Tensor]  # pictures of each query; -1 stands for none


class Retrieval(NamedTuple):
    """`map`, the mean of `ap`, and `precision`, the mean at each of `at`, over the queries that have something to find.

    `ap` (q) is NaN for a query that has nothing to find.
    """

    map: float
    ap: Tensor
    precision: dict[int, float]


def rank(query: Tensor, database: Tensor) -> Tensor:
    """The pictures of the database by their cosine with each query, best first: q d, n d -> q n.

    Equal ones stay in the order of the database.
    """
    cosine = F.normalize(query, dim=-1) @ F.normalize(database, dim=-1).mT
    return cosine.argsort(dim=-1, descending=True, stable=True)


def retrieval_map(
    ranks: Tensor, easy: Lists, hard: Lists, junk: Lists, *, at: Sequence[int] = (1, 5, 10)
) -> dict[str, Retrieval]:
    """Mean average precision with the three questions of revisited Oxford and Paris: 'easy', 'medium' and 'hard'.

    Radenović et al. 2018 (Revisiting Oxford and Paris) arXiv:1803.11285.  Easy looks for the easy pictures and
    passes over hard ones and junk, Hard the other way round, Medium looks for both.  `ranks` (q n) is what `rank`
    gives; the lists hold indices of the database for each query.  Raises `ValueError` as `average_precision` does.
    """
    simple, difficult, passed = (marks(lists, ranks) for lists in (easy, hard, junk))
    return {
        "easy": average_precision(ranks, simple, passed | difficult, at=at),
        "medium": average_precision(ranks, simple | difficult, passed, at=at),
        "hard": average_precision(ranks, difficult, passed | simple, at=at),
    }


def average_precision(
    ranks: Tensor, positives: Lists, junk: Lists | None = None, *, at: Sequence[int] = (1, 5, 10)
) -> Retrieval:
    """Average precision by trapezoids, over each query's ranking after junk is taken out of it.

    Every positive counts the mean of the precision at it and just before it, which is 1 before rank 1; AP is the mean
    over the positives.  Precision at k looks no further than the last positive.  `ranks` (q n) holds a permutation of
    the n pictures for each query, best first; `positives` and `junk` are lists of indices, or marks (q n, bool).
    Raises `ValueError` for an index that is not in the database and for a picture that is both.
    """
    wanted, passed = marks(positives, ranks), marks([()] * len(ranks) if junk is None else junk, ranks)
    if (both := wanted & passed).any():
        query, picture = both.nonzero()[0].tolist()
        raise ValueError(f"picture {picture} is both positive and junk for query {query}")
    hit, counted = wanted.gather(1, ranks), ~passed.gather(1, ranks)
    place = counted.cumsum(1).double()  # 1-based, junk taken out
    hits = hit.cumsum(1).double()
    before = torch.where(place > 1, (hits - 1) / (place - 1).clamp(min=1), 1.0)
    total = hit.sum(1)
    ap = ((before + hits / place.clamp(min=1)) / 2 * hit).sum(1) / total  # 0 / 0 is NaN, which is meant
    some, last = total > 0, (place * hit).amax(1)
    precision = {}
    for k in at:
        reach = last.clamp(max=k).clamp(min=1)
        within = (hit & (place <= reach[:, None])).sum(1) / reach
        precision[k] = float(within[some].mean())
    return Retrieval(float(ap[some].mean()), ap, precision)


def marks(lists: Lists, ranks: Tensor) -> Tensor:
    """Indices of each query as marks q n; marks are handed on.  Indices below 0 stand for none."""
    if isinstance(lists, Tensor) and lists.dtype == torch.bool:
        return lists
    marked = torch.zeros_like(ranks, dtype=torch.bool)
    if len(lists) != len(ranks):
        raise ValueError(f"{len(ranks)} queries, but lists for {len(lists)}")
    for query, indices in enumerate(lists):
        listed = torch.as_tensor(indices, dtype=torch.long, device=ranks.device)
        listed = listed[listed >= 0]
        if len(strange := listed[listed >= ranks.shape[1]]):
            raise ValueError(f"query {query} names picture {strange[0]}, but the database has {ranks.shape[1]}")
        marked[query, listed] = True
    return marked
