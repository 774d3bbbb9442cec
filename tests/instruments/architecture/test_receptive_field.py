"""Receptive fields against published values, closed forms, and the gradients of real networks."""

from fractions import Fraction
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference_nets import VisionTransformer, built
from snellen._errors import NotApplicable, UsageError
from snellen.instruments.architecture.receptive_field import ReceptiveField, receptive_field
from toys import Toy
from untouched import untouched

# Distill 2019's table for the chains; for torchvision's ResNets (stride on the 3 x 3) the closed form of the chain.
PUBLISHED = {
    ("alexnet", "features"): (195, 32, 66),
    ("vgg11", "features"): (150, 32, 59),
    ("vgg13", "features"): (156, 32, 62),
    ("vgg16", "features"): (212, 32, 90),
    ("vgg19", "features"): (268, 32, 118),
    ("resnet18", "layer4"): (435, 32, 217),
    ("resnet34", "layer4"): (899, 32, 449),
    ("resnet50", "layer4"): (427, 32, 213),
    ("resnet101", "layer4"): (971, 32, 485),
    ("resnet152", "layer4"): (1451, 32, 725),
}
VGG16_POOLS = {"features.4": (6, 2), "features.9": (16, 4), "features.16": (44, 8), "features.23": (100, 16)}


def agrees(field: ReceptiveField) -> bool:
    """What the gradients reach is what the field says, cut to the image."""
    return all(support.box == clipped(field, support.unit) for support in field.supports)


