"""Views: the module itself, or what it says."""

from collections.abc import Mapping

import pytest
from torch import nn

from snellen import NetworkError
from snellen.instruments.probes.views import HasViews, views_of


class Two(nn.Module):
    def __init__(self, answer: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.answer = answer

    def views(self) -> Mapping[str, nn.Module]:
        return self.answer


def test_a_plain_module_is_its_own_only_view() -> None:
    plain = nn.Linear(2, 2)
    assert views_of(plain) == {"": plain}
    assert not isinstance(plain, HasViews)


def test_a_module_with_views() -> None:
    inside = nn.Linear(2, 2)
    assert views_of(Two({"whole image": inside})) == {"whole image": inside}


@pytest.mark.parametrize("answer", [{}, {"": nn.Identity()}, {"a/b": nn.Identity()}, {"a": 3}])
def test_views_that_are_none(answer: Mapping[str, nn.Module]) -> None:
    with pytest.raises(NetworkError, match="must return modules by names"):
        views_of(Two(answer))
