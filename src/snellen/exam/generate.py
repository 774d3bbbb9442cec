"""Is a generator sound? Pictures that it made are held against real ones; nothing is retrained and nothing fetched."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen._errors import ImagesError, SnellenError, UsageError, unknown
from snellen.checks.generation import CHECKS
from snellen.checks.generation._base import Generated, GenerationCheck, Judged, Scored, Space, small
from snellen.exam import gan_subject as gan
from snellen.exam.how import how
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.instruments.losses.adversarial import LOSSES
from snellen.instruments.losses.gradient_penalty import gradient_norms
from snellen.instruments.probes.default_taps import default_taps
from snellen.instruments.probes.taps import features
from snellen.nets.saved import Saved
from snellen.subject.fitting import GREY
from snellen.subject.images import Images
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.quiet import quiet
from snellen.training.gan_data import GanData

FIRST = ("drawn_samples", "variety", "birthday", "classes_made", "manifolds", "frechet", "memorised", "fine_structure")
FEWEST = 20
MOST = 1000
BATCH = 250
Progress = Callable[[str, int, int], None]


def examine_generator(
    samples: Tensor | Images | Saved,
    real: Tensor | Images | GanData,
    *,
    held_out: Tensor | Images | None = None,
    classifier: Network | None = None,
    generator: nn.Module | None = None,
    discriminator: Network | Saved | None = None,
    loss: str = "nonsaturating",
    seed: int = 0,
    progress: Progress | None = None,
) -> Findings:
    """Examine a generator by its samples: collapse, dropped classes, copies, likeness, blur, noise and checkerboards.

    Every number is held against what real images give in the samples' place: the real images are halved by the seed
    (or the held-out ones taken), so that a perfect generator is one that does as well. At most 1,000 of each are
    compared; classes, copies and the pictures shown are those of all samples.

    Args:
        samples: (n, c, h, w) in [0, 1], at least 20, or a generator that was trained here, which is asked for 1,000.
            Grey and coloured images are made alike; Images take this size.
        real: (m, c, h, w) images that the generator was trained on, at least 40.
        held_out: real images that it was not trained on.
        classifier: one that knows the data. It counts the classes, and its features are where likeness is measured;
            in pixels if not given, unless the data are the digits, which come with one.
        generator: the network itself, for its layers.
        discriminator: one score an image without being told a class; its normalisation from [0, 1] is the Network's.
        loss: that it was trained with, such as ``hinge``; one that was trained here says so itself.
        seed: of what is drawn.
        progress: called with (stage, done, total).

    Raises:
        UsageError: an unknown loss.
        ImagesError: too few images, other sizes, values outside [0, 1] or no numbers.
        NetworkError: the classifier or the discriminator cannot take such images.

    >>> from snellen import load_images
    >>> digits = load_images("digits").pixels()
    >>> found = examine_generator(digits[:1].expand(50, -1, -1, -1), digits)
    >>> [finding.title for finding in found.errors]
    ['Collapsed', 'The same pictures again and again', 'Training images learned by heart']
    """
    if loss not in LOSSES:
        raise unknown("loss", loss, LOSSES)
    began, report = time.perf_counter(), progress or (lambda _stage, _done, _total: None)
    maker = samples.name if isinstance(samples, Images) else "a generator"
    source = f" of {real.name}" if isinstance(real, Images | GanData) else ""
    if isinstance(samples, Saved):
        generator, loss = samples.module, str(samples.about.get("loss", loss))
        samples = gan.drawn(samples, seed)
    if isinstance(real, GanData):
        known, others = gan.known_to(real)
        classifier, held_out = classifier or known, others if held_out is None else held_out
        real = gan.learned_from(real)
    if isinstance(discriminator, Saved):
        discriminator = gan.judge(discriminator)
    made = _pixels(samples, "samples", None)
    trained = _pixels(real, "real images", made)
    unseen = None if held_out is None else _pixels(held_out, "held-out images", made)
    seen = _seen(made, trained, unseen, seed)
    if classifier is not None:
        report("classifying", 0, 1)
        seen = _classified(seen, classifier)
    if discriminator is not None:
        report("scoring", 0, 1)
        seen = replace(seen, scored=_scored(seen, discriminator, loss))
    seen = replace(seen, generator=generator)
    found: list[Finding] = []
    order = [*FIRST, *(name for name in CHECKS if name not in FIRST)]
    for i, name in enumerate(order):
        found += _ask(name, CHECKS[name](), seen)
        report("examining", i + 1, len(order))
    shown = classifier or Network(nn.Identity())
    return Findings(
        tuple(found),
        subject={
            "network": f"{len(made):,} samples of {maker}",
            "against": f"{len(trained):,} real images{source}",
            "held out": None if unseen is None else f"{len(unseen):,} real images",
            "compared": f"{seen.count:,} samples, {seen.count:,} real images, {seen.count:,} other real images",
            "classifier": None if classifier is None else classifier.name,
        },
        run=how("generation", seed, time.perf_counter() - began, shown),
    )


def _pixels(given: Tensor | Images, what: str, like: Tensor | None) -> Tensor:
    """(n, c, h, w) float32 in [0, 1]; of the size and the channels of ``like``."""
    if isinstance(given, Images):
        fit = Preprocessing(size=None if like is None else (int(like.shape[2]), int(like.shape[3])))
        pixels = given.pixels(fit)
        grey = bool((pixels[:, :1] == pixels).all()) if like is None else like.shape[1] == 1
        given = _in_channels(pixels, 1) if grey else pixels
    if given.ndim != 4 or given.shape[1] not in (1, 3) or not given.is_floating_point():
        raise ImagesError(
            f"{what} must be floats (n, 1 or 3 channels, h, w) in [0, 1], got {given.dtype} {tuple(given.shape)}"
        )
    pixels = given.detach().cpu().float()
    wanted = FEWEST if like is None else 2 * FEWEST if what == "real images" else FEWEST
    if len(pixels) < wanted:
        raise ImagesError(f"at least {wanted} {what} are needed to say anything, got {len(pixels)}; give more")
    if not pixels.isfinite().all():
        bad = int((~pixels.isfinite()).flatten(1).any(dim=1).sum())
        raise ImagesError(f"{bad} of {len(pixels)} {what} hold NaN or infinity; the generator may have diverged")
    low, high = float(pixels.min()), float(pixels.max())
    if low < -1e-3 or high > 1 + 1e-3:
        hint = "; of values in [-1, 1] take (x + 1) / 2" if -1.001 <= low < 0 and high <= 1.001 else "; scale them"
        raise ImagesError(f"{what} must lie in [0, 1], got {low:.3g} to {high:.3g}{hint}")
    if like is not None and pixels.shape[2:] != like.shape[2:]:
        height, width = like.shape[2:]
        raise ImagesError(
            f"{what} must have the size of the samples, {height} x {width}, got {pixels.shape[2]} x "
            f"{pixels.shape[3]}; resize them, as for the training"
        )
    return _in_channels(pixels, pixels.shape[1] if like is None else like.shape[1]).clamp(0, 1)


def _in_channels(pixels: Tensor, channels: int) -> Tensor:
    if pixels.shape[1] == channels:
        return pixels
    if channels == 3:
        return pixels.expand(-1, 3, -1, -1)
    return (pixels * torch.from_numpy(GREY).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)


def _seen(samples: Tensor, real: Tensor, held: Tensor | None, seed: int) -> Generated:
    """What is compared with what: as many samples, real images and other real images."""
    random = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(real), generator=random)
    enough = held is not None and 2 * len(held) >= min(len(real), 2 * MOST)
    others = held if enough and held is not None else real
    room = min(len(real), len(others)) if enough else len(real) // 2
    count = min(len(samples), room, MOST)
    fake = torch.randperm(len(samples), generator=random)[:count]
    null = torch.randperm(len(others), generator=random)[:count] if enough else order[count : 2 * count]
    reference = order[:count]
    pixels = Space("pixels", small(samples[fake]), small(real[reference]), small(others[null]))
    return Generated(samples, real, held, fake, reference, null, others, (pixels,), None, None, None, seed)


def _classified(seen: Generated, network: Network) -> Generated:
    """With the answers and the features of a classifier."""
    sets = (seen.samples, seen.real[seen.reference], seen.others[seen.null])
    fitted = [_as_taken(network, pixels) for pixels in sets]
    tap = default_taps(network, fitted[0][:2])[-1]
    rows = [fitted[0][seen.fake], fitted[1], fitted[2]]
    taken = [features(network, some.split(BATCH), [tap])[tap] for some in rows]
    with torch.inference_mode(), quiet(network.module):
        answers = [_probabilities(network, some) for some in fitted]
    names = tuple(network.class_name(i) for i in range(answers[0].shape[1]))
    space = Space(f"features of {network.name}", taken[0], taken[1], taken[2])
    judged = Judged(network.name, names, answers[0].clone(), torch.cat(answers[1:]).clone())
    return replace(seen, spaces=(*seen.spaces, space), judged=judged)


def _as_taken(network: Network, pixels: Tensor) -> Tensor:
    """In the channels and of the size that the network takes."""
    fit = network.preprocessing
    pixels = _in_channels(pixels, fit.count)
    if fit.size is None or tuple(pixels.shape[2:]) == fit.size:
        return pixels
    return F.interpolate(pixels, fit.size, mode="bilinear", antialias=True)


def _probabilities(network: Network, pixels: Tensor) -> Tensor:
    scores = [network.logits(part.to(network.device)).float().cpu() for part in pixels.split(BATCH)]
    return torch.cat(scores).softmax(dim=1)


def _scored(seen: Generated, network: Network, loss: str) -> Scored:
    def score(pixels: Tensor) -> Tensor:
        return network.outputs(pixels)[:, 0].float()

    def scores(pixels: Tensor) -> Tensor:
        return torch.cat([score(part.to(network.device)).cpu() for part in pixels.split(BATCH)]).clone()

    with quiet(network.module):
        with torch.no_grad():
            sets = [seen.real[seen.reference], seen.samples[seen.fake]]
            real, fake = (scores(pixels) for pixels in sets)
            held = None if seen.held_out is None else scores(seen.held_out[:MOST])
        parts = sets[1].split(BATCH)
        slopes = torch.cat([gradient_norms(score, part.to(network.device)).cpu() for part in parts])
    if not (real.isfinite().all() and fake.isfinite().all()):
        raise UsageError(f"{network.name} gives scores that are not finite; the discriminator has diverged")
    return Scored(network.name, loss, real, fake, held, slopes)


def _ask(name: str, check: GenerationCheck, seen: Generated) -> Sequence[Finding]:
    try:
        return tuple(check(seen))
    except SnellenError as reason:
        return (Finding(f"generation/{name}", "info", "Could not be answered", f"{reason}"),)
    except Exception as error:
        lines = tuple((line.rstrip(),) for line in traceback.format_exc().splitlines())
        return (
            Finding(
                f"generation/{name}",
                "warning",
                "The check crashed",
                f"{type(error).__name__}: {error}. The other findings are not affected.",
                remedy="This is a defect of the check or unusual pictures: please report it with the lines below.",
                evidence=(Table("Traceback", ("line",), lines, shown=40),),
            ),
        )