def clipped(field: ReceptiveField, unit: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((max(a, 0), min(b, n - 1)) for (a, b), n in zip(field.box(unit), field.image, strict=True))


def checked(module: nn.Module, layer: str = "", shape: tuple[int, ...] = (3, 32, 32)) -> ReceptiveField:
    field = receptive_field(module, layer, shape, check=True)
    assert agrees(field), [(s.unit, s.box, clipped(field, s.unit)) for s in field.supports]
    return field


@pytest.mark.parametrize(("name", "layer"), PUBLISHED)
def test_published_values(name: str, layer: str) -> None:
    size, stride, padding = PUBLISHED[name, layer]
    field = receptive_field(built(name), layer)
    assert (field.size, field.stride, field.padding) == ((size,) * 2, (stride,) * 2, (padding,) * 2)
    assert not field.whole
    assert not field.misaligned
    assert not field.lost


def test_poolings_of_vgg16_as_published() -> None:
    net = built("vgg16")
    fields = {layer: receptive_field(net, layer) for layer in VGG16_POOLS}
    assert {layer: (f.size[0], f.stride[0]) for layer, f in fields.items()} == VGG16_POOLS


@pytest.mark.parametrize("name", ["vgg16", "resnet18", "densenet121", "mobilenet_v2", "vit_b_16"])
def test_the_scores_see_the_whole_image(name: str) -> None:
    field = receptive_field(built(name), "")
    assert field.whole
    assert (field.size, field.stride, field.lost) == ((224, 224), (0, 0), "")


def test_two_aligned_branches() -> None:
    """google-research/receptive_field, create_test_network_1: 1x1 stride 4 beside 3x3 s2 pad 1, 1x1 s2."""
    net = Toy(
        lambda n, x: n.a(x) + n.c(n.b(x)),
        a=nn.Conv2d(3, 4, 1, 4),
        b=nn.Conv2d(3, 4, 3, 2, 1),
        c=nn.Conv2d(4, 4, 1, 2),
    )
    field = checked(net)
    assert (field.size, field.stride, field.padding, field.misaligned) == ((3, 3), (4, 4), (1, 1), ())


def test_branches_that_are_misaligned_are_named_and_not_averaged() -> None:
    """The same test file's network 2: one 5 x 5 of stride 2 padded by 2 before and 1 after, against two 3 x 3."""
    parts = {"a": nn.Conv2d(3, 4, 5, 2), "b": nn.Conv2d(3, 4, 3), "c": nn.Conv2d(4, 4, 3)}
    net = Toy(lambda n, x: n.a(F.pad(x, (2, 1, 2, 1)))[..., :9, :9] + n.c(n.b(x))[..., :9, :9], **parts)
    field = receptive_field(net, "", (3, 20, 20))
    assert [m.axis for m in field.misaligned] == [0, 1]
    meeting = field.misaligned[0]
    assert meeting.where == "add"
    assert [(stride, centre) for _, stride, centre in meeting.paths] == [(2, 0), (1, 2)]
    assert field.stride == (None, None)
    # unit u sees 2u - 2 ... 2u + 2 and u ... u + 4: 5 pixels at best, 11 at the last of 9 units
    assert field.box((8, 8)) == ((8, 18), (8, 18))
    assert field.size == (11, 11)


def test_equal_strides_with_different_centres_are_misaligned() -> None:
    net = Toy(lambda n, x: n.a(x) + x[..., :-2, :-2], a=nn.Conv2d(3, 3, 3))
    field = checked(net)
    assert [(m.axis, str(m)) for m in field.misaligned] == [
        (a, "add joins a: convolution (stride 1, centre 1) and input (stride 1, centre 0)") for a in (0, 1)
    ]
    assert field.size == (3, 3)


def test_paths_are_called_by_the_layers_they_come_from() -> None:
    """Whatever views, functions and aliases stand behind them in the forward that joins them."""

    def forward(n: Any, x: Tensor) -> Tensor:
        left = F.relu(n.a(F.pad(x, (1, 1, 1, 1)))[:, :, 1:, 1:]).transpose(2, 3)[:]
        return left.detach() + n.act(n.b(x))[..., :-1, :-1].contiguous()

    parts = {"a": nn.Conv2d(3, 3, 3), "b": nn.Conv2d(3, 3, 1), "act": nn.Sigmoid()}
    field = receptive_field(Toy(forward, **parts), "", (3, 9, 9))
    assert {name for m in field.misaligned for name, _, _ in m.paths} == {"a: convolution", "act: sigmoid"}


def test_axes_of_different_size() -> None:
    """The same test file's network 5: 5 x 7 with stride 4 in all."""
    net = nn.Sequential(nn.Conv2d(3, 4, (3, 5), 2), nn.Conv2d(4, 4, (2, 2), 2))
    field = checked(net)
    assert (field.size, field.stride, field.padding) == ((5, 7), (4, 4), (0, 0))


def test_nested_additions() -> None:
    """The same test file's network 6: an addition within an addition, 11 / 8 / 5."""
    parts = {
        "a": nn.Conv2d(3, 4, 1, 4),
        "b": nn.Conv2d(3, 4, 3, 2, 1),
        "c": nn.Conv2d(4, 4, 1, 2),
        "d": nn.Conv2d(4, 4, 3, 2, 1),
        "e": nn.Conv2d(3, 4, 1, 8),
    }
    field = checked(Toy(lambda n, x: n.d(n.a(x) + n.c(n.b(x))) + n.e(x), **parts))
    assert (field.size, field.stride, field.padding, field.misaligned) == ((11, 11), (8, 8), (5, 5), ())


def unet() -> nn.Module:
    parts = {
        "a": nn.Conv2d(3, 4, 3, padding=1),
        "down": nn.MaxPool2d(2),
        "b": nn.Conv2d(4, 4, 3, padding=1),
        "up": nn.ConvTranspose2d(4, 4, 2, 2),
        "c": nn.Conv2d(8, 4, 3, padding=1),
    }

    def run(n: Any, x: Tensor) -> Tensor:
        x = F.relu(n.a(x))
        return n.c(torch.cat([x, n.up(F.relu(n.b(n.down(x))))], 1))

    return Toy(run, **parts)


CHECKED: dict[str, tuple[nn.Module, int, int, Fraction]] = {
    # most and fewest pixels, stride
    "dilated": (nn.Conv2d(3, 2, 3, padding=2, dilation=2), 5, 5, Fraction(1)),
    "transposed": (nn.ConvTranspose2d(3, 2, 3, 2, 1), 2, 1, Fraction(1, 2)),
    "transposed, kernel 4": (nn.ConvTranspose2d(3, 2, 4, 2, 1), 2, 2, Fraction(1, 2)),
    "down and up": (nn.Sequential(nn.Conv2d(3, 2, 4, 2, 1), nn.ConvTranspose2d(2, 2, 3, 2, 1)), 6, 4, Fraction(1)),
    "nearest": (nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(3, 2, 3, padding=1)), 2, 2, Fraction(1, 2)),
    "bilinear": (nn.Upsample(scale_factor=2, mode="bilinear"), 2, 2, Fraction(1, 2)),
    "bicubic": (nn.Upsample(scale_factor=2, mode="bicubic"), 4, 4, Fraction(1, 2)),
    "bilinear, corners": (nn.Upsample(size=(63, 63), mode="bilinear", align_corners=True), 2, 1, Fraction(1, 2)),
    "resized": (nn.Upsample(size=(20, 20)), 1, 1, Fraction(8, 5)),
    "adaptive": (nn.AdaptiveAvgPool2d(5), 8, 7, Fraction(32, 5)),
    "adaptive maximum": (nn.AdaptiveMaxPool2d(8), 4, 4, Fraction(4)),
    "dilated pooling": (nn.MaxPool2d(2, 2, dilation=3), 4, 4, Fraction(2)),
    "rounded up": (nn.MaxPool2d(3, 2, ceil_mode=True), 3, 3, Fraction(2)),
    "shuffled": (nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.PixelShuffle(2)), 3, 3, Fraction(1, 2)),
    "unshuffled": (nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, 4, 3, padding=1)), 6, 6, Fraction(2)),
    "to depth by views": (
        Toy(
            lambda n, x: n.c(x.view(1, 3, 16, 2, 16, 2).permute(0, 1, 3, 5, 2, 4).reshape(1, 12, 16, 16)),
            c=nn.Conv2d(12, 2, 3),
        ),
        6,
        6,
        Fraction(2),
    ),
    "padded": (Toy(lambda n, x: n.c(F.pad(x, (3, 0, 3, 0), "reflect")), c=nn.Conv2d(3, 2, 3)), 3, 3, Fraction(1)),
    "every other": (Toy(lambda n, x: n.c(x[:, :, ::2, ::2]), c=nn.Conv2d(3, 2, 3)), 5, 5, Fraction(2)),
    "halves": (Toy(lambda n, x: n.c(x.chunk(2, 2)[1].chunk(2, 3)[1]), c=nn.Conv2d(3, 2, 3)), 3, 3, Fraction(1)),
    "unet": (unet(), 10, 10, Fraction(1)),
}


