"""``snellen list``: what there is."""

import inspect

from snellen.cli import options as o
from snellen.cli.console import say, verb, write_json


@verb
def list_methods(json: o.Json = None) -> None:
    """List the methods, the checks and the presets, each with its first sentence."""
    from snellen.exam.catalogue import catalogue
    from snellen.exam.plan import presets, read_plan
    from snellen.findings.findings import SCHEMA_VERSION

    groups = {
        family: {name: (inspect.getdoc(method) or "").split("\n", 1)[0] for name, method in methods.items()}
        for family, methods in catalogue().items()
    }
    groups["presets"] = {name: read_plan(name).description for name in presets()}
    if json is not None:
        write_json({"schema_version": SCHEMA_VERSION, **groups}, json)
    if json != "-":
        for family, rows in groups.items():
            say(f"{family}\n" + "".join(f"  {name:28} {text}\n" for name, text in rows.items()) + "\n")
