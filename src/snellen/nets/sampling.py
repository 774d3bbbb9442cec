"""Images out of a trained generator: latent vectors by a seed, classes by name, fewer extremes if wanted."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import NetworkError, NotApplicable, UsageError, unknown
from snellen._shapes import Labels, Pixels
from snellen.nets.generator import Generator
from snellen.nets.saved import Saved

BATCH = 250


def sample(
    saved: Saved, count: int, *, seed: int = 0, classes: Labels | None = None, truncation: float | None = None
) -> Pixels:
    """So many images of a generator in [0, 1]; the same seed gives the same images.

    Args:
        saved: a generator that ``snellen train gan`` wrote.
        count: images.
        seed: of the latent vectors.
        classes: one an image, if the generator knows classes: :func:`classes_of`.
        truncation: latent numbers further from 0 than this are not drawn (Brock et al. 2019): fewer extremes, and less
            variety.

    Returns:
        (count, c, h, w) float32.

    Raises:
        UsageError: a count below 1, a truncation that is not above 0, not one class an image.
        NetworkError: a file of another kind.

    Reference: Brock, Donahue and Simonyan 2019, Large Scale GAN Training, arXiv 1809.11096, on truncation.
    """
    generator = generator_in(saved)
    if count < 1:
        raise UsageError(f"the number of images must be at least 1, got {count}")
    if classes is not None and len(classes) != count:
        raise UsageError(f"expected one class for each of {count} images, got {len(classes)}")
    latent = latents(count, generator.latent, seed=seed, truncation=truncation)
    with torch.inference_mode():
        parts = [
            generator(part, None if classes is None else classes[i * BATCH : i * BATCH + len(part)])
            for i, part in enumerate(latent.split(BATCH))
        ]
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (saved.mean, saved.std))
    return (torch.cat(parts) * std + mean).clamp(0, 1).contiguous()


def latents(count: int, size: int, *, seed: int, truncation: float | None = None) -> Float[Tensor, "count size"]:
    """Independent normal numbers; with a truncation, normal numbers of which none is further from 0 than that.

    >>> bool((latents(100, 8, seed=0, truncation=0.5).abs() <= 0.5).all())
    True
    """
    generator = torch.Generator().manual_seed(seed)
    if truncation is None:
        return torch.randn(count, size, generator=generator)
    if not truncation > 0:
        raise UsageError(f"the truncation must be above 0, such as 0.7, got {truncation}")
    uniform = torch.rand(count, size, generator=generator, dtype=torch.float64)
    low, high = torch.special.ndtr(torch.tensor([-truncation, truncation], dtype=torch.float64))
    drawn: Tensor = torch.special.ndtri(low + (high - low) * uniform)
    return drawn.clamp(-truncation, truncation).float()


def classes_of(saved: Saved, count: int, *, names: Sequence[str] = (), seed: int = 0) -> Labels | None:
    """The class of each image: those that are named, in turn, or as often as in training; None if it knows none.

    Raises:
        NotApplicable: a class is named, and the generator knows none.
        UsageError: an unknown class.
    """
    known = saved.about.get("class_names")
    if not known:
        if names:
            raise NotApplicable(
                f"this generator was trained without classes and cannot be asked for {names[0]!r}; leave --class out, "
                "or train one with --conditional"
            )
        return None
    if names:
        for name in names:
            if name not in known:
                raise unknown("class", name, known)
        return torch.tensor([known.index(names[i % len(names)]) for i in range(count)])
    shares = torch.tensor(saved.about["class_counts"], dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(shares, count, replacement=True, generator=generator)


def generator_in(saved: Saved) -> Generator:
    """The generator in a file.

    Raises:
        NetworkError: it holds a network of another kind; says of which.
    """
    if not isinstance(saved.module, Generator):
        made = {"discriminate": "the discriminator of a training, which judges images; the generator lies beside it"}
        is_it = made.get(saved.task, f"a network trained to {saved.task} ({saved.kind}), which makes no images")
        raise NetworkError(f"expected a generator that 'snellen train gan' wrote; this is {is_it}")
    return saved.module
