"""Every image moves at an angle of its own, between -45 and 45 degrees."""

import torch

from instruments.corruptions.pictures import streams
from snellen.instruments.corruptions.motion_blur import MotionBlur


def test_angles() -> None:
    points = torch.zeros(60, 1, 61, 61)
    points[:, 0, 30, 30] = 1
    points[:, 0, 0, 0] = torch.arange(60) / 255  # tells the images apart
    made = MotionBlur().corrupt(points, (9, 2.5), streams(points))[:, 0, 10:, 10:]
    place = torch.arange(51) - 20.0
    down, right = (made.sum(dim=2) * place).sum(dim=1), (made.sum(dim=1) * place).sum(dim=1)
    angles = torch.rad2deg(torch.atan2(-down, -right))  # of the middle of the light, on the other side of the point
    assert (angles.abs() <= 46).all()
    counts = torch.histc(angles, 3, -45, 45)
    assert (counts > 8).all()
