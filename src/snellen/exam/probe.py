"""Are the features worth anything? A probe of a network's features, as findings of their own."""

import time
from collections.abc import Sequence

from snellen._errors import UsageError
from snellen.checks._base import Progress
from snellen.checks.representation._probe_findings import probe_findings
from snellen.exam.how import how
from snellen.findings.findings import Findings
from snellen.instruments.probes.knn import METRICS
from snellen.instruments.probes.probe import CONTROLS, probe
from snellen.subject.images import Images
from snellen.subject.network import Network


def probe_features(
    network: Network,
    points: Images,
    queries: Images,
    *,
    k: int = 3,
    metrics: Sequence[str] = METRICS,
    taps: Sequence[str] | None = None,
    against: Sequence[str | Network] = CONTROLS,
    seeds: int = 3,
    seed: int = 0,
    progress: Progress | None = None,
) -> Findings:
    """Probe a network's features by k nearest neighbours, against pixels, random weights and other networks.

    Args:
        network: left exactly as it was.
        points: labelled images to search among.
        queries: labelled images to classify.
        k: neighbours a query.
        metrics: of ``l2`` and ``cosine``.
        taps: where features are taken; a handful by depth if not given.
        against: ``pixels``, ``random``, and other networks.
        seeds: random networks, ``seed`` and those after it.
        seed: the same seed gives the same findings.
        progress: called with (stage, done, total).

    Raises:
        SnellenError: see :func:`snellen.instruments.probes.probe.probe`.

    >>> from snellen import load_images, load_network
    >>> few = [load_images(f"digits:{part}", limit=80) for part in ("train", "test")]
    >>> found = probe_features(load_network("builtin"), *few, metrics=["l2"], against=["pixels"])
    >>> found.measured["features_accuracy"] > 0.8
    True
    """
    if seeds < 1:
        raise UsageError(f"seeds must be at least 1, got {seeds}")
    began = time.perf_counter()
    result = probe(
        network,
        points,
        queries,
        k=k,
        metrics=metrics,
        taps=taps,
        against=against,
        seeds=range(seed, seed + seeds),
        progress=progress,
    )
    found = probe_findings(result, seed=seed)
    sets = list(dict.fromkeys([*points.notes, *queries.notes]))
    return Findings(
        tuple(found),
        subject={
            "network": network.name,
            "images": queries.name,
            "count": len(result.queries),
            "searched among": f"{len(result.points):,} images of {points.name}",
            "preprocessing": network.preprocessing.describe(),
            "mean": list(network.mean),
            "std": list(network.std),
            "notes": [*network.notes, *sets, *result.notes[1:]],
        },
        run=how("probe", seed, time.perf_counter() - began, network),
    )
