"""The arguments of a run, checked against the pipeline's parameters before anything starts."""

import json
from collections.abc import Mapping
from typing import Any, Final

from pipelines.ir_linter import MAX_PARAMETER_BYTES
from themis_common.errors import UserError

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "STRING": (str,),
    "NUMBER_INTEGER": (int,),
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}


def check_arguments(pipeline_spec: Mapping[str, Any], arguments: Mapping[str, Any]) -> None:
    """Check names, types and size, as the API server of a cluster would.

    Args:
        pipeline_spec: The IR of the pipeline.
        arguments: Values by parameter name.

    Raises:
        UserError: an argument is unknown, missing, of another type, or all of them together are too large.
    """
    parameters = pipeline_spec["root"].get("inputDefinitions", {}).get("parameters", {})
    known = ", ".join(sorted(parameters)) or "none"
    for name, value in arguments.items():
        if name not in parameters:
            raise UserError(f"the pipeline has no parameter {name!r}; it has {known}")
        kind = parameters[name]["parameterType"]
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "BOOLEAN"):
            raise UserError(f"parameter {name} must be {kind}, got {value!r}")
    missing = [name for name, p in parameters.items() if name not in arguments and not p.get("isOptional")]
    if missing:
        raise UserError(f"the pipeline needs a value for {', '.join(sorted(missing))}")
    size = len(json.dumps(dict(arguments)).encode())
    if size > MAX_PARAMETER_BYTES:
        raise UserError(
            f"the arguments take {size} bytes of {MAX_PARAMETER_BYTES}; pass the URI of a file instead"
        )
