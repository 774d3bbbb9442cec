"""Is an output told the word that it is to foretell?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation
from snellen.training.health.future import ahead
from snellen.training.health.kept import Dice

NAME = "training/causality"


@dataclass(frozen=True)
class Causality(TrainingCheck):
    """Sequences whose targets are the inputs themselves: each next word (or number), or the word of the place.

    An experiment shows what an output knows. In evaluation mode all inputs from one place on are exchanged:

    - The targets are the next inputs, and outputs before that place change: error. Each of them may copy its answer, as
      with a causal mask that is missing or upside down, or a recurrence in both directions; nothing is known when words
      are made one by one.
    - The targets are the inputs of the same place, outputs before it stay, and outputs from it on change with it and
      with what was before: warning. A network that sees only what was, and is asked for what it was just given, was to
      be asked for the next.
    - The targets are the inputs of the same place, all of them, outputs on both sides change, and each changes
      ``copies`` times as much with its own input as with others: warning. Nothing is hidden, and there is a short way.

    Nothing is said of hidden words (their input is not their target), of words that are looked up twice (an encoder
    reads all of them), or where a change is within rounding (1e-4 of the largest output).

    What would refute it: an encoder that hands on a summary of the same looked-up words (a sequence autoencoder).

    Reference: Vaswani et al. 2017, Attention is all you need, arXiv:1706.03762, section 3.2.3; Devlin et al. 2019,
    BERT, arXiv:1810.04805, section 3.1, on words to hide.
    """

    copies: float = 5.0

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        found = ahead(seen.setup, seen.losses, Dice())
        if found is None:
            return []
        measured = {"change_before": found.earlier, "change_behind": found.later}
        if found.shifted and found.earlier:
            text = f"The target of each place is the input of the next. When the inputs from place {found.place + 1} "
            text += f"on are exchanged, outputs before it change by up to {found.earlier:.2g} of the largest: they "
            text += "know what they are to foretell, and learn to copy it."
            remedy = "Hide what follows: a causal mask (True, or -inf, above the diagonal), no recurrence in both "
            remedy += "directions, no attention or normalisation over all places."
            return [Finding(NAME, "error", "The answer is in the input", text, measured=measured, remedy=remedy)]
        if found.remembers and found.later and not found.earlier:
            text = "The target of each place is the input of the same place, and the network sees all up to there: "
            text += "it is asked for what it was just given."
            remedy = "Shift by one: give it words[:, :-1] and ask for words[:, 1:]."
            return [Finding(NAME, "warning", "The target is the input", text, measured=measured, remedy=remedy)]
        if found.copies > self.copies:
            text = "The target of every place is the input of the same place, and when one input is exchanged, the "
            text += f"output there changes {found.copies:.3g} times as much as the others: what is asked for is in "
            text += "plain sight, and will be copied."
            remedy = "Hide the places that are asked for, and ask for those alone (-100 for the others)."
            return [Finding(NAME, "warning", "The target is the input", text, measured=measured, remedy=remedy)]
        if found.shifted and found.later:
            text = f"When the inputs from place {found.place + 1} on are exchanged, the outputs before it stay."
            return [Finding(NAME, "ok", "What follows is hidden", text, measured=measured)]
        return []
