"""Do the units see enough of the image?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.wiring._base import Inspected, WiringCheck, by
from snellen.findings.finding import Finding

NAME = "wiring/field_size"


@dataclass(frozen=True)
class FieldSize(WiringCheck):
    """The receptive field of the last convolution that does not see the whole image, against image and object.

    A warning if the size of an object is given and no unit before global mixing sees one whole. Without it, for
    information: texture can suffice. The field is where a unit could look; what it does look at is narrower (Luo et
    al. 2016, arXiv:1701.04128). Refuted by accuracy on objects of that size.
    """

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        local = [
            seen.fields[node.index]
            for node in seen.wired.nodes
            if node.windows and not seen.fields[node.index].whole and node.index in seen.wired.reaching
        ]
        if not local:
            return []
        last = max(local, key=lambda f: min(f.size))
        size, image, wanted = min(last.size), min(last.image), seen.object_size
        text = f"Before units see the whole image, they see at most {by(last.size)} of {by(last.image)} pixels"
        text += f" (in {last.layer.partition(':')[0] or 'the network'})"
        measured = {"receptive_field": float(size)}
        if wanted is not None and size < wanted:
            return [
                Finding(
                    NAME,
                    "warning",
                    "No unit sees an object whole",
                    f"{text}, and an object has {wanted} pixels.",
                    measured=measured,
                    remedy="Add stride, pooling, dilation or layers before the global pooling, or make images smaller.",
                )
            ]
        if size < image:
            return [Finding(NAME, "info", "Units see a part of the image", f"{text}.", measured=measured)]
        return [Finding(NAME, "ok", "Units see the whole image", f"{text}.", measured=measured)]
