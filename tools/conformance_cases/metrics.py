"""The papers' ways to score: retrieval, masks, key points, labels handed on; and easy and hard samples."""

import torch
from torch import Tensor

from conformance_cases.golden import Case, Tensors
from promptzoo.data.difficulty import centroid_distance, easiest, hardest, herding
from promptzoo.metrics import (
    boundary,
    boundary_f,
    j_and_f,
    pck,
    propagate_labels,
    rank,
    region_similarity,
    transfer_keypoints,
)
from promptzoo.metrics import retrieval_map as three_questions


def number(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def retrieval_map(case: Case) -> Tensors:
    ranks = rank(case.x("query"), case.x("database"))
    lists = (case.x(name) for name in ("easy", "hard", "junk"))
    found = {"ranks": ranks.T}
    for name, one in three_questions(ranks, *lists, at=case.hyper["kappas"]).items():
        found |= {
            f"ap_{name}": one.ap.nan_to_num(-1.0),  # how the case writes a query that is passed over
            f"map_{name}": number(one.map),
            f"mp_at_k_{name}": torch.tensor(list(one.precision.values()), dtype=torch.float64),
        }
    return found


def davis_j_f(case: Case) -> Tensors:
    found, truth = case.x("prediction"), case.x("ground_truth")
    bound = case.hyper["bound_th"]
    return {
        "j": region_similarity(found, truth),
        "f": boundary_f(found, truth, bound=bound),
        "j_and_f": number(j_and_f(found, truth, bound=bound).mean),
        "boundary": boundary(truth).long(),
    }


def key_points(case: Case) -> Tensors:
    found: Tensors = {}
    given = [case.x(name) for name in ("predicted_keypoints", "target_keypoints", "target_bbox", "visible")]
    for alpha in case.hyper["alphas"]:
        one = pck(*given, alpha=alpha)
        found |= {
            f"per_pair_{alpha}": one.pairs, f"mean_pairs_{alpha}": number(one.mean),
            f"per_point_{alpha}": number(one.points),
        }  # fmt: skip
    return found


def correspondence_transfer(case: Case) -> Tensors:
    given = [case.x(name) for name in ("source_features", "target_features", "source_keypoints")]
    points, score = transfer_keypoints(*given, grid=case.hyper["grid"], size=case.hyper["image_size"])
    return {"target_keypoints": points, "best_score": score}


def label_propagation(case: Case) -> Tensors:
    hyper, given = case.hyper, [case.x(name) for name in ("target_features", "context_features", "context_labels")]
    options = {"radius": hyper["radius"], "keep": hyper["top_k"], "temperature": hyper["temperature"]}
    return {"target_labels": propagate_labels(*given, grid=(hyper["h"], hyper["w"]), **options)}


def easy_to_hard_selection(case: Case) -> Tensors:
    classes, count = case.x("features"), case.hyper["n_select"]
    ranks = torch.stack([herding(one) for one in classes])
    return {
        "distance": torch.stack([centroid_distance(one) for one in classes]),
        "easy": torch.stack([easiest(one, count) for one in classes]),
        "hard": torch.stack([hardest(one, count) for one in classes]),
        "herding_rank": ranks,
        "herding_easy": torch.where(ranks > 0, ranks, ranks.shape[1] + 1).argsort(dim=1)[:, :count],
    }


CASES = {
    "retrieval_map": retrieval_map, "davis_j_f": davis_j_f, "pck": key_points,
    "correspondence_transfer": correspondence_transfer, "label_propagation": label_propagation,
    "easy_to_hard_selection": easy_to_hard_selection,
}  # fmt: skip
