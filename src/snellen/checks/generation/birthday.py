"""How many different pictures can it make?"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats

from snellen.checks._pictures import picture
from snellen.checks.generation._base import Generated, GenerationCheck
from snellen.findings.evidence import Gallery, Tile
from snellen.findings.finding import Finding
from snellen.instruments.generation.birthday import Birthday, birthday
from snellen.instruments.generation.memorised import CLOSE
from snellen.instruments.probes.knn import nearest

NAME = "generation/birthday"
IMPROBABLE = 1e-6


@dataclass(frozen=True)
class BirthdayTest(GenerationCheck):
    """Near-duplicates among the samples, and the number of different pictures that they speak for.

    Of s draws from N equally likely pictures s (s - 1) / 2N pairs are expected to be alike, so p such pairs speak for
    N = s (s - 1) / 2p. Two pictures are alike if they are nearer than a quarter of the middle distance of a real image
    to the nearest other one. A warning if more samples have a twin than real images have, with a probability below one
    in a million, and if more than ``share`` of them have one it is an error.

    Reference: Arora and Zhang 2017, arXiv:1706.08224.
    """

    share: float = 0.5
    pairs: int = 6

    def __call__(self, seen: Generated) -> Sequence[Finding]:
        space = seen.spaces[0]
        middle = float(nearest(space.reference, space.reference, k=1, exclude_self=True).distances.median())
        found = birthday(space.fake, threshold=CLOSE * middle)
        real = birthday(space.null, threshold=CLOSE * middle)
        rate = (real.twins + 1) / (real.count + 2)
        # twins come in twos, and so by half as many chances
        chance = float(stats.binom.sf(found.twins // 2 - 1, found.count // 2, rate)) if found.twins else 1.0
        measured = {"twin_samples": float(found.twins), "twin_real": float(real.twins)}
        if found.pairs.shape[0]:
            measured["support"] = found.support
        text = (
            f"Of {found.count:,} samples {found.twins:,} have a near-duplicate among the others, of as many real "
            f"images {real.twins:,}."
        )
        if chance >= IMPROBABLE:
            least = f" That speaks for at least {_round(found.support_low)} different pictures."
            return [Finding(NAME, "ok", "Few duplicates", text + least, measured=measured)]
        severe = found.twins > self.share * found.count
        text += f" That speaks for about {_round(found.support)} different pictures"
        text += f" ({_round(found.support_low)} to {_round(found.support_high)})."
        return [
            Finding(
                NAME,
                "error" if severe else "warning",
                "The same pictures again and again",
                text,
                measured=measured,
                headlines=("support",),
                remedy="The generator makes few pictures: it has collapsed, or it knows its training images by heart "
                "(see memorised). Look at the pairs. More data, augmentation of what the discriminator sees, and an "
                "earlier checkpoint are what helps.",
                evidence=(self._gallery(seen, found),),
                reference="Arora and Zhang 2017, arXiv:1706.08224.",
            )
        ]

    def _gallery(self, seen: Generated, found: Birthday) -> Gallery:
        tiles = []
        for one, two in found.pairs[:: max(1, len(found.pairs) // self.pairs)][: self.pairs].tolist():
            rows = int(seen.fake[one]), int(seen.fake[two])
            both = (picture("one", seen.samples[rows[0]]), picture("other", seen.samples[rows[1]]))
            tiles.append(Tile(f"samples {rows[0]} and {rows[1]}", both))
        return Gallery("Near-duplicates", tuple(tiles), "From the nearest pair on, evenly spaced.")


def _round(value: float) -> str:
    return f"{value:,.0f}" if value < float("inf") else "any number of"
