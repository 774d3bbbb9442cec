"""Exercise 4: the numbers by hand, and a page that says them."""

import numpy as np
import pytest
import torch

from snellen.findings.findings import Findings
from snellen.report.schema import Document
from snellen.studies._compared import Compared
from snellen.studies.layers import Layers


@pytest.fixture(scope="module")
def found() -> Compared:
    return Layers().run(seed=3)


def test_the_convolution_by_hand(found: Compared) -> None:
    c = found.connected
    assert c.matrix.shape == (3 * 16, 2 * 16)
    assert c.weights == 2 * 3 * 3
    assert c.connections == np.count_nonzero(c.matrix) == 2 * 3 * (16 + 2 * 15)
    assert sorted(c.uses) == [15] * 12 + [16] * 6
    band = c.matrix[:16, :16]
    for shift in (-1, 0, 1):
        assert len(set(np.diag(band, shift))) == 1
    assert (c.longer, c.maps) == (32, (5, 5))
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        torch.nn.Linear(*c.matrix.shape[::-1])(torch.zeros(1, 2 * c.matrix.shape[1]))
    assert 0 < max(c.error, c.pointwise_error, c.head_error, c.window_error) < 1e-12


def test_the_normalisations_by_hand(found: Compared) -> None:
    batch, adaptive = found.normalised
    assert (batch.means, batch.learned, batch.kept) == (4, 8, 8)
    assert (adaptive.means, adaptive.learned, adaptive.kept) == (32, 0, 0)
    assert batch.mates > 0.1
    assert batch.modes > 0.1
    assert batch.mates_evaluation == adaptive.mates_evaluation == adaptive.modes == 0
    assert adaptive.mates < 1e-12
    assert found.identity_error < 1e-5
    assert found.style_error < 1e-3


def test_the_page_says_what_was_computed(found: Compared) -> None:
    study = Layers()
    findings = Findings(study.findings(found), subject={"study": study.title, **study.about()})
    Document.model_validate(findings.to_dict())
    assert findings.measured["matrix_density"] == found.connected.connections / (48 * 32)
    assert findings.measured["batch_norm_mates"] == found.normalised[0].mates
    assert "276 (18.0%)" in next(f.sentence for f in findings if f.check == "study/fully_connected")
