"""What to do about forgotten layers, as code for this network and this optimizer."""

from collections.abc import Sequence

from snellen._errors import NotApplicable
from snellen.findings.evidence import Table
from snellen.training.health.facts import Observation
from snellen.training.health.remedy_trial import try_remedies

SHOWN = ("lr", "momentum", "weight_decay", "betas", "nesterov")


def remedies(seen: Observation, names: Sequence[str]) -> Table:
    """The two ways to mend it: train the layers too, or give them weights that were trained before."""
    frozen = any(not p.requires_grad for p in seen.parameters if p.module in names)
    rule = seen.rules[0] if seen.rules else None
    made = rule.name if rule is not None else "SGD"
    settings = ", ".join(f"{k}={v}" for k, v in (rule.settings if rule else {"lr": 0.01}).items() if k in SHOWN and v)
    start = tuple(f"{name}." for name in names)
    lists = sorted({p.name.partition("[")[0] for p in seen.parameters if not p.registered and p.module in names})
    train = [
        *(f"network.{name} = torch.nn.ModuleList(network.{name})" for name in lists),
        *(["for p in network.parameters(): p.requires_grad_(True)"] * frozen),
        f"optimizer = torch.optim.{made}(network.parameters(), {settings})",
    ]
    load = [
        'pretrained = torch.load("pretrained.pt", weights_only=True)',
        f"early = {{k: v for k, v in pretrained.items() if k.startswith({start})}}",
        "network.load_state_dict(early, strict=False)",
    ]
    rows = [("train all layers", line) for line in train] + [("load pretrained weights", line) for line in load]
    return Table(
        "Two remedies, as code",
        ("remedy", "code"),
        tuple(rows),
        note="The first lets these layers learn filters from the data. The second replaces random filters by ones that "
        "were learnt on other images and carry over; it helps most where there are few images to learn from.",
    )


def verified(seen: Observation, forgotten: Sequence[str], early: Sequence[str]) -> tuple[Table, ...]:
    """What the remedies bring in a short run on copies, if it was asked for."""
    steps = seen.asked.verify_steps
    if steps < 1 or not seen.rules:
        return ()
    title = f"The remedies tried on copies, {steps} steps each"
    try:
        tried = try_remedies(seen, forgotten, early, steps=steps)
    except NotApplicable as reason:
        return (Table(title, ("reason",), ((f"{reason}",),)),)
    rows = tuple((t.way, f"{t.first:.4f}", f"{t.last:.4f}", t.accuracy, t.held_out) for t in tried)
    return (
        Table(
            title,
            ("way", "first loss", "last loss", "accuracy", "test accuracy"),
            rows,
            note="The last loss is the mean of five steps. For pretrained weights stand those of a further copy, all "
            "of it trained by Adam for as many steps.",
        ),
    )
