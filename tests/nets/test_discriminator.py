"""One number an image, about this image alone; classes by projection; weights of norm 1 where asked."""

import pytest
import torch

from snellen._errors import UsageError
from snellen.nets.discriminator import Discriminator


@pytest.mark.parametrize("spectral", [False, True])
def test_the_score_of_an_image_is_about_this_image_alone(spectral: bool) -> None:
    torch.manual_seed(0)
    module, images = Discriminator(side=16, channels=3, width=4, spectral=spectral).eval(), torch.rand(5, 3, 16, 16)
    whole = module(images)
    assert whole.shape == (5,)
    torch.testing.assert_close(whole, torch.cat([module(one[None]) for one in images]))
    assert whole.std() > 0


def test_in_training_too() -> None:
    torch.manual_seed(0)
    module, images = Discriminator(side=8, width=4).train(), torch.rand(5, 1, 8, 8)
    torch.testing.assert_close(module(images)[:2], module(images[:2]))


def test_a_class_adds_the_product_of_its_vector_and_the_mean_features() -> None:
    torch.manual_seed(0)
    module, images = Discriminator(side=8, width=4, classes=3), torch.rand(2, 1, 8, 8)
    assert module.embedding is not None
    one, other = (module(images, torch.full((2,), k)) for k in (0, 2))
    features = module.features(images).mean(dim=(2, 3))
    torch.testing.assert_close(other - one, features @ (module.embedding.weight[2] - module.embedding.weight[0]))
    with pytest.raises(UsageError, match="knows 3 classes, and classes were not given"):
        module(images)
    with pytest.raises(UsageError, match="knows no classes, and classes were given"):
        Discriminator(side=8)(images, torch.zeros(2, dtype=torch.long))


def test_spectral_normalisation_leaves_matrices_of_norm_1() -> None:
    torch.manual_seed(0)
    module = Discriminator(side=8, width=4, classes=3, spectral=True).train()
    for _ in range(30):
        module(torch.rand(1, 1, 8, 8), torch.zeros(1, dtype=torch.long))  # each pass is a step of the power iteration
    module.eval()
    for layer in (module.features[0], module.score, module.embedding):
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-3)


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(UsageError, match="cannot reach 20 x 20"):
        Discriminator(side=20)
    with pytest.raises(UsageError, match="1 or 3 channels"):
        Discriminator(channels=4)
