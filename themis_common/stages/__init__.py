"""The stage contract: what a stage is, how it runs, and what it must account for."""

from themis_common.stages.output import UnitOutput
from themis_common.stages.run import StageReport, gather, map_units, plan_units, run_stage
from themis_common.stages.stage import Context, Stage

__all__ = [
    "Context",
    "Stage",
    "StageReport",
    "UnitOutput",
    "gather",
    "map_units",
    "plan_units",
    "run_stage",
]
