"""Rules that the source of every component file must keep, checked on its syntax tree.

kfp lifts the text of a component's function out of its file and runs it alone, under a fixed header
(`import kfp`, `from kfp import dsl`, `from kfp.dsl import *`, `from typing import *`). What else the file says
around the function is gone by then, so a name from there is a NameError in the task. The body must be short,
because tests reach the stage and not the body.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# What each rule asks for.
RULES: Final[Mapping[str, str]] = {
    "future-annotations": "turns annotations into strings, which kfp cannot read; remove the import",
    "import": "is neither kfp, the standard library nor themis_common.images; import it in the body",
    "module-global": "is defined outside the component and unknown when it runs; bind it in the body",
    "long-body": "is too long; move the work to stage.py",
    "untyped-list": "does not say what the list holds; write List[str]",
}

MAX_STATEMENTS: Final = 9

_ALLOWED_MODULES: Final = frozenset({"themis_common.images"})
_ALLOWED_PACKAGES: Final = frozenset({"kfp"}) | sys.stdlib_module_names
# Modules of which kfp's header imports the public names.
_HEADER_MODULES: Final = frozenset({"kfp", "kfp.dsl", "typing"})


@dataclass(frozen=True, slots=True)
class SourceFinding:
    """One broken rule: a key of `RULES`, the file and line, and the code it is about."""

    rule: str
    path: Path
    line: int
    code: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.code} {RULES[self.rule]} [{self.rule}]"


def lint_component_file(path: Path) -> list[SourceFinding]:
    """Check every rule over one component file; findings are in the order of its lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    broken = [*_import_findings(tree)]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any(
            _is_component(decorator) for decorator in node.decorator_list
        ):
            broken.extend(_function_findings(node, _module_names(tree)))
    findings = [SourceFinding(rule, path, node.lineno, code) for rule, node, code in broken]
    return sorted(findings, key=lambda finding: finding.line)


_Broken = tuple[str, ast.stmt | ast.expr, str]


def _import_findings(tree: ast.Module) -> Iterator[_Broken]:
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            if any(alias.name == "annotations" for alias in node.names):
                yield "future-annotations", node, ast.unparse(node)
        elif not all(_is_allowed(module) for module in _modules(node)):
            yield "import", node, ast.unparse(node)


def _modules(node: ast.Import | ast.ImportFrom) -> Iterable[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return ["." * node.level + (node.module or "")]


def _is_allowed(module: str) -> bool:
    return module in _ALLOWED_MODULES or module.partition(".")[0] in _ALLOWED_PACKAGES


def _is_component(decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(function) in {"dsl.component", "component"}


def _module_names(tree: ast.Module) -> frozenset[str]:
    """Return the names that the module binds at its top and that kfp's header does not bind again."""
    names: set[str] = set()
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.ImportFrom(module=module) if module in _HEADER_MODULES:
                names.update(alias.asname for alias in node.names if alias.asname)
            case ast.Import() | ast.ImportFrom():
                names.update(_imported_names(node))
            case _:
                names.update(name.id for name in ast.walk(node) if isinstance(name, ast.Name))
    return frozenset(names) - {"kfp"}


def _imported_names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        yield alias.asname or alias.name.partition(".")[0]


def _function_findings(function: ast.FunctionDef, module_names: frozenset[str]) -> Iterator[_Broken]:
    statements = function.body[1:] if ast.get_docstring(function) is not None else function.body
    count = sum(isinstance(node, ast.stmt) for statement in statements for node in ast.walk(statement))
    if count > MAX_STATEMENTS:
        yield "long-body", function, f"{function.name} ({count} statements, at most {MAX_STATEMENTS})"
    arguments = [node for node in ast.walk(function.args) if isinstance(node, ast.arg)]
    bound = {argument.arg for argument in arguments} | {
        name for statement in statements for name in _bound_names(statement)
    }
    for part in [function.args, *([function.returns] if function.returns else []), *statements]:
        # Annotations and defaults are evaluated outside the function, where its own names do not help.
        hidden = module_names - bound if part in statements else module_names
        for node in ast.walk(part):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in hidden:
                yield "module-global", node, node.id
    for annotation in [*(argument.annotation for argument in arguments), function.returns]:
        if isinstance(annotation, ast.Name) and annotation.id in {"list", "List"}:
            yield "untyped-list", annotation, annotation.id


def _bound_names(statement: ast.stmt) -> Iterator[str]:
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Import() | ast.ImportFrom():
                yield from _imported_names(node)
