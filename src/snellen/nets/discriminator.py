"""A discriminator: an image becomes one score, its maps halved stage by stage down to 4 x 4 pixels."""

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from snellen._errors import UsageError
from snellen.nets.generator import START, check_side, widths_of
from snellen.nets.style import SLOPE


class Discriminator(nn.Module):
    """Images in [-1, 1] to one number each; the loss says what it means: a logit, a probability, or a critic's score.

    Each stage is a convolution of kernel 4 and stride 2 and a leaky ReLU. Nothing normalises over a batch: the score
    of an image is about this image alone, which a gradient penalty takes for granted. With ``classes`` the score has a
    second term, the product of the mean features with a vector of the class (projection), so that an image is judged
    as one of its class.

    Args:
        side: height and width of the images, one of :data:`~snellen.nets.generator.SIDES`.
        channels: of the images, 1 or 3.
        width: channels of the first maps; smaller maps have more.
        classes: that images are judged as; 0 judges without.
        spectral: divide every weight, flattened to a matrix, by its largest singular value. For a convolution that is
            not the norm of the operator, and the score may be steeper than 1.

    Raises:
        UsageError: a size that is not halved to 4 x 4, a number out of range.

    Reference: Radford, Metz and Chintala 2016, arXiv 1511.06434; Miyato and Koyama 2018, cGANs with Projection
    Discriminator, arXiv 1802.05637; Miyato et al. 2018, arXiv 1802.05957 (spectral normalisation).

    >>> import torch
    >>> Discriminator(side=16, width=4)(torch.rand(2, 1, 16, 16)).shape
    torch.Size([2])
    """

    def __init__(
        self, *, side: int = 32, channels: int = 1, width: int = 32, classes: int = 0, spectral: bool = False
    ) -> None:
        super().__init__()
        check_side(side)
        if channels not in (1, 3) or width < 1 or classes < 0 or classes == 1:
            raise UsageError(
                "a discriminator needs 1 or 3 channels, a width of at least 1 and no classes or at least 2, got "
                f"channels={channels}, width={width}, classes={classes}"
            )
        self.classes = classes
        layers: list[nn.Module] = []
        inside = channels
        for outside in widths_of(side, width)[:0:-1]:
            layers += [nn.Conv2d(inside, outside, 4, stride=2, padding=1), nn.LeakyReLU(SLOPE)]
            inside = outside
        self.features = nn.Sequential(*layers)
        self.score = nn.Linear(inside * START**2, 1)
        self.embedding = nn.Embedding(classes, inside) if classes else None
        if spectral:
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d | nn.Linear | nn.Embedding):
                    spectral_norm(layer)

    def forward(
        self, images: Float[Tensor, "n c side side"], classes: Int[Tensor, "n"] | None = None
    ) -> Float[Tensor, "n"]:
        """One number an image."""
        if (classes is None) != (self.embedding is None):
            knows = f"{self.classes} classes" if self.classes else "no classes"
            raise UsageError(f"this discriminator knows {knows}, and classes were {'not ' * (classes is None)}given")
        maps = self.features(images)
        score: Tensor = self.score(maps.flatten(1)).squeeze(1).float()
        if self.embedding is not None:
            score = score + (self.embedding(classes) * maps.float().mean(dim=(2, 3))).sum(dim=1)
        return score
