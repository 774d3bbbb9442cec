"""What an adversarially trained network withstands, by an attack longer than those it was trained on."""

from snellen.findings.finding import Finding
from snellen.findings.interval import wilson
from snellen.training.adversarial import JUDGED_STEPS
from snellen.training.classify import Trained
from snellen.training.lesson import Lesson

NAME = "course/robustness"


def robustness(trained: Trained, lesson: Lesson) -> Finding:
    """The robust accuracy on validation images, and what kind of a number it is.

    Args:
        trained: with a robust score.
        lesson: with an adversary.
    """
    found, adversary = trained.robust, lesson.settings.adversary
    assert found is not None
    assert adversary is not None
    low, high = wilson(found.right, found.count)
    chance = 1 / len(lesson.data.class_names)
    levels = adversary.budget.levels
    holds = low > chance
    part = f"{100 * found.accuracy:.1f} %"
    return Finding(
        NAME,
        "ok" if holds else "warning",
        f"{part} are still right after PGD within {levels} of 255 levels",
        f"Of {found.count:,} validation images {found.right:,} ({part}, 95 % interval {100 * low:.1f} to "
        f"{100 * high:.1f}) are right as they are and stay right when {JUDGED_STEPS} steps of PGD may change every "
        f"value by {levels} of 255 levels (eps {levels}/255); all pictures were judged as pictures of 8 bits. The "
        f"training attacked with {adversary.steps} steps within as much. It is an upper bound of the robust accuracy: "
        "a stronger attack may find more.",
        measured={"robust_accuracy": found.accuracy, "robust_accuracy_low": low, "robust_accuracy_high": high},
        headlines=("robust_accuracy",),
        remedy="" if holds else "That is no better than chance: train longer, or begin with a smaller eps.",
        reference="Madry et al. 2018, arXiv 1706.06083.",
    )
