"""The network and the training of IN5400, exam 2021, exercise 11, as printed there, on images of digits.

snellen audit docs/exams/in5400_exercise_11.py:setup --verify 100
"""

from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn


class mypredictionnet(nn.Module):  # noqa: N801  the exam's name
    """Six convolutions, a pooling, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.block1 = nn.Conv2d(3, out_channels=8, kernel_size=5)
        self.block2 = nn.Conv2d(8, out_channels=8, kernel_size=5)
        self.block3 = nn.Conv2d(8, out_channels=32, kernel_size=3)
        self.block4 = nn.Conv2d(32, out_channels=32, kernel_size=3)
        self.block5 = nn.Conv2d(32, out_channels=32, kernel_size=3)
        self.block6 = nn.Conv2d(32, out_channels=32, kernel_size=3)
        self.somepooling = torch.nn.AdaptiveAvgPool2d(output_size=1)
        self.fc = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Any:
        x = torch.nn.functional.relu(self.block1(x))
        x = torch.nn.functional.relu(self.block2(x))
        x = torch.nn.functional.relu(self.block3(x))
        x = torch.nn.functional.relu(self.block4(x))
        x = torch.nn.functional.relu(self.block5(x))
        x = torch.nn.functional.relu(self.block6(x))
        x = self.somepooling(x)
        return self.fc(torch.flatten(x, 1))


def batches() -> tuple[list[dict[str, Tensor]], list[dict[str, Tensor]]]:
    """1,500 digits to train on and 297 to test on, as 3 x 24 x 24 pixels, in batches of ``img`` and ``labels``."""
    digits = load_digits()
    pixels = torch.from_numpy(digits.images).float()[:, None] / 16
    pixels = nn.functional.interpolate(pixels, size=24, mode="bilinear").expand(-1, 3, -1, -1)
    labels = torch.from_numpy(digits.target).long()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    parts = [
        {"img": (pixels[rows] - 0.3) / 0.37, "labels": labels[rows]}
        for rows in (*order[:1500].split(50), *order[1500:].split(99))
    ]
    return parts[:30], parts[30:]


def setup() -> Any:
    """What ``trainsome`` of the exam sets up: network, optimizer, a batch, the loss, and the data."""
    torch.manual_seed(0)
    train, test = batches()
    net = mypredictionnet()
    trainables = []
    for name, params in net.named_parameters():
        if "block4" in name or "block5" in name or "block6" in name:
            trainables.append(params)
    optimizer = torch.optim.SGD(trainables, lr=0.001, momentum=0.9)
    net.train(True)
    return net, optimizer, train[0], nn.CrossEntropyLoss(), {"splits": {"train": train, "test": test}}
