"""The arguments of a network's constructor that a recipe may give: `allowed`."""

from collections.abc import Mapping
from typing import Any

from promptzoo.errors import ZooError, shown

LAYERS, SIZE = (1, 200), (1, 65_536)  # the fewest and the most
SHAPE = None  # anything that is neither a path nor code: a number, a word, a truth, a list of them

TIMM: Mapping[str, Any] = {
    **dict.fromkeys(("depth", "depths", "layers"), LAYERS),
    **dict.fromkeys(("embed_dim", "num_heads", "patch_size", "img_size", "window_size"), SIZE),
    **dict.fromkeys(("channels", "stem_width"), SIZE),
    **dict.fromkeys(
        (
            "mlp_ratio", "qkv_bias", "qk_norm", "proj_bias", "init_values", "global_pool", "class_token", "pos_embed",
            "no_embed_class", "reg_tokens", "pre_norm", "final_norm", "fc_norm", "drop_rate", "pos_drop_rate",
            "patch_drop_rate", "proj_drop_rate", "attn_drop_rate", "drop_path_rate", "act_layer", "norm_layer",
            "ape", "patch_norm", "scale_attn_norm", "dynamic_img_size", "strict_img_size",
        ),
        SHAPE,
    ),
}  # fmt: skip
TOWER: Mapping[str, Any] = {
    "layers": LAYERS,
    **dict.fromkeys(
        ("width", "head_width", "heads", "patch_size", "image_size", "context_length", "vocab_size"), SIZE
    ),
    **dict.fromkeys(
        (
            "mlp_ratio", "ls_init_value", "patch_dropout", "no_ln_pre", "pos_embed_type", "final_ln_after_pool",
            "pool_type", "attentional_pool", "attn_pooler_queries", "attn_pooler_heads", "output_tokens", "act_kwargs",
            "norm_kwargs", "no_causal_mask", "pad_id", "eos_id", "embed_cls", "proj_bias", "proj_type",
        ),
        SHAPE,
    ),
}  # fmt: skip
OPEN_CLIP: Mapping[str, Any] = {
    "embed_dim": SIZE,
    "vision_cfg": TOWER,
    "text_cfg": TOWER,
    **dict.fromkeys(("quick_gelu", "init_logit_scale", "init_logit_bias"), SHAPE),
}


def allowed(options: Mapping[str, Any], known: Mapping[str, Any], way: str = "backbone.options") -> dict[str, Any]:
    """The options themselves.

    Raises `ZooError` for one that is none of the `known`, like a path or another number of colours, and for a count of
    layers, heads or pixels that no network has.
    """
    for word, value in options.items():
        key = f"{way}.{word}"
        if word not in known:
            raise ZooError(f"{way} takes no '{word}'", key=key, given=word, possible=known)
        bound = known[word]
        if isinstance(bound, Mapping):
            if not isinstance(value, Mapping):
                raise ZooError(f"{key} should be a mapping, got {shown(value)}", key=key, given=value, possible=bound)
            allowed(value, bound, key)
        elif bound is not SHAPE:
            counts = value if isinstance(value, list | tuple) else [value]
            if any(isinstance(one, bool) or not isinstance(one, int) for one in counts) or not counts:
                raise ZooError(f"{key} should be a whole number, got {shown(value)}", key=key, given=value)
            if not all(bound[0] <= one <= bound[1] for one in counts):
                raise ZooError(f"{key} should be {bound[0]} to {bound[1]}, got {shown(value)}", key=key, given=value)
    return dict(options)
