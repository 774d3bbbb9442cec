"""The shapes of tensors, with the same axis letters everywhere: n images, c channels, h height, w width, k classes."""

from jaxtyping import Float, Int
from torch import Tensor

Pixels = Float[Tensor, "n c h w"]
"""Images as the methods take them: values in [0, 1], RGB (or one channel of grey), before any normalisation."""

Maps = Float[Tensor, "n c h w"]
"""One number per pixel and channel of every image."""

Logits = Float[Tensor, "n k"]
"""The network's scores, one row an image."""

Labels = Int[Tensor, "n"]
"""One class index an image."""
