"""Each question about the wiring, on a network that has the fault and on those that have not."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference_nets import NETS, built
from snellen._errors import UsageError
from snellen.exam.inspect import inspect_network
from snellen.findings.evidence import Diagram, Gallery, Table
from snellen.findings.finding import Finding
from snellen.subject.network import Network
from toys import Toy
from untouched import untouched


def found(name: str, module: nn.Module, shape: tuple[int, ...] = (3, 32, 32), **settings: Any) -> Finding | None:
    """The finding of one check."""
    return next((f for f in inspect_network(module, shape, **settings) if f.check == f"wiring/{name}"), None)


def head(channels: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 2))


@pytest.mark.parametrize("name", NETS)
def test_good_networks_get_no_warning(name: str) -> None:
    findings = inspect_network(built(name), (3, 224, 224), with_weights=lambda: pytest.fail("weights were asked for"))
    assert [f"{f}" for f in (*findings.errors, *findings.warnings)] == []
    measured = findings.measured
    table = next(e for f in findings for e in f.evidence if isinstance(e, Table) and e.linked)
    owned = sum(row[3] for row in table.rows if isinstance(row[3], int))
    assert owned == measured["parameters"]
    assert sum(int(row[4]) for row in table.rows if row[4] is not None) == round(measured["gigamacs"] * 1e9)


def test_layers_never_called() -> None:
    net = Toy(lambda n, x: n.a(x), a=nn.Conv2d(3, 2, 1), lost=nn.Sequential(nn.Linear(5, 4), nn.ReLU()))
    finding = found("never_called", net)
    assert finding is not None
    assert (finding.severity, finding.measured) == ("warning", {"uncalled_parameters": 24.0})
    assert "lost.0: 24 parameters" in finding.sentence


def test_a_head_of_training_alone_is_no_fault() -> None:
    def run(n: Any, x: Tensor) -> Any:
        return (n.a(x), n.aux(x)) if n.training else n.a(x)

    finding = found("never_called", Toy(run, a=nn.Conv2d(3, 2, 1), aux=nn.Conv2d(3, 2, 1)))
    assert finding is not None
    assert (finding.severity, finding.title) == ("info", "Layers of training alone")


def test_layers_whose_weights_another_reads_are_used() -> None:
    net = Toy(lambda n, x: F.conv2d(x, n.a.weight), a=nn.Conv2d(3, 2, 1, bias=False))
    finding = found("never_called", net)
    assert finding is not None
    assert finding.severity == "ok"


def test_parameters_without_a_path() -> None:
    def run(n: Any, x: Tensor) -> Tensor:
        n.dropped(x)
        return n.a(x)

    finding = found("no_path", Toy(run, a=nn.Conv2d(3, 2, 1), dropped=nn.Conv2d(3, 5, 1)))
    assert finding is not None
    assert (finding.severity, finding.measured) == ("warning", {"lost_parameters": 20.0})
    assert "dropped (20 parameters)" in finding.sentence


def test_a_parameter_that_nothing_reads() -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 1))
    net[0].register_parameter("scale", nn.Parameter(torch.ones(7)))
    finding = found("no_path", net)
    assert finding is not None
    assert finding.measured == {"lost_parameters": 7.0}


def test_a_field_smaller_than_the_object() -> None:
    net = nn.Sequential(nn.Conv2d(3, 3, 5), nn.ReLU(), nn.Conv2d(3, 3, 5), head())
    small = found("field_size", net, object_size=20)
    assert small is not None
    assert (small.severity, small.measured) == ("warning", {"receptive_field": 9.0})
    told = [found("field_size", net, object_size=9), found("field_size", net), found("field_size", net, (3, 9, 9))]
    assert [f.severity for f in told if f is not None] == ["info", "info", "ok"]


def test_layers_without_new_context() -> None:
    net = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(6)), head())
    finding = found("unproductive", net, (3, 7, 7))
    assert finding is not None
    assert finding.severity == "info"
    assert finding.measured == {"unproductive_layers": 3.0}  # fields 3, 5, 7, 9 ...: the fourth reads 7 of 7
    assert "3, 4 and 5" in finding.sentence
    assert found("unproductive", net, (3, 32, 32)) is None


@pytest.mark.parametrize(
    ("layers", "severity", "words"),
    [
        ((nn.Conv2d(3, 3, 2, 4),), "warning", "75% of the image"),
        ((nn.Conv2d(3, 3, 3), nn.MaxPool2d(1, 2)), "info", "75% of their input"),
        ((nn.Conv2d(3, 3, 4, 4),), "ok", "reads all"),
        ((nn.Conv2d(3, 3, 3, 2, dilation=2),), "warning", "75% of the image"),
        ((nn.Conv2d(3, 3, 3, 2, padding=3, dilation=3),), "ok", "reads all"),
        ((nn.Conv2d(3, 3, 3, 2),), "info", "0 reads 31 of 32 rows and 31 of 32 columns of the image"),
        (
            (nn.Conv2d(3, 3, 3, (1, 2), padding=1), nn.MaxPool2d(3)),
            "info",
            "1 reads 30 of 32 rows and 15 of 16 columns",
        ),
        ((nn.Conv2d(3, 3, 3, 2, padding=1),), "ok", "reads all"),
        ((nn.MaxPool2d(3, 2, ceil_mode=True),), "ok", "reads all"),
    ],
)
def test_strides_beyond_the_kernel(layers: tuple[nn.Module, ...], severity: str, words: str) -> None:
    finding = found("skipped_pixels", nn.Sequential(*layers, head()))
    assert finding is not None
    assert finding.severity == severity
    assert words in finding.sentence


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation", "terms"),
    [
        (3, 2, 1, "1 to 4"),
        (5, 3, 1, "1 to 4"),
        (4, 2, 2, "0 to 16"),
        (4, 2, 1, None),
        (2, 2, 1, None),
        (3, 1, 1, None),
        (3, 1, 2, None),
    ],
)
def test_checkerboards(kernel: int, stride: int, dilation: int, terms: str | None) -> None:
    """The terms are those that a transposed convolution of ones adds up in the middle of its output."""
    layer = nn.ConvTranspose2d(1, 1, kernel, stride, dilation=dilation, bias=False)
    nn.init.ones_(layer.weight)
    counted = layer(torch.ones(1, 1, 12, 12))[..., 5:-5, 5:-5].unique()
    finding = found("checkerboard", layer, (1, 8, 8))
    if terms is None:
        assert len(counted) == 1
        assert finding is None or finding.severity == "ok"
    else:
        assert finding is not None
        assert finding.severity == "warning"
        assert terms == f"{int(counted.min())} to {int(counted.max())}"
        assert f"unequally many inputs: of {terms} there" in finding.sentence


def test_biases_before_batch_norm() -> None:
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 3, bias=False), nn.BatchNorm2d(4)
    )
    finding = found("bias_before_norm", net)
    assert finding is not None
    assert (finding.severity, finding.measured) == ("info", {"idle_biases": 4.0})
    assert "0.bias" in finding.sentence
    branching = Toy(lambda n, x: n.bn(n.a(x)) + n.a(x), a=nn.Conv2d(3, 4, 1), bn=nn.BatchNorm2d(4))
    twice = found("bias_before_norm", branching)
    assert twice is not None  # of two calls, only the first goes into BatchNorm alone
    shared = Toy(lambda n, x: (lambda y: n.bn(y) + y)(n.a(x)), a=nn.Conv2d(3, 4, 1), bn=nn.BatchNorm2d(4))
    assert found("bias_before_norm", shared) is None


@pytest.mark.parametrize(
    ("last", "severity"),
    [
        (nn.ReLU(), "warning"),
        (nn.Tanh(), "warning"),
        (nn.Softmax(1), "info"),
        (nn.Sigmoid(), "info"),
        (nn.Identity(), "ok"),
        (nn.LogSoftmax(1), "ok"),
    ],
)
def test_activations_behind_the_scores(last: nn.Module, severity: str) -> None:
    finding = found("last_activation", nn.Sequential(head(), last))
    assert finding is not None
    assert finding.severity == severity


def test_images_may_end_with_tanh() -> None:
    assert found("last_activation", nn.Sequential(nn.Conv2d(3, 3, 3), nn.Tanh())) is None


def test_the_largest_layer_of_vgg16() -> None:
    finding = found("budget", built("vgg16"), (3, 224, 224))
    assert finding is not None
    assert (finding.severity, round(finding.measured["largest_share"], 3)) == ("info", 0.743)
    assert "classifier.0 (Linear) holds 102,764,544 of 138,357,544 parameters" in finding.sentence


def test_paths_that_drift_apart() -> None:
    parts = {"a": nn.Conv2d(3, 4, 3, 2), "b": nn.Conv2d(3, 4, 3)}
    finding = found("misaligned", Toy(lambda n, x: n.a(x)[..., :9, :9] + n.b(x)[..., :9, :9], **parts))
    assert finding is not None
    assert finding.severity == "warning"
    assert "add joins a: convolution (stride 2, centre 1) and b: convolution (stride 1, centre 1)" in finding.sentence
    even = found("misaligned", Toy(lambda n, x: n.a(x) + x[..., 1:, 1:], a=nn.Conv2d(3, 3, 2)))
    assert even is not None
    assert even.severity == "info"


def plain(depth: int, make: Callable[[], list[nn.Module]]) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*(layer for _ in range(depth) for layer in make()), head(8))


def test_a_deep_plain_chain_that_loses_its_gradients() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 1), plain(30, lambda: [nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()]))
    finding = found("deep_chain", net, (3, 8, 8))
    assert finding is not None
    assert (finding.severity, finding.measured["layers_in_a_row"]) == ("warning", 32)
    assert finding.measured["gradient_ratio"] < 1e-3
    assert finding.evidence[0].title == "Gradients by depth"


def test_a_deep_plain_chain_whose_gradients_pass() -> None:
    def orthogonal() -> list[nn.Module]:
        layer = nn.Conv2d(8, 8, 1, bias=False)
        nn.init.orthogonal_(layer.weight)
        return [layer]

    finding = found("deep_chain", nn.Sequential(nn.Conv2d(3, 8, 1), plain(30, orthogonal)), (3, 8, 8))
    assert finding is not None
    assert finding.severity == "info"
    assert finding.measured["gradient_ratio"] == pytest.approx(1.0, rel=0.01) or finding.measured["gradient_ratio"] < 10


def test_the_table_says_what_each_layer_sees() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, (3, 5)), nn.MaxPool2d(2), nn.ConvTranspose2d(4, 4, 3, 2, 1), head(4))
    findings = inspect_network(net, (3, 32, 32))
    (table,) = (e for e in findings.findings[0].evidence if isinstance(e, Table))
    assert table.rows[0] == ("0", "Conv2d", "4 x 30 x 28", 184, 4 * 3 * 15 * 30 * 28, "13.4 kB", "3 x 5", "1", "0")
    assert [row[6:] for row in table.rows[1:]] == [
        ("4 x 6", "2", "0"),
        ("up to 6 x 8", "1", "0"),
        *[("whole image", "–", "–")] * 3,
    ]


def test_the_drawing_shows_ways_around_and_draws_what_is_alike_once() -> None:
    class Block(nn.Module):
        def __init__(self, kernel: int = 3) -> None:
            super().__init__()
            self.a, self.b = (nn.Conv2d(4, 4, kernel, padding=kernel // 2) for _ in "ab")

        def forward(self, x: Tensor) -> Tensor:
            return x + self.b(F.relu(self.a(x)))

    net = nn.Sequential(nn.Conv2d(3, 4, 1), Block(), Block(), Block(), Block(5), head(4))
    (diagram,) = (e for e in inspect_network(net, (3, 8, 8)).findings[0].evidence if isinstance(e, Diagram))
    assert [(b.name, b.times, b.inputs) for b in diagram.boxes] == [
        ("image", 1, ()),
        ("0", 1, (0,)),
        ("1 … 3", 3, (1,)),
        ("4", 1, (2,)),  # of another kernel
        ("5", 1, (3,)),
    ]
    inside = diagram.boxes[2].inside
    assert [(b.name, b.row, b.inputs) for b in inside] == [
        ("a", "1.a", (-1,)),
        ("relu", "", (0,)),
        ("b", "1.b", (1,)),
        ("+", "", (-1, 2)),
    ]


def test_one_layer_more_closely() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3))
    first = inspect_network(net, (3, 32, 32), layer="1", unit=(0, 13)).findings[0]
    assert first.sentence == "Each unit of 1 sees 7 x 7 pixels (stride 2, padding 1)."
    (table,) = (e for e in first.evidence if isinstance(e, Table))
    assert table.rows == (("y", 0, 0, 5, -1, 5), ("x", 13, 25, 31, 25, 31))
    with pytest.raises(UsageError, match="has 14 x 14 units, counted from 0; got unit 0,14"):
        inspect_network(net, (3, 32, 32), layer="1", unit=(0, 14))
    with pytest.raises(UsageError, match="name the layer"):
        inspect_network(net, (3, 32, 32), pixels=torch.rand(1, 3, 32, 32))


def test_what_a_unit_sees_of_an_image() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 3))
    pixels = torch.rand(2, 3, 16, 16)
    with untouched(net):
        seen = inspect_network(net, (3, 16, 16), layer="2", pixels=pixels).findings[1]
    assert seen.measured["field_share"] == pytest.approx(25 / 256)
    assert 0 < seen.measured["half_gradient_share"] <= 25 / 256
    (gallery,) = (e for e in seen.evidence if isinstance(e, Gallery))
    look, gradient = gallery.tiles[0].pictures
    assert gradient.values.shape == (16, 16)  # type: ignore[union-attr]
    assert (gradient.values[:6] == 0).all()  # type: ignore[union-attr]
    assert (gradient.values[6:11, 6:11] > 0).any()  # type: ignore[union-attr]
    with pytest.raises(UsageError, match=r"images must be \(3, 16, 16\)"):
        inspect_network(net, (3, 16, 16), layer="2", pixels=torch.rand(1, 3, 8, 8))
    assert look.name == "where it can look"
    assert [tile.caption for tile in gallery.tiles] == ["image 0", "image 1"]


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_the_border_of_the_field_is_seen_on_any_image(value: float) -> None:
    pixels = torch.full((1, 3, 12, 12), value)
    net = nn.Conv2d(3, 2, 3)
    findings = inspect_network(net, (3, 12, 12), layer="", unit=(4, 9), pixels=pixels, names=["grey.png"])
    (gallery,) = (e for e in findings.findings[1].evidence if isinstance(e, Gallery))
    assert gallery.tiles[0].caption == "grey.png"
    look = gallery.tiles[0].pictures[0].pixels  # type: ignore[union-attr]
    assert (look[4:7, 9:12] == round(255 * value)).all()  # the field, as it is
    frame = np.zeros((12, 12), dtype=bool)
    frame[3:8, 8:] = True
    frame[4:7, 9:] = False
    outside = np.ones((12, 12), dtype=bool)
    outside[3:8, 8:] = False
    assert (look[frame].astype(int).max(), look[outside].min() > 150) == (0, True)


def test_inspecting_never_changes_the_network() -> None:
    blocks = plain(22, lambda: [nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Dropout()])
    net = nn.Sequential(nn.Conv2d(3, 8, 1), blocks).train()
    net[1][1].num_batches_tracked += 3
    with untouched(net):
        assert found("deep_chain", net, (3, 4, 4)) is not None


def test_numbers_are_loaded_only_where_shapes_do_not_suffice() -> None:
    def looking() -> nn.Module:
        return Toy(lambda n, x: n.a(x) * float(n.a.bias.sum()), a=nn.Conv2d(3, 2, 1))

    with torch.device("meta"):
        outline = looking()
    findings = inspect_network(outline, (3, 4, 4), with_weights=lambda: Network(looking()))
    assert "cannot run on the meta device" in findings.findings[0].sentence
