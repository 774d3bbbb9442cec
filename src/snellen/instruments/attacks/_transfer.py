"""The transfer matrix: pictures made on each network, shown to every other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool
from torch import Tensor

from snellen._errors import ImagesError, UsageError
from snellen._shapes import Labels, Pixels
from snellen.instruments.attacks._base import Attack, as_goal
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._lattice import LEVELS, levels
from snellen.instruments.attacks._norms import Linf, Norm
from snellen.instruments.attacks._victim import Blackbox, Victim
from snellen.instruments.attacks.bim import BIM
from snellen.instruments.attacks.fgsm import FGSM
from snellen.instruments.attacks.mi_fgsm import MIFGSM
from snellen.instruments.attacks.surrogate import crafted
from snellen.subject.network import Network
from snellen.subject.quiet import quiet

ATTACKS: Mapping[str, Attack] = {"fgsm": FGSM(), "bim": BIM(), "mi_fgsm": MIFGSM()}
"""Name -> what is shown by default; the norm is replaced."""


@dataclass(frozen=True, eq=False)
class Transfer:
    """Which pictures, made on the network of a row, fool the network of a column.

    Attributes:
        rows: names of the surrogates.
        columns: names of the victims.
        shared: (n,) images that all networks get right: no other image is attacked.
        fooled: attack -> (rows, columns, m) for these m images, judged by the real outputs on pictures of 8 bits.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    shared: Bool[Tensor, "n"]
    fooled: Mapping[str, Bool[Tensor, "r k m"]]

    def count(self, attack: str, row: str, column: str) -> int:
        """Images of :attr:`shared` that were fooled."""
        return int(self.fooled[attack][self.rows.index(row), self.columns.index(column)].sum())

    def paradoxes(self, weak: str = "fgsm", strong: str = "bim") -> tuple[tuple[str, str], ...]:
        """(row, column) where ``strong`` fools its own network at least as often, and the other less often."""
        return tuple(
            (row, column)
            for row in self.rows
            for column in self.columns
            if row != column
            and row in self.columns
            and self.count(strong, row, row) >= self.count(weak, row, row)
            and self.count(strong, row, column) < self.count(weak, row, column)
        )


def transfer(
    networks: Mapping[str, Network],
    pixels: Pixels,
    labels: Labels,
    *,
    victims: Mapping[str, Network | Blackbox] | None = None,
    attacks: Mapping[str, Attack] = ATTACKS,
    norm: Norm = Linf(8 / 255),  # noqa: B008
    seed: int = 0,
    batch_size: int = 64,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Transfer:
    """Make pictures on each of the networks and show them to all: each is made once, whoever looks at it.

    All steps are taken, also after the own network errs. An iterated attack fits the turns of its own network, which
    others do not share: it often fools them less than one step of FGSM does, although it is the stronger one at home.

    Args:
        networks: rows, and columns too.
        pixels: (n, c, h, w) float in [0, 1].
        labels: (n,) the true classes.
        victims: more columns; any function from pixels to outputs.
        attacks: by name.
        norm: of all of them, with a budget.
        seed: of what the attacks draw.
        batch_size: images per pass.
        progress: called with (pairs of a row and an attack done, in all).

    Raises:
        UsageError: no network; a name that stands for two; what an attack's call refuses.
        ImagesError: no image that all of them get right.

    >>> make = lambda: Network(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2, bias=False)))
    >>> first, pixels = make(), torch.rand(4, 3, 2, 2)
    >>> found = transfer({"first": first, "twin": first}, pixels, first.logits(pixels).argmax(dim=1), norm=Linf(1.0))
    >>> found.count("fgsm", "first", "twin")
    4
    """
    both = set(networks) & set(victims or {})
    if not networks or both:
        raise UsageError(f"give at least one network, and each name once; got {sorted(networks)}, twice {sorted(both)}")
    columns: dict[str, Network | Blackbox] = {**networks, **(victims or {})}
    own = {name: replace(attack, norm=norm) for name, attack in attacks.items()}
    goal = as_goal(labels, None, pixels)
    for network in networks.values():
        network.check_pixels(pixels)
    shown = levels(pixels.detach())
    originals = shown / LEVELS
    eyes = {name: Victim(column, goal, batch_size=batch_size) for name, column in columns.items()}
    shared = ~torch.stack([_fooled(eye, originals) for eye in eyes.values()]).any(dim=0)
    rows = shared.nonzero()[:, 0]
    if len(rows) == 0:
        raise ImagesError(f"no image of {len(pixels)} is answered rightly by all of {', '.join(columns)}")
    fooled: dict[str, list[Tensor]] = {name: [] for name in own}
    for number, (row, network) in enumerate(networks.items()):
        for place, (name, attack) in enumerate(own.items()):
            with torch.inference_mode(False), torch.no_grad(), quiet(network.module, seed=seed):
                there = originals[rows].to(network.device)
                made = crafted(attack, eyes[row][rows], there, Draws.of(shown[rows].byte(), seed)).to(pixels.device)
            fooled[name].append(torch.stack([_fooled(eye[rows], made) for eye in eyes.values()]))
            progress(number * len(own) + place + 1, len(networks) * len(own))
    return Transfer(
        tuple(networks), tuple(columns), shared, {name: torch.stack(found) for name, found in fooled.items()}
    )


def _fooled(eye: Victim, pictures: Pixels) -> Tensor:
    """By the real outputs; in no doubt of what each picture gives alone."""
    module = eye.network.module if isinstance(eye.network, Network) else torch.nn.Identity()
    device = eye.network.device if isinstance(eye.network, Network) else pictures.device
    with torch.inference_mode(False), torch.no_grad(), quiet(module):
        return eye.look_surely(pictures.to(device)).achieved.to(pictures.device)
