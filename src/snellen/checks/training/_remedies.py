"""What to do about forgotten layers, as code for this network and this optimizer."""

from collections.abc import Sequence

from torch import nn

from snellen._errors import NotApplicable
from snellen.findings.evidence import Table
from snellen.training.health.facts import Observation, Parameter
from snellen.training.health.remedy_trial import Tried, try_remedies

SHOWN = ("lr", "momentum", "weight_decay", "betas", "nesterov")


def remedies(seen: Observation, names: Sequence[str]) -> Table:
    """The two ways to mend it: train the layers too, or give them weights that were trained before."""
    frozen = any(not p.requires_grad for p in seen.parameters if p.module in names)
    rule = seen.rules[0] if seen.rules else None
    made = rule.name if rule is not None else "SGD"
    settings = ", ".join(f"{k}={v}" for k, v in (rule.settings if rule else {"lr": 0.01}).items() if k in SHOWN and v)
    start = tuple(f"{name}." for name in names)
    loose = [p for p in seen.parameters if not p.registered and (p.module in names or p.name in names)]
    train = [
        *dict.fromkeys(_held(seen.setup.module, p) for p in loose),
        *(["for p in network.parameters(): p.requires_grad_(True)"] * frozen),
        f"optimizer = torch.optim.{made}(network.parameters(), {settings})",
    ]
    load = [
        'pretrained = torch.load("pretrained.pt", weights_only=True)',
        f"early = {start}",
        "weights = {k: v for k, v in pretrained.items() if k.startswith(early)}",
        "network.load_state_dict(weights, strict=False)",
    ]
    rows = [("train all layers", line) for line in train] + [("load pretrained weights", line) for line in load]
    return Table(
        "Two remedies, as code",
        ("remedy", "code"),
        tuple(rows),
        note="The first lets these layers learn filters from the data. The second replaces random filters by ones that "
        "were learnt on other images and carry over; it helps most where there are few images to learn from.",
    )


def _held(network: nn.Module, parameter: Parameter) -> str:
    """The line that shows ``network.parameters()`` where this one is."""
    if parameter.plain and "[" not in parameter.name:
        return f"network.{parameter.name} = torch.nn.Parameter(network.{parameter.name})"
    place = parameter.name.partition("[")[0]
    owner, _, attribute = place.rpartition(".")
    known = dict(network.named_modules())
    value = getattr(known[owner], attribute, None) if owner in known else None
    if isinstance(value, list | tuple):
        return f"network.{place} = torch.nn.ModuleList(network.{place})"
    if isinstance(value, dict):
        return f"network.{place} = torch.nn.ModuleDict(network.{place})"
    return f"# {place}: hold these layers in an nn.ModuleList or nn.ModuleDict of the network, or in an nn.Module"


def verified(seen: Observation, forgotten: Sequence[str], early: Sequence[str]) -> tuple[str, tuple[Table, ...]]:
    """What the remedies bring in a short run on copies, in a sentence and a table, if it was asked for."""
    steps = seen.asked.verify_steps
    if steps < 1 or not seen.rules:
        return "", ()
    title = f"The remedies tried on copies, {steps} steps of Adam each"
    try:
        tried = try_remedies(seen, forgotten, early, steps=steps)
    except NotApplicable as reason:
        return "", (Table(title, ("reason",), ((f"{reason}",),)),)
    table = Table(
        title,
        ("way", "first loss", "last loss", "accuracy", "test accuracy"),
        tuple((t.way, f"{t.first:.4f}", f"{t.last:.4f}", t.accuracy, t.held_out) for t in tried),
        note="The last loss is the mean of five steps. For pretrained weights stand those of a further copy, all of it "
        "trained for as many steps on the same images.",
    )
    return f" After {steps} steps of Adam on copies: {'; '.join(map(_told, tried))}.", (table,)


def _told(tried: Tried) -> str:
    parts = [f"{tried.way}, loss {tried.last:.3f}"]
    parts += [
        f"{of} {share:.1%}" for of, share in (("train", tried.accuracy), ("test", tried.held_out)) if share is not None
    ]
    return ", ".join(parts)
