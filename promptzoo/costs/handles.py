"""Rules for fvcore: what each operation of a trace costs, and of which kind that cost is.

Products and norms are counted by fvcore's own rules, fused attention (which fvcore drops) and batched sums of products
by ours.  Everything else that touches numbers counts one for each entry; what only moves them is free.
"""

from collections.abc import Callable
from math import prod
from typing import Any

Rule = Callable[[list[Any], list[Any]], float]


def shape(value: Any) -> list[int]:
    """The sizes of a traced tensor; empty for what is not a tensor."""
    kind = value.type()
    return list(kind.sizes() or ()) if kind.isSubtypeOf(tensor_type()) else []


def tensor_type() -> Any:
    import torch

    return torch._C.TensorType.get()


def attention(inputs: list[Any], outputs: list[Any]) -> float:
    """Fused attention: every query meets every key, and every weight every value (rows h n m e, twice)."""
    *rows, queries, width = shape(inputs[0])
    keys, values = shape(inputs[1])[-2], shape(inputs[2])[-1]
    return float(prod(rows) * queries * keys * (width + values))


def entries(inputs: list[Any], outputs: list[Any]) -> float:
    """One for each entry of the largest tensor that enters or leaves."""
    return float(max(prod(shape(value)) if shape(value) else 0 for value in (*inputs, *outputs)))


ELEMENTWISE = """
    add add_ sub sub_ rsub mul mul_ div div_ neg exp log sqrt rsqrt pow square abs sign sum mean var std
    sigmoid tanh gelu relu relu_ silu softmax log_softmax norm linalg_vector_norm cosine_similarity
    amax amin max min argmax argmin topk sort cumsum maximum minimum scatter_ where masked_fill masked_fill_ fill_
    clamp clamp_ clamp_min clamp_max lt le gt ge eq ne logical_and logical_or logical_not bitwise_not
    sin cos adaptive_avg_pool2d avg_pool2d max_pool2d upsample_nearest2d upsample_bilinear2d upsample_bicubic2d
"""
#: Operations that only move numbers, beside those that fvcore itself passes over.
MOVES = """
    expand_as repeat repeat_interleave roll pad index_select diagonal diagonal_copy unbind clone type_as view_as mT
    alias new_ones ones_like zeros zeros_like empty_like movedim swapaxes unflatten flip scalar_tensor lift_fresh
    split_with_sizes numpy_T dropout feature_dropout embedding gather index_copy new_zeros
"""


def kinds() -> dict[str, tuple[str, Rule]]:
    """Every operation that has a rule: its kind (products, norms, elementwise) and the rule."""
    from fvcore.nn import jit_handles as fvcore

    products: dict[str, Rule] = {
        "scaled_dot_product_attention": attention,
        "baddbmm": lambda inputs, outputs: fvcore.bmm_flop_jit(inputs[1:], outputs),
        "addmm": fvcore.addmm_flop_jit,
        "bmm": fvcore.bmm_flop_jit,
        "_convolution": fvcore.conv_flop_jit,
        "_convolution_mode": lambda inputs, outputs: fvcore.conv_flop_count(*map(shape, (*inputs[:2], outputs[0]))),
        "einsum": fvcore.einsum_flop_jit,
        "matmul": fvcore.matmul_flop_jit,
        "mm": fvcore.matmul_flop_jit,
        "linear": fvcore.linear_flop_jit,
    }
    norms: dict[str, Rule] = {
        "batch_norm": fvcore.batchnorm_flop_jit,
        "rms_norm": fvcore.norm_flop_counter(1),
        "group_norm": fvcore.norm_flop_counter(2),
        "layer_norm": fvcore.norm_flop_counter(2),
        "instance_norm": fvcore.norm_flop_counter(1),
    }
    elementwise = dict.fromkeys(ELEMENTWISE.split(), entries)
    kinds = (("products", products), ("norms", norms), ("elementwise", elementwise))
    return {name: (kind, rule) for kind, rules in kinds for name, rule in rules.items()}
