"""The interval of a gain: Bonett and Price's where all seeds agree, and as often right as it says where they do not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from snellen.findings.interval import paired
from snellen.studies._paired import gain


@pytest.mark.parametrize(("wins", "losses", "count"), [(30, 10, 100), (4, 0, 130), (0, 0, 50), (3, 9, 60)])
def test_where_all_seeds_agree_it_is_that_of_bonett_and_price(wins: int, losses: int, count: int) -> None:
    ours, theirs = np.zeros((2, 3, count), bool)
    ours[:, :wins], theirs[:, wins : wins + losses] = True, True
    found = gain(ours, theirs)
    assert found.value == pytest.approx((wins - losses) / count)
    assert (found.low, found.high) == pytest.approx(paired(wins, losses, count))


def test_seeds_that_disagree_widen_it_as_students_t_says() -> None:
    """With very many images only the seeds are left: 0.1 and 0.3 are 0.2 +- 12.706 * 0.1."""
    ours, theirs = np.zeros((2, 2, 200_000), bool)
    ours[0, :20_000], ours[1, :60_000] = True, True
    found = gain(ours, theirs)
    assert found.value == pytest.approx(0.2)
    assert found.low == -1 or found.low == pytest.approx(0.2 - 12.706 * 0.1, abs=1e-3)
    many = gain(np.tile(ours, (4, 1)), np.tile(theirs, (4, 1)))
    deviation = np.std([0.1, 0.3] * 4, ddof=1) / np.sqrt(8)
    assert many.high - 0.2 == pytest.approx(2.3646 * deviation, abs=2e-3)


@pytest.mark.parametrize("of_seeds", [0.0, 0.04])
def test_no_gain_is_called_one_hardly_more_often_than_it_says(of_seeds: float) -> None:
    """Images of unequal difficulty, seeds of unequal luck, and both sides equally good."""
    rng = np.random.default_rng(0)

    def answers() -> NDArray[np.bool_]:
        luck = rng.normal(0, of_seeds, (4, 1))
        return np.asarray(rng.random((4, 200)) < np.clip(hard + luck, 0, 1))

    verdicts = []
    for _ in range(400):
        hard = rng.beta(4, 1, 200)
        verdicts.append(gain(answers(), answers()).verdict)
    assert verdicts.count("helps") + verdicts.count("hurts") < 0.06 * 400


def test_a_real_gain_is_seen() -> None:
    rng = np.random.default_rng(1)
    theirs = rng.random((5, 400)) < 0.8
    ours = theirs | (rng.random((5, 400)) < 0.3)
    assert gain(ours, theirs).verdict == "helps"
    assert gain(theirs, ours).verdict == "hurts"
    assert gain(theirs, theirs).verdict == "within noise"
