"""The settings of a game as they took effect."""

from gan_lessons import small_lesson
from snellen.findings.evidence import Table
from snellen.training.verdicts.gan_setup import setup


def test_the_layers_and_the_settings_are_told() -> None:
    lesson = small_lesson(discriminator="critic", conditional=True, upsample="transposed")
    found = setup(lesson)
    layers, table = found.evidence
    assert isinstance(layers, Table)
    assert isinstance(table, Table)
    assert layers.rows == (("4 x 4 to 8 x 8", "ConvTranspose2d(4 to 2, kernel 4, stride 2, padding 1)"),)
    told = dict(row[:2] for row in table.rows)
    assert told["classes"] == "dark, light, striped"
    assert told["kept from being steep by"] == "gradient penalty, factor 10"
    assert str(told["steps"]).startswith("6, each after ")
    assert found.measured["generator_parameters"] == sum(p.numel() for p in lesson.generator.parameters())
    assert "40 images of 8 x 8 pixels and 1 channel." in found.sentence
