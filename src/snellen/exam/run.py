"""Run an examination: every check of a plan on one subject."""

import time
import traceback
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from snellen._errors import NotApplicable, SnellenError
from snellen.checks._base import Check, Progress, Subject
from snellen.exam.how import how
from snellen.exam.plan import Plan, read_plan
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.subject.agree import agree
from snellen.subject.images import Images
from snellen.subject.load.images import load_images
from snellen.subject.load.network import load_network
from snellen.subject.network import Network
from snellen.subject.predictions import predict


def examine(
    network: Network | nn.Module | str,
    images: Images | Tensor | str,
    *,
    preset: str | Plan = "standard",
    seed: int = 0,
    batch_size: int = 32,
    progress: Progress | None = None,
    strict: bool = False,
) -> Findings:
    """Examine a network on images.

    Args:
        network: a Network, a module, or what :func:`load_network` takes. It is left exactly as it was.
        images: Images, a float tensor (n, c, h, w) in [0, 1], or what :func:`load_images` takes.
        preset: ``quick``, ``standard``, ``full``, the path of a TOML plan, or a Plan.
        seed: the same seed gives the same findings.
        batch_size: images per forward; bounds the memory.
        progress: called with (stage, done, total) during long work.
        strict: a method that cannot do its job raises, instead of becoming a finding.

    Raises:
        SnellenError: the network or the images cannot be used at all. A check that crashes does not end the
            examination; it becomes a finding.

    >>> findings = examine("builtin", "digits", preset="quick")
    >>> findings.measured["accuracy"] > 0.98
    True
    """
    plan = preset if isinstance(preset, Plan) else read_plan(preset)
    checks = plan.build()
    began = time.perf_counter()
    report = progress or (lambda _stage, _done, _total: None)
    network = load_network(network)
    subject = look(network, load_images(images), seed=seed, batch_size=batch_size, progress=report)
    found = tuple(f for name, check in checks.items() for f in _ask(name, check, subject, strict))
    return Findings(
        found,
        subject=describe(subject),
        run=how(plan.name, seed, time.perf_counter() - began, subject.network),
        predictions=subject.predictions.rows(subject.network),
    )


def look(network: Network, images: Images, *, seed: int, batch_size: int, progress: Progress) -> Subject:
    """One pass over the images, and the classes of both sides brought into one order."""
    predictions = predict(
        network,
        images,
        batch_size=batch_size,
        progress=lambda done, total: progress("images", done, total),
        first=lambda logits: agree(network, images, logits.shape[1]),
    )
    outputs = predictions.logits.shape[1]
    images = agree(network, images, outputs)
    if images.labels is not None:
        labels = torch.from_numpy(images.labels)[predictions.indices].long()
        predictions = replace(predictions, labels=labels)
    if network.class_names is None or len(network.class_names) != outputs:
        names = images.class_names
        network = replace(network, class_names=names if names is not None and len(names) == outputs else None)
    return Subject(network, images, predictions, seed, progress)


def describe(subject: Subject) -> dict[str, Any]:
    """What was examined, in plain words, for the head of the page."""
    network, images = subject.network, subject.images
    return {
        "network": network.name,
        "images": images.name,
        "count": len(images),
        "classes": subject.predictions.logits.shape[1],
        "preprocessing": network.preprocessing.describe(),
        "mean": list(network.mean),
        "std": list(network.std),
        "notes": [*network.notes, *images.notes],
    }


def _ask(name: str, check: Check, subject: Subject, strict: bool) -> tuple[Finding, ...]:
    try:
        return tuple(check(subject))
    except NotApplicable as reason:
        if strict:
            raise
        title = f"Not applicable: {name.partition('/')[2].replace('_', ' ')}"
        return (Finding(name, "info", title, f"{reason}"),)
    except SnellenError as reason:
        if strict:
            raise
        return (Finding(name, "error", "Could not be answered", f"{reason}"),)
    except Exception as error:
        if strict:
            raise
        lines = tuple((line.rstrip(),) for line in traceback.format_exc().splitlines())
        return (
            Finding(
                name,
                "error",
                "The check crashed",
                f"{type(error).__name__}: {error}. The other findings are not affected.",
                remedy="This is a defect of the check or an unusual network: please report it with the lines below.",
                evidence=(Table("Traceback", ("line",), lines, shown=40),),
            ),
        )
