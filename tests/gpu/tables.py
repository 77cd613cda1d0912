"""Writes what the ledger holds as Markdown: every number beside its target, misses and failures by name."""

from collections.abc import Iterable, Sequence
from functools import partial

from tests.benchmarks.report import Table, at_least, at_most
from tests.gpu.cases import SKIPPED, Ledger, Outcome, Values
from tests.gpu.checks import MATRIX

_ASSUMED_LIMIT = 790.0
_PEAK = 989.0
"""TFLOP/s: of a large product as seen on such machines, and as the maker gives it."""

_TARGETS = {"0.6B": (0.40, 0.55), "1.7B": (0.50, 0.62), "4B": (0.55, 0.65)}
"""Share of the measured limit by size: the target, and the moonshot."""

_PREDICTED = {
    "0.6B": {"ours": 50.1, "ours, sharing off": 41.3, "ours, recompute layer": 39.4, "reference": 22.0},
    "1.7B": {"ours": 23.3, "ours, sharing off": 18.7, "ours, recompute layer": 18.0, "reference": 9.3},
    "4B": {"ours": 9.6, "ours, sharing off": 7.7, "ours, recompute layer": 7.4, "reference": 3.9},
}
"""Pairs a second of a roofline (facts/training_peers.md section 5.2), of which 15 to 20 % are to be taken off."""
_TRL_PREDICTED = {"0.6B": 19.8, "1.7B": 8.7, "4B": 3.6}

OVER_REFERENCE, OVER_TRL, OVER_UNSHARED = 2.2, 2.0, 1.22
Found = dict[str, Values]


def tables(ledger: Ledger, keys: Sequence[str]) -> list[str]:
    """All tables.

    Args:
        keys: of all cases there are, in their order.
    """
    latest = ledger.latest()
    found: Found = {
        key: outcome.values
        for key in keys
        if (outcome := latest.get(key)) and outcome.values is not None and SKIPPED not in outcome.values
    }
    limit = found[MATRIX]["TFLOP/s"] if MATRIX in found else _ASSUMED_LIMIT
    sizes = list(dict.fromkeys(key.split("/")[1] for key in found if key.startswith("training/")))
    made = [
        _targets(found, sizes, limit, measured=MATRIX in found),
        _failures(latest, keys),
        _attention(found),
        _ceilings(found),
        *_cross_entropy(found),
        _attention_speed(found),
        *(_training(found, size, limit) for size in sizes),
        _kernels(found, sizes),
        *(_profile(found, size) for size in sizes),
        _scoring(found, limit),
        _smoke(found),
    ]
    return [table.markdown() for table in made if table.rows]


def _targets(found: Found, sizes: Iterable[str], limit: float, *, measured: bool) -> Table:
    rows = []
    for size in sizes:
        speed = partial(_speed, found, size)
        ours, trl = _best_of_ours(found, size), _best(found, size, "TRL, micro-batch")
        ratios = (
            ("over the reference", ours, speed("reference"), OVER_REFERENCE),
            ("reward only, over TRL (its faster micro-batch)", speed("ours, reward only"), trl, OVER_TRL),
            (
                "over sharing off, same kernels and packs",
                speed("ours"),
                speed("ours, sharing off"),
                OVER_UNSHARED,
            ),
        )
        rows += [(size, name, at_least(a / b, target)) for name, a, b, target in ratios if a and b]
        if ours:
            share = _fraction(_fastest_of_ours(found, size), limit)
            goal, moonshot = _TARGETS.get(size, (0.0, 0.0))
            rows.append((size, "share of the limit", at_least(share, goal)))
            rows.append((size, "share of the limit, moonshot", at_least(share, moonshot)))
    source = "measured in this run" if measured else "assumed: the check of the product did not run"
    note = f"The limit is {limit:.0f} TFLOP/s, {source}; ours is the fastest kernels and packs of the tables below."
    return Table(title="Targets", columns=("size", "what", "value"), rows=rows, notes=[note])


def _failures(latest: dict[str, Outcome], keys: Sequence[str]) -> Table:
    rows = []
    for key in keys:
        outcome = latest.get(key)
        if outcome is None or outcome.begun:
            rows.append((key, "not run yet"))
        elif outcome.failed:
            rows.append((key, (outcome.error or "did not pass; see its table").replace("|", "\\|")))
        elif outcome.values is not None and SKIPPED in outcome.values:
            rows.append((key, f"left out: {outcome.values[SKIPPED]}"))
    return Table(title="Failed or missing", columns=("case", "why"), rows=rows)


