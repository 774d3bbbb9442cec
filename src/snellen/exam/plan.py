"""Which checks an examination runs, and with what settings."""

import tomllib
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from snellen._errors import UsageError, unknown
from snellen.checks._base import CHECKS, Check


class Plan(BaseModel):
    """An examination as data: a TOML file with ``description`` and a table ``[checks."area/name"]`` a check.

    A preset is one of these files; ``--preset my.toml`` takes another. Settings are the fields of the check; an
    unknown check or setting is an error before anything runs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""
    checks: dict[str, dict[str, Any]]

    def build(self) -> dict[str, Check]:
        """The checks with their settings.

        Raises:
            UsageError: an unknown check or setting, or a setting out of range.
        """
        built = {}
        for name, settings in self.checks.items():
            if name not in CHECKS:
                raise unknown("check", name, CHECKS)
            try:
                built[name] = CHECKS[name](**_checked(name, settings))
            except UsageError as error:
                raise error if name in f"{error}" else UsageError(f"{name}: {error}") from error
        return built

    @property
    def metrics(self) -> dict[str, str]:
        """Every number the plan can measure, for ``--require``: name -> meaning."""
        return {name: text for check in self.checks for name, text in CHECKS[check].metrics.items()}


def _checked(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, each known and of its field's type."""
    hints = get_type_hints(CHECKS[name])
    known = [f.name for f in fields(CHECKS[name])]
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in settings.items()}
    for setting, value in values.items():
        if setting not in known:
            raise unknown(f"setting of {name}", setting, known)
        try:
            TypeAdapter(hints[setting]).validate_python(value, strict=True)
        except ValidationError as error:
            wanted = error.errors()[0]["msg"].removeprefix("Input should be ")
            raise UsageError(f"{name}: {setting} should be {wanted}, got {settings[setting]!r}") from error
    return values


def presets() -> dict[str, Path]:
    """The presets that ship: name -> file."""
    folder = Path(str(resources.files("snellen.exam") / "presets"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def read_plan(preset: str) -> Plan:
    """A preset by name, or a plan of the user's by path.

    Raises:
        UsageError: no such preset, or a file that is no plan; the reason is named.
    """
    known = presets()
    path = known.get(preset, Path(preset))
    if not path.is_file():
        raise unknown("preset", preset, known)
    try:
        return Plan(name=path.stem, **tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError, TypeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not a plan (TOML with 'description' and 'checks'): {error}") from error
