"""The layer table as a finding, and weights that were never trained."""

import pytest
from torch import nn

from checks.hand_made import network, noise, scores, silent, subject, table
from snellen._errors import NetworkError
from snellen.checks._base import Subject
from snellen.checks.architecture.layers import Layers, _macs

TITLE = "Layers in the order they are called"


def test_counts_of_a_network_done_by_hand() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 4 * 4, 2))
    module.add_module("idle", nn.Identity())
    (finding,) = Layers()(subject(scores([0, 1], 2), module=module, notes=("weights from w.pt",)))
    assert finding.severity == "info"
    assert finding.measured == {"parameters": 4 * 27 + 4 + 64 * 2 + 2, "macs": 27 * 4 * 16 + 64 * 2}
    rows = table(finding, TITLE).rows
    assert rows[0] == ("0", "Conv2d", "1 x 4 x 4 x 4", 112, 1728)
    assert rows[3] == ("3", "Linear", "1 x 2", 130, 128)
    assert "net: 242 parameters and 1.856 k multiply-adds for an image of 3 x 6 x 6. weights from w.pt." in (
        finding.sentence
    )


def test_layers_never_called_are_named() -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.forgotten = nn.Linear(108, 2), nn.Linear(5, 5)

        def forward(self, x):  # type: ignore[no-untyped-def]
            return self.used(x.flatten(1))

    (finding,) = Layers()(subject(scores([0, 1], 2), module=Half()))
    assert "Never called: forgotten." in finding.sentence


def test_untrained_weights_are_a_warning() -> None:
    (finding,) = Layers()(subject(scores([0, 1], 2), notes=("randomly initialised weights",)))
    assert (finding.severity, finding.title) == ("warning", "Untrained weights")
    assert "--weights" in finding.remedy


def test_a_file_called_random_is_not_untrained() -> None:
    (finding,) = Layers()(subject(scores([0, 1], 2), notes=("random_erasing.pt: took the entry 'model'",)))
    assert finding.severity == "info"


def test_a_network_that_cannot_run_is_an_error_of_the_network() -> None:
    seen = Subject(
        network(nn.Linear(5, 2)), subject(scores([0], 2)).images, subject(scores([0], 2)).predictions, 0, silent
    )
    with pytest.raises(NetworkError, match="raised on an input of shape"):
        Layers()(seen)
    assert noise(1).shape == (1, 3, 6, 6)


@pytest.mark.parametrize(
    ("count", "words"), [(7, "7"), (1_500, "1.500 k"), (2_000_000, "2.000 M"), (15_470_264_320, "15.470 G")]
)
def test_multiply_adds_in_words(count: int, words: str) -> None:
    assert _macs(count) == words