def _attention(found: Found) -> Table:
    rows = []
    for key, values in found.items():
        if "errors" in values:
            errors = " / ".join(f"{error:.1e}" for error in values["errors"].values())
            worst, plain = max(values["errors"].values()), max(values["errors of SDPA"].values())
            verdict = at_most(worst, values["tolerance"])
            rows.append(
                (_name(key), f"{values['segments']}", f"{values['rows']}", errors, f"{plain:.1e}", verdict)
            )
    return Table(
        title="Attention over segments against float32 under the tree's mask",
        columns=("pack", "segments", "rows", "output / dq / dk / dv", "SDPA, worst", "ours, worst"),
        rows=rows,
        notes=["Relative errors by the Frobenius norm; SDPA is dense attention in the same dtype."],
    )


def _ceilings(found: Found) -> Table:
    rows = [
        (_name(key), f"{values[unit]:.3g} {unit}")
        for key, values in found.items()
        for unit in ("TFLOP/s", "TB/s")
        if unit in values and "ms" not in values
    ]
    return Table(title="Ceilings", columns=("what", "measured"), rows=rows)


def _cross_entropy(found: Found) -> list[Table]:
    made = []
    for key, values in found.items():
        if not key.startswith("checks/cross-entropy"):
            continue
        rows = [
            (
                row["way"],
                f"{row['ms']:.2f}",
                f"{values['flops'] / row['ms'] / 1e9:.0f}",
                f"{row['GiB']:.1f}",
                f"{row['error']:.1e}",
            )
            for row in values["rows"]
        ]
        columns = ("way", "ms", "TFLOP/s", "peak GiB", "error of the weight's gradient")
        title = f"Cross-entropy of {values['labels']} labels{_name(key).removeprefix('cross-entropy')}"
        made.append(Table(title=title, columns=columns, rows=rows))
    return made


def _attention_speed(found: Found) -> Table:
    rows = [
        (
            key.partition(": ")[2],
            f"{values['rows']}",
            f"{values['ms']:.2f}",
            f"{values['TFLOP/s']:.0f}",
            f"{values['GiB']:.1f}",
        )
        for key, values in found.items()
        if key.startswith("checks/attention speed")
    ]
    columns = ("way", "rows", "ms", "TFLOP/s under the tree", "peak GiB")
    return Table(title="Attention of one layer, forward and backward", columns=columns, rows=rows)


def _training(found: Found, size: str, limit: float) -> Table:
    predicted = _PREDICTED.get(size, {})
    rows = []
    for key, values in found.items():
        side = key.removeprefix(f"training/{size}/")
        if side == key or "pairs" not in values:
            continue
        expected = predicted.get(side) or (_TRL_PREDICTED.get(size) if side == "TRL, micro-batch 4" else None)
        seconds, error = values["seconds"], values["gradient_error"]
        rows.append(
            (
                side,
                values["set"],
                values["objective"],
                f"{values['pairs'] / seconds:.2f}",
                f"{expected:.1f}" if expected else "",
                f"{values['tokens'] / seconds:,.0f}",
                f"{_fraction(values, limit):.3f}",
                f"{values['executed_flops'] / seconds / 1e12 / _PEAK:.3f}",
                f"{values['peak_gib']:.1f}",
                "" if error is None else f"{error:.1e}",
            )
        )
    columns = (
        "side",
        "set",
        "objective",
        "pairs/s",
        "predicted",
        "tokens/s",
        "of the limit",
        "MFU",
        "GiB",
        "grad",
    )
    notes = [
        "tokens/s counts both conversations of a pair whole, whatever a side computes.",
        "of the limit: FLOPs of the shared layout without recomputation, over the measured limit; "
        f"MFU: FLOPs that a side executes, over {_PEAK:.0f} TFLOP/s.",
        "grad: relative error of the gradients on 8 pairs against plain layers, before timing.",
        "predicted: a roofline, of which 15 to 20 % are to be taken off.",
    ]
    return Table(title=f"Training at {size}, whole steps", columns=columns, rows=rows, notes=notes)


