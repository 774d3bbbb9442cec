"""Operations of PyTorch by what they do, as a dispatch mode sees their names."""

RANDOM = frozenset(
    [
        "rand",
        "randn",
        "randint",
        "randperm",
        "normal",
        "bernoulli",
        "rand_like",
        "randn_like",
        "randint_like",
        "uniform",
        "uniform_",
        "normal_",
        "random_",
        "bernoulli_",
        "exponential_",
        "multinomial",
    ]
)
DRAWS = frozenset(["normal", "normal_functional", "binomial", "poisson"])
"""Draws whose parameters get no gradient."""
CHOICES = frozenset(
    ["argmax", "argmin", "max", "min", "topk", "sort", "argsort", "gt", "lt", "ge", "le", "nonzero", "multinomial"]
)
"""Operations of which whole numbers come, or yes and no."""
RELU = frozenset(["relu", "relu_", "relu6", "relu6_"])
FLOORED = frozenset(["threshold", "threshold_", "clamp_min", "clamp_min_", "clamp", "clamp_", "hardtanh", "hardtanh_"])
SQUASH = {name + end: name for name in ("tanh", "sigmoid", "hardsigmoid") for end in ("", "_")}
CLAMPS = frozenset(["clamp", "clamp_", "hardtanh", "hardtanh_"])
APPLIES = frozenset(
    ["addmm", "mm", "bmm", "convolution", "_convolution", "mkldnn_rnn_layer", "linear", "addbmm", "baddbmm"]
)
TWICE = "_log_softmax of _softmax"
"""The origin of what a softmax was applied to twice."""
ROUNDS = {f"{name}{end}": name for name in ("round", "floor", "ceil", "trunc", "sign", "sgn") for end in ("", "_")}
"""Operations whose gradient is 0 everywhere."""
PAIRS = frozenset(["sub", "rsub", "mul", "add", "div"])
"""Operations on two tensors that spread one over the other."""
PASSES_ON = frozenset(
    [
        "view",
        "_unsafe_view",
        "reshape",
        "detach",
        "alias",
        "t",
        "transpose",
        "permute",
        "squeeze",
        "unsqueeze",
        "expand",
        "slice",
        "select",
        "clone",
        "_to_copy",
        "contiguous",
        "lift_fresh",
    ]
)
