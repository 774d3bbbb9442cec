"""Is a generator sound? Pictures that it made are held against real ones; nothing is retrained and nothing fetched."""

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from snellen._errors import ImagesError, SnellenError, unknown
from snellen.checks.generation import CHECKS
from snellen.checks.generation._base import Generated, GenerationCheck, Space, small
from snellen.exam import gan_subject as gan
from snellen.exam.gan_judges import MOST, classified, scored
from snellen.exam.gan_pictures import pictures
from snellen.exam.how import how
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.instruments.losses.adversarial import LOSSES
from snellen.nets.saved import Saved
from snellen.subject.images import Images
from snellen.subject.network import Network
from snellen.training.gan_data import GanData

FIRST = (
    "drawn_samples",
    "variety",
    "birthday",
    "classes_made",
    "class_asked",
    "manifolds",
    "frechet",
    "memorised",
    "fine_structure",
)
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
            Grey and coloured images are made alike; Images take this size. Labels of Images are the classes that a
            conditional generator was asked for.
        real: (m, c, h, w) images that the generator was trained on, at least 40.
        held_out: real images that it was not trained on.
        classifier: one that knows the data. It counts the classes, and its features are where likeness is measured;
            in pixels if not given, unless the data are the digits, which come with one.
        generator: the network itself, for its layers.
        discriminator: one score an image; its normalisation from [0, 1] is the Network's. One with class names is told
            the class, as ``module(images, labels)``: samples and real images then are Images with labels.
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
    known, others = gan.known_to(real) if isinstance(real, GanData) else (None, None)
    classifier, unused = classifier or known, others if held_out is None else held_out
    made = pictures(gan.drawn(samples, seed) if isinstance(samples, Saved) else samples, "samples", None)
    trained = pictures(gan.learned_from(real) if isinstance(real, GanData) else real, "real images", made)
    unseen = None if unused is None else pictures(unused, "held-out images", made)
    seen = _seen(made.pixels, trained.pixels, None if unseen is None else unseen.pixels, seed)
    found: list[Finding] = []
    if classifier is not None:
        report("classifying", 0, 1)
        rest = unseen if unseen is not None and seen.others is unseen.pixels else trained
        seen = classified(seen, classifier, made, trained, rest)
    if discriminator is not None:
        report("scoring", 0, 1)
        judge = gan.judge(discriminator) if isinstance(discriminator, Saved) else discriminator
        try:
            said = scored(judge, loss, made.at(seen.fake), trained.at(seen.reference), unseen)
            seen = replace(seen, scored=said)
        except ImagesError as reason:
            found.append(Finding("generation/saturated", "info", "Could not be answered", f"{reason}"))
    seen = replace(seen, generator=generator)
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
