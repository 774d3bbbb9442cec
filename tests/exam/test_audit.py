"""The audit of a training set-up: silent on healthy ones, right on faulty ones, and without a trace on all."""

import importlib.util
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn, optim

from faulty import FAULTY, PredictionNet, exam, exam_frozen
from healthy import CE, HEALTHY, SetUp, classifier, images, plain, sgd, trained
from snellen import Network, audit_training
from snellen._errors import NetworkError, UsageError
from snellen.checks.training import CHECKS
from snellen.report.to_json import to_dict
from untouched import untouched

pytestmark = [
    pytest.mark.filterwarnings("ignore:Lazy modules are a new feature"),
    pytest.mark.filterwarnings("ignore:Using a target size"),
]


def bits(value: Any) -> Any:
    """A value in a form that ``==`` compares bit for bit, with the identity of tensors."""
    if isinstance(value, Tensor):
        plain = value.detach().coalesce().values() if value.is_sparse else value.detach()
        return id(value), plain.clone().view(torch.uint8).numpy().tobytes() if plain.ndim else float(plain)
    if isinstance(value, dict):
        return {str(k) if isinstance(k, str) else id(k): bits(v) for k, v in value.items()}
    return [bits(v) for v in value] if isinstance(value, list | tuple) else value


def everything(at: SetUp) -> dict[str, Any]:
    optimizers = at.optimizers if isinstance(at.optimizers, list) else [at.optimizers]
    found: dict[str, Any] = {"modes": [m.training for m in at.network.modules()]}
    for number, optimizer in enumerate(optimizers):
        groups = [{k: bits(v) for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
        held = [[(id(p), p.grad is None, p._version) for p in g["params"]] for g in optimizer.param_groups]
        found |= {f"{number} groups": groups, f"{number} held": held, f"{number} state": bits(dict(optimizer.state))}
        found |= {f"{number} attributes": sorted(vars(optimizer)), f"{number} list": id(optimizer.param_groups)}
    found["grads"] = [None if p.grad is None else bits(p.grad) for p in at.network.parameters()]
    found["hooks"] = [sorted(k for k in vars(m) if "hook" in k and vars(m)[k]) for m in at.network.modules()]
    return found


@contextmanager
def no_trace(at: SetUp) -> Iterator[None]:
    before = everything(at)
    try:
        with untouched(at.network) if not any(p.dtype == torch.bfloat16 for p in at.network.parameters()) else dice():
            yield
    finally:
        after = everything(at)
        assert before == after, [k for k in before if before[k] != after[k]]


@contextmanager
def dice() -> Iterator[None]:
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    yield
    assert before == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_set_up_raises_no_alarm_and_is_left_as_it_was(name: str) -> None:
    torch.manual_seed(0)
    at = HEALTHY[name]()
    with no_trace(at):
        findings = audit_training(*at)
    assert [str(f) for f in (*findings.errors, *findings.warnings)] == []
    assert to_dict(findings)["findings"]


@pytest.mark.parametrize("fault", FAULTY, ids=lambda f: f.__name__)
def test_a_fault_is_found_and_left_as_it_was(fault: Callable[[], SetUp]) -> None:
    torch.manual_seed(0)
    wanted, title = FAULTY[fault]
    at = fault()
    with no_trace(at):
        findings = audit_training(*at)
    said = [(f"{f.severity} {f.check}", f.title) for f in (*findings.errors, *findings.warnings)]
    assert any(where == wanted and title in words for where, words in said), said
    assert all(f.remedy for f in findings.errors)


def test_the_exam_names_the_blocks_the_reason_and_two_remedies() -> None:
    torch.manual_seed(0)
    found = audit_training(*exam()).errors
    assert [f.title for f in found] == [
        "Forgotten: block1, block2 and block3 are random and never trained",
        "Forgotten: fc is never trained",
    ]
    assert "test set will be poor" in found[0].sentence
    assert found[0].measured == {"forgotten_parameters": 600 + 8 + 1600 + 8 + 2304 + 32, "forgotten_layers": 3}
    code = {
        row[0]: "\n".join(r[1] for r in found[0].evidence[0].rows if r[0] == row[0])
        for row in found[0].evidence[0].rows
    }
    assert list(code) == ["train all layers", "load pretrained weights"]


def test_the_page_of_the_exam_is_what_the_command_says() -> None:
    """The table of docs/exams/in5400-exercise-11.md, from the file that its command runs."""
    docs = Path(__file__).resolve().parents[2] / "docs" / "exams"
    spec = importlib.util.spec_from_file_location("in5400_exercise_11", docs / "in5400_exercise_11.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network, optimizer, batch, loss, _ = module.setup()
    findings = audit_training(network, optimizer, batch, loss)
    assert [f.title for f in findings.errors] == [
        "Forgotten: block1, block2 and block3 are random and never trained",
        "Forgotten: fc is never trained",
    ]
    counts = {
        name: sum(p.numel() for n, p in network.named_parameters() if n.startswith(blocks))
        for name, blocks in (
            ("block1, block2, block3", ("block1", "block2", "block3")),
            ("block4, block5, block6", ("block4", "block5", "block6")),
            ("fc", ("fc",)),
        )
    }
    assert findings.errors[0].measured["forgotten_parameters"] == counts["block1, block2, block3"]
    assert f"{counts['block4, block5, block6']:,} numbers" in next(
        f.sentence for f in findings if "trained (" in f.sentence
    )
    page = (docs / "in5400-exercise-11.md").read_text(encoding="utf-8")
    for name, count in counts.items():
        assert f"| {name} | {count:,} |" in page


def test_the_remedies_on_the_page_of_the_exam_are_those_of_its_record() -> None:
    """The record is what ``--verify 100 --json`` wrote; both remedies must have helped on the withheld images."""
    docs = Path(__file__).resolve().parents[2] / "docs" / "exams"
    record = json.loads((docs / "in5400-exercise-11.json").read_text(encoding="utf-8"))
    page = (docs / "in5400-exercise-11.md").read_text(encoding="utf-8")
    tables = [e for f in record["findings"] for e in f["evidence"] if e["title"].startswith("The remedies tried")]
    assert [t["title"] for t in tables] == ["The remedies tried on copies, 100 steps of Adam each"]
    for way, first, last, train, test in tables[0]["rows"]:
        assert f"| {way} | {first} | {last} | {train:.1%} | {test:.1%} |".replace("%", " %") in page
    now, trained, pretrained = (row[4] for row in tables[0]["rows"])
    assert now < min(trained, pretrained)


def test_the_remedies_are_code_that_mends_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The printed lines are run; after each the audit has nothing to say of these blocks."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    at = exam_frozen()
    rows = audit_training(*at).errors[0].evidence[0].rows
    network = at.network
    names: dict[str, Any] = {"torch": torch, "network": network}
    exec("\n".join(code for remedy, code in rows if remedy == "train all layers"), names)
    assert audit_training(network, names["optimizer"], at.batch, at.loss).errors == ()
    better = PredictionNet()
    step = optim.Adam(better.parameters(), lr=0.01)
    for _ in range(3):
        step.zero_grad()
        CE(better(at.batch["img"]), at.batch["labels"]).backward()
        step.step()
    torch.save(better.state_dict(), "pretrained.pt")
    at = exam_frozen()
    names = {"torch": torch, "network": at.network}
    exec("\n".join(code for remedy, code in rows if remedy == "load pretrained weights"), names)
    assert torch.equal(at.network.block1.weight, better.block1.weight)
    assert not torch.equal(at.network.block4.weight, better.block4.weight)
    assert audit_training(*at).errors == ()


def test_the_remedies_are_tried_when_asked() -> None:
    torch.manual_seed(0)
    at = exam()
    with no_trace(at):
        found = audit_training(*at, verify_steps=30).errors[0]
    tried = found.evidence[1]
    assert "30 steps" in tried.title
    ways = {str(row[0]): float(str(row[2])) for row in tried.rows}
    assert list(ways) == ["trained as now", "all layers trained", "early layers pretrained (stand-in)"]
    assert ways["all layers trained"] < ways["trained as now"]
    assert f"all layers trained, loss {ways['all layers trained']:.3f}" in found.sentence


@pytest.mark.parametrize("where", ["forward", "loss", "backward", "step"])
def test_nothing_is_changed_by_a_step_that_raises(where: str) -> None:
    class Breaks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if where == "forward":
                raise ValueError("on purpose")
            return x

    class Stops(optim.SGD):
        def step(self, closure: Any = None) -> Any:
            super().step(closure)
            if where == "step":
                raise ValueError("on purpose")

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        if where == "loss":
            raise ValueError("on purpose")
        if where == "backward":
            outputs.register_hook(lambda _: 1 / 0)
        return CE(outputs, targets)

    network = nn.Sequential(classifier(dropout=0.5), Breaks())
    at = SetUp(network, Stops(network.parameters(), lr=0.1, momentum=0.9), images(), loss)
    with no_trace(at):
        if where == "step":
            assert "on purpose" in audit_training(*at).errors[0].sentence
        else:
            with pytest.raises(
                NetworkError, match=r"one step of this training raises \w+Error: .*(test_audit|purpose)"
            ):
                audit_training(*at)


def test_it_can_be_called_within_a_loop() -> None:
    """Training with an audit in the middle ends bit for bit where training without it ends."""

    def run(audit: bool) -> list[Tensor]:
        torch.manual_seed(0)
        network = classifier(dropout=0.3)
        optimizer = optim.AdamW(network.parameters(), lr=1e-3)
        for number in range(4):
            inputs, labels = images()
            optimizer.zero_grad()
            loss = CE(network(inputs), labels)
            if audit and number == 2:
                audit_training(network, optimizer, (inputs, labels), CE)
            loss.backward()
            optimizer.step()
        return [t.detach().clone() for t in (*network.parameters(), *network.buffers())]

    assert all(torch.equal(a, b) for a, b in zip(run(True), run(False), strict=True))


def test_the_same_seed_gives_the_same_findings() -> None:
    torch.manual_seed(0)
    at = HEALTHY["adam_mid_training"]()
    one, two = (to_dict(audit_training(*at, seed=4))["findings"] for _ in range(2))
    assert one == two


def test_a_network_is_given_normalised_pixels() -> None:
    network = Network(classifier(), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    seen: list[float] = []
    network.module.register_forward_pre_hook(lambda _, inputs: seen.append(float(inputs[0].mean())))
    audit_training(
        network, sgd(network.module.parameters()), (torch.full((8, 3, 12, 12), 0.75), torch.arange(8) % 4), CE
    )
    assert seen[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": 3}, "expects an nn.Module or a Network, got int"),
        ({"optimizers": 3}, "must be a torch.optim.Optimizer or a list of them, got int"),
        ({"loss": 3}, "loss must be callable"),
        ({"batch": torch.zeros(3)}, "a batch must be"),
        ({"batch": {"a": 1}}, "needs inputs under one of .* got a"),
    ],
)
def test_wrong_arguments_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        audit_training(**(plain()._asdict() | change))


def test_a_lazy_network_is_asked_for_its_first_batch() -> None:
    network = nn.Sequential(nn.Flatten(), nn.LazyLinear(4))
    with pytest.raises(NetworkError, match="put one batch through"):
        audit_training(network, sgd([torch.zeros(1, requires_grad=True)]), images(), CE)


def test_a_loss_that_is_no_number_is_named() -> None:
    with pytest.raises(NetworkError, match=r"must return one number as a tensor, got a tensor of shape \(16,\)"):
        audit_training(*plain()._replace(loss=nn.CrossEntropyLoss(reduction="none")))


def loop(at: SetUp, *, clears: bool, steps: bool = True) -> Callable[[], None]:
    def step() -> None:
        if clears:
            at.optimizers.zero_grad()
        CE(at.network(at.batch[0]), at.batch[1]).backward()
        if steps:
            at.optimizers.step()

    return step


@pytest.mark.parametrize(
    ("clears", "steps", "wanted"),
    [(True, True, "ok"), (False, True, "error"), (True, False, "warning"), (False, False, "warning")],
)
def test_a_loop_that_never_clears_its_gradients_is_found(clears: bool, steps: bool, wanted: str) -> None:
    at = HEALTHY["adam_mid_training"]()
    with no_trace(at):
        findings = audit_training(*at, step=loop(at, clears=clears, steps=steps))
    assert [f.severity for f in findings if f.check == "training/zero_grad"] == [wanted]


def test_a_gradient_clipped_to_nothing_is_found() -> None:
    at = plain()

    def step() -> None:
        at.optimizers.zero_grad()
        CE(at.network(at.batch[0]), at.batch[1]).backward()
        nn.utils.clip_grad_norm_(at.network.parameters(), 1e-9)
        at.optimizers.step()

    with no_trace(at):
        findings = audit_training(*at, step=step)
    assert "The loop's step hardly moves anything" in [f.title for f in findings.warnings]


def test_shuffled_labels_are_told_by_another_split() -> None:
    """Hard images (classes far inside the noise): a batch says nothing, the test split tells."""
    torch.manual_seed(0)
    labels = torch.arange(240) % 3
    pool = torch.randn(240, 3, 12, 12) + 0.12 * labels[:, None, None, None]
    shuffled = labels[:120][torch.randperm(120)]
    at = plain()._replace(batch=(pool[:60], shuffled[:60]))
    test = (pool[120:], labels[120:])
    said = [
        [f.severity for f in audit_training(*at, splits=splits) if f.check == "training/labels"]
        for splits in ({}, {"train": (pool[:120], shuffled), "test": test}, {"train": (pool[:120], labels[:120])})
    ]
    assert said == [["info"], ["warning"], ["ok"]]


@pytest.mark.parametrize(("train", "wanted"), [(True, "error"), (False, "ok")])
def test_a_validation_in_training_mode_is_found(train: bool, wanted: str) -> None:
    at = plain()
    with no_trace(at):
        findings = audit_training(*at, validate=lambda: at.network.train(train)(at.batch[0]))
    assert [f.severity for f in findings if f.check == "training/validation"] == [wanted]


def test_one_batch_is_learnt_by_heart_or_not() -> None:
    torch.manual_seed(0)
    at = plain()
    with no_trace(at):
        good = audit_training(*at, overfit_steps=100)
    same = images()[0][:1].expand(16, -1, -1, -1)
    bad = audit_training(*at._replace(batch=(same, images()[1])), overfit_steps=100)
    assert [[f.severity for f in found if f.check == "training/one_batch"] for found in (good, bad)] == [
        ["ok"],
        ["warning"],
    ]


def test_inputs_of_another_scale_are_found() -> None:
    torch.manual_seed(0)
    network = trained(classifier(), steps=60)
    inputs, labels = images()
    severities = [
        f.severity
        for batch in (inputs, inputs * 60 + 120)
        for f in audit_training(network, sgd(network.parameters(), 1e-4), (batch, labels), CE)
        if f.check == "training/input_scale"
    ]
    assert severities == ["ok", "warning"]


def test_shared_images_are_found_and_different_ones_are_not() -> None:
    torch.manual_seed(0)
    at, pool = plain(), torch.rand(160, 3, 12, 12)
    for test, wanted in ((pool[100:], "ok"), (pool[80:], "error"), (pool[:30] + 0.01, "warning")):
        findings = audit_training(*at, splits={"train": pool[:100], "test": test})
        assert [f.severity for f in findings if f.check == "training/leakage"] == [wanted]


def test_every_check_says_its_rule_in_its_docstring() -> None:
    for name, check in CHECKS.items():
        assert len((check.__doc__ or "").split()) > 25, name
        assert check() == check()