@pytest.mark.parametrize("name", CHECKED)
def test_every_operation_agrees_with_gradients(name: str) -> None:
    module, most, fewest, stride = CHECKED[name]
    field = receptive_field(module, "", (3, 32, 32)) if name == "padded" else checked(module)  # it reflects the border
    assert (field.size, field.least, field.stride) == ((most,) * 2, (fewest,) * 2, (stride,) * 2)
    assert not field.lost


def test_the_check_would_see_a_wrong_field() -> None:
    module = nn.Conv2d(3, 2, 3)
    field = receptive_field(nn.Conv2d(3, 2, 5), "", (3, 32, 32))
    supports = receptive_field(module, "", (3, 32, 32), check=True).supports
    assert field.box(supports[0].unit) != supports[0].box


def test_a_gate_over_the_whole_image_lets_every_unit_see_it() -> None:
    parts = {"c": nn.Conv2d(3, 3, 3), "gate": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 3, 1), nn.Sigmoid())}
    net = Toy(lambda n, x: n.c(x) * n.gate(x), **parts)
    assert receptive_field(net, "c", (3, 32, 32)).size == (3, 3)
    field = checked(net)
    assert field.whole
    assert not field.misaligned


def test_tokens_see_a_patch_before_attention_and_everything_behind_it() -> None:
    net = VisionTransformer(size=32, patch=8, width=16, depth=1, heads=2, classes=3).eval()
    shape = (3, 32, 32)
    assert receptive_field(net, "blocks.0.norm1", shape).size == (8, 8)
    assert receptive_field(net, "blocks.0.norm1", shape).stride == (8, 8)
    assert receptive_field(net, "blocks.0.attention", shape).whole
    assert receptive_field(net, "head", shape).lost == ""


def test_attention_in_windows_sees_its_window() -> None:
    def run(n: Any, x: Tensor) -> Tensor:
        x = n.patches(x)  # 8 x 8 tokens in windows of 4 x 4
        w = x.view(1, 4, 2, 4, 2, 4).permute(0, 2, 4, 3, 5, 1).reshape(4, 16, 4)
        w = (w @ w.transpose(1, 2)).softmax(-1) @ w
        return w.view(1, 2, 2, 4, 4, 4).permute(0, 5, 1, 3, 2, 4).reshape(1, 4, 8, 8)

    field = checked(Toy(run, patches=nn.Conv2d(3, 4, 4, 4)))
    assert (field.size, field.stride, field.box((5, 1))) == ((16, 16), (4, 4), ((16, 31), (0, 15)))


def test_one_and_three_axes() -> None:
    assert checked(nn.Sequential(nn.Conv1d(2, 3, 5, 2), nn.MaxPool1d(3)), shape=(2, 40)).size == (9,)
    assert checked(nn.Conv3d(1, 1, (1, 2, 3)), shape=(1, 6, 6, 6)).size == (1, 2, 3)


def test_what_cannot_be_followed_is_named_and_bounded() -> None:
    net = Toy(lambda n, x: n.c(x.flip(3)), c=nn.Conv2d(3, 2, 3))
    field = receptive_field(net, "", (3, 32, 32))
    assert field.lost == "flip"
    assert field.size == (32, 32)


def test_a_layer_by_its_call() -> None:
    net = Toy(lambda n, x: n.c(n.c(x)), c=nn.Conv2d(3, 3, 3))
    assert [receptive_field(net, name, (3, 9, 9)).size[0] for name in ("c", "c:2")] == [3, 5]
    with pytest.raises(UsageError, match="was called 2 times in one forward; there is no call 3"):
        receptive_field(net, "c:3", (3, 9, 9))


def test_names_that_are_none_are_answered_with_close_ones() -> None:
    with pytest.raises(UsageError, match=r"no layer named 'featurs\.0'; did you mean features\.0"):
        receptive_field(built("vgg11"), "featurs.0")


def test_the_check_needs_positions() -> None:
    with pytest.raises(NotApplicable, match=r"needs an output \(n, c, h, w\)"):
        receptive_field(nn.Sequential(nn.Flatten(), nn.Linear(48, 2)), "", (3, 4, 4), check=True)


def test_the_network_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True)).train()
    with untouched(net):
        receptive_field(net, "1", (3, 8, 8), check=True)
