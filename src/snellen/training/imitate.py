"""Train a surrogate for a victim that is known only by its answers."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._goal import Untargeted
from snellen.instruments.attacks._victim import Blackbox, Victim
from snellen.subject.network import Network
from snellen.subject.quiet import quiet

HELD_OUT = 0.1
FEWEST = 20


@dataclass(frozen=True, eq=False)
class Imitation:
    """A surrogate and how well it imitates.

    Attributes:
        network: the student with its normalisation, ready to be attacked in the victim's place.
        agreement: share of the images that it was not trained on to which it gives the victim's class.
        judged: how many these are.
        queries: images shown to the victim.
    """

    network: Network
    agreement: float
    judged: int
    queries: int


def imitate(
    victim: Network | Blackbox,
    pixels: Pixels,
    student: nn.Module,
    *,
    epochs: int = 20,
    rate: float = 3e-3,
    batch_size: int = 64,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Imitation:
    """Teach a network to answer as the victim does. Labels are not needed, and every image is asked about once.

    The loss is the cross-entropy between the student's probabilities and the victim's answers, which may be scores,
    probabilities or one-hot decisions: rows that are not negative and sum to 1 are taken as they are, others through
    a softmax. Images are shifted by up to an eighth of their side, under the same answer. AdamW, one cycle.

    Args:
        victim: a network, left as it was, or any function from pixels to outputs (n, k).
        pixels: (n, c, h, w) float in [0, 1], at least 20 images; a tenth is held out to measure the agreement.
        student: a fresh network of :mod:`snellen.nets` or any other with k outputs; trained in place.
        epochs: times that every image is seen.
        rate: the highest learning rate.
        batch_size: images a step.
        seed: of the order, the shifts and the student's dropout; the global generators are not touched.
        progress: called with (epochs done, in all).

    Raises:
        UsageError: fewer than 20 images; a student with another number of outputs.
        NetworkError: a victim or a student that raises or answers what is no row of finite numbers.

    Reference: Papernot et al. 2017, Practical Black-Box Attacks against Machine Learning, arXiv 1602.02697; without
    its synthetic images, and with whole answers where they are given (Hinton et al. 2015, arXiv 1503.02531).

    >>> from snellen.nets.small_vgg import SmallVGG
    >>> student = SmallVGG(channels=3, classes=2, side=8, widths=(4,), hidden=8)
    >>> found = imitate(lambda x: x.mean(dim=(2, 3))[:, :2], torch.rand(40, 3, 8, 8), student, epochs=1)
    >>> found.queries, found.judged
    (40, 4)
    """
    if len(pixels) < FEWEST:
        raise UsageError(f"give at least {FEWEST} images to imitate on, got {len(pixels)}")
    answers = _answers(victim, pixels, batch_size)
    mean, std = pixels.mean(dim=(0, 2, 3)), pixels.std(dim=(0, 2, 3)).clamp_min(1 / 255)
    network = Network(student, mean=mean.tolist(), std=std.tolist(), name=f"imitation by {type(student).__name__}")
    cuda = [network.device.index or 0] if network.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda), torch.enable_grad():
        for generator in (torch.default_generator, *(torch.cuda.default_generators[index] for index in cuda)):
            generator.manual_seed(seed)
        held, learnt = torch.randperm(len(pixels)).tensor_split([round(HELD_OUT * len(pixels))])
        optimizer = torch.optim.AdamW(student.parameters(), lr=rate)
        batches = len(learnt.split(batch_size))
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * batches)
        student.train()
        for epoch in range(epochs):
            for rows in learnt[torch.randperm(len(learnt))].tensor_split(batches):
                scores = network.logits(_shifted(pixels[rows]).to(network.device))
                if scores.shape[1] != answers.shape[1]:
                    raise UsageError(f"the student must have {answers.shape[1]} outputs, it has {scores.shape[1]}")
                optimizer.zero_grad()
                F.cross_entropy(scores, answers[rows].to(scores.device)).backward()
                optimizer.step()
                schedule.step()
            progress(epoch + 1, epochs)
        optimizer.zero_grad()
    student.eval()
    agreement = _answers(network, pixels[held], batch_size).argmax(dim=1) == answers[held].argmax(dim=1)
    return Imitation(network, float(agreement.float().mean()), len(held), len(pixels))


def _answers(victim: Network | Blackbox, pixels: Pixels, batch_size: int) -> Float[Tensor, "n k"]:
    """As probabilities, on the device of the pixels."""
    eye = Victim(victim, Untargeted(torch.zeros(len(pixels), dtype=torch.long)), batch_size=batch_size)
    module, device = (victim.module, victim.device) if isinstance(victim, Network) else (nn.Identity(), pixels.device)
    with torch.no_grad(), quiet(module):
        outputs = eye.look(pixels.to(device)).outputs.to(pixels.device)
    sums = outputs.sum(dim=1)
    given = bool((outputs >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-3)
    return outputs if given else outputs.softmax(dim=1)


def _shifted(pixels: Pixels) -> Pixels:
    """All by the same few pixels; what comes in at the edge is mirrored."""
    most = min(pixels.shape[2:]) // 8
    down, right = torch.randint(2 * most + 1, (2,)).tolist()
    wide = F.pad(pixels, (most, most, most, most), mode="reflect")
    return wide[:, :, down : down + pixels.shape[2], right : right + pixels.shape[3]]