def _kernels(found: Found, sizes: Iterable[str]) -> Table:
    """Which of Liger, torch.compile and plain layers is to be the default."""
    sides = {"Liger": "ours", "torch.compile": "ours, torch.compile", "plain": "ours, plain layers"}
    rows = []
    for size in sizes:
        speeds = {name: _speed(found, size, side) for name, side in sides.items()}
        known = {name: speed for name, speed in speeds.items() if speed}
        if len(known) > 1:
            cells = [f"{known[name]:.2f}" if name in known else "not run" for name in sides]
            rows.append((size, *cells, max(known, key=known.__getitem__)))
    return Table(title="Kernels: pairs/s", columns=("size", *sides, "best"), rows=rows)


def _profile(found: Found, size: str) -> Table:
    values = found.get(f"training/{size}/profile")
    if values is None:
        return Table(title="", columns=(), rows=())
    rows = [
        (line["name"].replace("|", "\\|"), f"{line['ms']:.1f}", f"{line['calls']}", f"{line['share']:.3f}")
        for line in values["lines"]
    ]
    note = (
        f"One step: kernels {values['busy ms']:.0f} ms, wall {values['wall ms']:.0f} ms under the profiler."
    )
    columns = ("kernel", "ms", "calls", "share")
    return Table(title=f"Profile of ours at {size}", columns=columns, rows=rows, notes=[note])


def _scoring(found: Found, limit: float) -> Table:
    rows = []
    for key, values in found.items():
        if key.startswith("scoring/"):
            loop = found.get(f"scoring/{values['size']}/padded loop")
            speed = values["pairs"] / values["seconds"]
            ratio = f"{speed * loop['seconds'] / loop['pairs']:.2f}" if loop else ""
            rows.append(
                (
                    values["size"],
                    key.rpartition("/")[2],
                    f"{speed:.1f}",
                    ratio,
                    f"{values['tokens'] / values['seconds']:,.0f}",
                    f"{_fraction(values, limit):.3f}",
                    f"{values['peak_gib']:.1f}",
                    f"{values['difference']:.1e}",
                )
            )
    columns = ("size", "way", "pairs/s", "over the loop", "tokens/s", "of the limit", "GiB", "difference")
    note = (
        "difference: of a score between both ways, as a share of the largest score; packing time is counted."
    )
    return Table(title="Scoring", columns=columns, rows=rows, notes=[note])


def _smoke(found: Found) -> Table:
    rows = []
    for key, values in found.items():
        if key.startswith("smoke/"):
            speed = values.get("speed", {})
            said = [f"{name} {value:.3g}" for name, value in speed.items()]
            if "equal bytes" in values:
                said.append(f"equal bytes: {values['equal bytes']}")
            rows.append(
                (
                    _name(key),
                    "passed" if values["passed"] else "FAILED",
                    f"{values['steps']}" if "steps" in values else "",
                    f"{values['first loss']:.4f} to {values['last loss']:.4f}" if "steps" in values else "",
                    f"{values['difference']:.1e}" if "difference" in values else "",
                    f"{values['seconds']:.0f}" if "seconds" in values else "",
                    ", ".join(said),
                )
            )
    columns = ("path", "verdict", "steps", "loss", "difference", "wall s", "said")
    return Table(title="Every path through torchrun, one rank", columns=columns, rows=rows)


def _name(key: str) -> str:
    return key.partition("/")[2]


def _speed(found: Found, size: str, side: str) -> float | None:
    """Pairs a second, None where the side was not timed."""
    values = found.get(f"training/{size}/{side}")
    return values["pairs"] / values["seconds"] if values else None


def _best(found: Found, size: str, start: str) -> float | None:
    """The most pairs a second of the sides whose name starts so."""
    prefix = f"training/{size}/"
    sides = [key.removeprefix(prefix) for key in found if key.startswith(prefix + start)]
    return max((speed for side in sides if (speed := _speed(found, size, side))), default=None)


def _fastest_of_ours(found: Found, size: str) -> Values:
    """The fastest run of ours with the objective, the set and the layout of the reference's."""
    names = ("ours", "ours, plain layers", "ours, torch.compile")
    keys = [key for key in found if key.startswith(f"training/{size}/ours, packs of ")]
    keys += [key for name in names if (key := f"training/{size}/{name}") in found]
    return max((found[key] for key in keys), key=lambda values: values["pairs"] / values["seconds"])


def _best_of_ours(found: Found, size: str) -> float | None:
    if _speed(found, size, "ours") is None:
        return None
    values = _fastest_of_ours(found, size)
    return float(values["pairs"] / values["seconds"])


def _fraction(values: Values, limit: float) -> float:
    """Share of the limit, a TFLOP/s."""
    return float(values["limit_flops"] / values["seconds"] / 1e12 / limit)
