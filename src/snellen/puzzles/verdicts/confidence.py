"""When does it know?"""

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.puzzles.judge import calibration, coverage
from snellen.puzzles.unshuffle import Unshuffled

OFF = 0.05
"""A mean gap between probability and accuracy from which a probability is not to be taken at its word."""
ENOUGH = 100
"""Known puzzles from which that is judged."""
GOAL = 0.99


def confidence(seen: Unshuffled) -> Finding:
    """Coverage against accuracy by margin, and whether the probabilities are honest."""
    judged = seen.judgements[seen.solver]
    covered, accurate = coverage(judged.solution.margin, judged.right)
    bins, error = calibration(judged.solution.probability, judged.right)
    sentence = f"Sorted by margin, all {len(judged.right):,} answers are {accurate[-1]:.1%} right"
    last = next((i for i in reversed(range(len(covered))) if accurate[i] >= GOAL), None)
    if last is not None and accurate[-1] < GOAL:
        sentence += f", and the surest {covered[last]:.0%} are {accurate[last]:.1%} right"
    off = error > OFF and len(judged.right) >= ENOUGH
    too_sure = sum(s.count * (said - s.value) for said, s in bins) > 0
    sentence += f". Its probability is off by {error:.1%} on average"
    sentence += f": it is too {'sure' if too_sure else 'modest'}." if off else "."
    scale = seen.scales[seen.solver]
    how = "as the scores give them"
    if scale != 1:
        how = f"after scaling the scores by {scale:.2f}, one number that was fitted on such puzzles"
    return Finding(
        "puzzle/confidence",
        "warning" if off else "ok",
        "When does it know?",
        sentence,
        measured={"calibration_error": error},
        remedy="Trust the order of the margins, and not the probability itself." if off else "",
        evidence=(
            Curve(
                "Coverage and accuracy",
                "share of images answered, the surest first",
                "share of whole images right",
                {"surest first": (tuple(covered), tuple(accurate))},
                note="Answer only the surest, and more of the answers are right.",
            ),
            Table(
                "Probability against accuracy",
                ("mean probability", "right", "of", "share right", "low", "high"),
                tuple((said, s.right, s.count, s.value, s.low, s.high) for said, s in bins),
                note=f"In bins of equal count; probabilities {how}.",
            ),
        ),
        reference="Guo et al. 2017, arXiv:1706.04599",
    )
