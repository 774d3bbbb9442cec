"""What every uncertainty method shares: the batches, the quiet network, the statistics of its samples."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Labels, Pixels
from snellen.subject.network import Network, check_network
from snellen.subject.quiet import quiet

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """The predictive distribution of every image, from T samples of the network. Entropies are in nats.

    Attributes:
        probabilities: (n, k) predictive mean, p = mean over t of softmax(logits_t).
        entropy: (n,) predictive entropy H(p); all the uncertainty there is.
        expected_entropy: (n,) mean over t of H(p_t); what the image itself leaves open (aleatoric).
        mutual_information: (n,) H(p) - mean H(p_t); what the network does not know (epistemic; BALD).
        variation_ratio: (n,) share of samples that vote against the most frequent class.
        probabilities_error, entropy_error, mutual_information_error, variation_ratio_error: Monte Carlo standard
            errors of the four, from the spread over the samples (delta method for the entropies).
        samples: (T, n, k) the logits themselves, when kept.
        details: what the method has to say of itself.
    """

    probabilities: Float[Tensor, "n k"]
    entropy: Float[Tensor, "n"]
    expected_entropy: Float[Tensor, "n"]
    mutual_information: Float[Tensor, "n"]
    variation_ratio: Float[Tensor, "n"]
    probabilities_error: Float[Tensor, "n k"]
    entropy_error: Float[Tensor, "n"]
    mutual_information_error: Float[Tensor, "n"]
    variation_ratio_error: Float[Tensor, "n"]
    samples: Float[Tensor, "t n k"] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def predicted(self) -> Labels:
        """The class of the largest mean probability."""
        return self.probabilities.argmax(dim=1)


@dataclass(frozen=True)
class UncertaintyMethod(ABC):
    """Samples a quiet network batch by batch and sums the samples up. A method writes :meth:`sample`."""

    @final
    def __call__(
        self,
        network: Network,
        pixels: Pixels,
        *,
        seed: int = 0,
        batch_size: int = 32,
        keep_samples: bool = False,
        progress: Progress | None = None,
    ) -> Uncertainty:
        """The predictive distribution of every image.

        Args:
            network: left exactly as it was.
            pixels: (n, c, h, w) float in [0, 1].
            seed: the same seed gives the same samples; an image's result does not depend on its batch mates.
            batch_size: images per pass; bounds the memory, does not change the result.
            keep_samples: keep the (T, n, k) logits in the result.
            progress: called with (images done, images in all).

        Raises:
            UsageError: pixels of the wrong shape.
            NotApplicable: the method cannot do its job on this network.
            NetworkError: the network raised or returned what is no row of scores.
        """
        check_network(network)
        network.check_pixels(pixels)
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, got {batch_size}")
        parts = []
        with torch.inference_mode(False), torch.no_grad():
            for start in range(0, len(pixels), batch_size):
                batch = pixels[start : start + batch_size].to(network.device)
                with quiet(network.module, seed=seed):
                    samples, details = self.sample(network, batch)
                for logits in samples:
                    network.check_output(logits, len(batch))
                parts.append(summarise(samples.to(pixels.device), details, keep_samples))
                if progress is not None:
                    progress(start + len(batch), len(pixels))
            return join(parts)

    @abstractmethod
    def sample(self, network: Network, pixels: Tensor) -> tuple[Float[Tensor, "t n k"], Mapping[str, Any]]:
        """(T, n, k) logits of one batch, drawn from the generator as it stands, and details."""


def summarise(samples: Float[Tensor, "t n k"], details: Mapping[str, Any], keep: bool) -> Uncertainty:
    """Mean, entropies and votes of samples, each with its Monte Carlo standard error, computed in float64.

    The error of H(p) follows from the delta method, dH = -sum_k log p_k dp_k, and that of the mutual information
    from the spread of -sum_k log p_k p_tk - H(p_t) over the samples t.
    """
    count = samples.shape[0]
    log_p = samples.double().log_softmax(dim=2)
    p = log_p.exp()
    entropies = -(p * log_p).sum(dim=2)
    mean = p.mean(dim=0)
    log_mean = mean.clamp(min=torch.finfo(torch.float64).tiny).log()
    entropy = -(mean * log_mean).sum(dim=1)
    cross = -(p * log_mean).sum(dim=2)
    votes = torch.zeros_like(mean).scatter_add_(
        1, samples.argmax(dim=2).T, torch.ones(samples.shape[1], count, dtype=mean.dtype, device=mean.device)
    )
    ratio = 1 - votes.amax(dim=1) / count

    def error(values: Tensor) -> Tensor:
        spread = values.std(dim=0) if count > 1 else torch.full_like(values[0], torch.inf)
        return spread.div(count**0.5)

    return Uncertainty(
        probabilities=mean.float(),
        entropy=entropy.float(),
        expected_entropy=entropies.mean(dim=0).float(),
        mutual_information=(cross - entropies).mean(dim=0).clamp(min=0).float(),
        variation_ratio=ratio.float(),
        probabilities_error=error(p).float(),
        entropy_error=error(cross).float(),
        mutual_information_error=error(cross - entropies).float(),
        variation_ratio_error=(ratio * (1 - ratio) / count if count > 1 else ratio + torch.inf).sqrt().float(),
        samples=samples if keep else None,
        details=details,
    )


def join(parts: list[Uncertainty]) -> Uncertainty:
    """One result of several, in their order; the details are those of the first."""
    joined: dict[str, Any] = {"details": parts[0].details}
    for name in (f.name for f in fields(Uncertainty) if f.name != "details"):
        values = [getattr(part, name) for part in parts]
        joined[name] = None if values[0] is None else torch.cat(values, dim=1 if name == "samples" else 0)
    return Uncertainty(**joined)
