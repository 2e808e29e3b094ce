"""The house: imports go one way, files stay short, and a name means one thing.

``docs/layout.md`` holds the order, in a fenced block with one module a line, and is itself checked
against the files that exist.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import glassgrad as gg

SOURCE = Path(gg.__file__).resolve().parent
LAYOUT = Path(__file__).resolve().parents[1] / "docs" / "layout.md"
LONGEST = 400
FILES = sorted(p.relative_to(SOURCE).as_posix() for p in SOURCE.rglob("*.py"))


def order() -> list[str]:
    """The modules in the order of `docs/layout.md`; a line may say more after the path."""
    for block in re.findall(r"```\w*\n(.*?)```", LAYOUT.read_text(encoding="utf-8"), re.DOTALL):
        paths = [line.split()[0] for line in block.splitlines() if line.strip()]
        if paths and all(path.endswith(".py") for path in paths):
            return paths
    raise AssertionError(f"{LAYOUT} has no fenced block of modules, one a line, each starting with its path")


def file_of(module: str) -> str | None:
    """The file, relative to the package, of a dotted module name inside it; None where there is none."""
    parts = module.split(".")[1:]
    for path in ("/".join([*parts, "__init__.py"]), "/".join(parts) + ".py"):
        if (SOURCE / path).is_file():
            return path
    return None


def typing_only(tree: ast.AST) -> set[int]:
    """Ids of the nodes under ``if TYPE_CHECKING:``."""
    return {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }


def strings_imported(node: ast.Call) -> list[str]:
    """Modules named in ``importlib.import_module("…")``."""
    name = ast.unparse(node.func)
    if name in ("importlib.import_module", "import_module", "__import__") and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            return [first.value]
    return []


@functools.cache
def imported(path: str) -> tuple[tuple[str, int], ...]:
    """Every module that a file imports, at the top or late, with its line; not those for type checkers only."""
    return tuple(_imported(path))


def _imported(path: str) -> Iterator[tuple[str, int]]:
    tree = ast.parse((SOURCE / path).read_text(encoding="utf-8"))
    skip = typing_only(tree)
    package = ["glassgrad", *path.split("/")[:-1]]
    for node in ast.walk(tree):
        if id(node) in skip:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield (inner if module.startswith("glassgrad") and file_of(inner) else module), node.lineno
        elif isinstance(node, ast.Call):
            yield from ((name, node.lineno) for name in strings_imported(node))


def inside(path: str) -> Iterator[tuple[str, int]]:
    """The files of the package that a file imports."""
    for module, line in imported(path):
        if module == "glassgrad" or module.startswith("glassgrad."):
            found = file_of(module)
            assert found is not None, f"{path}:{line} imports {module}, which does not exist"
            if found != path:
                yield found, line


def test_the_layout_lists_every_module_once() -> None:
    listed = order()
    assert len(set(listed)) == len(listed)
    assert sorted(listed) == FILES


def test_imports_go_one_way() -> None:
    """A file imports only from lines above its own; late imports inside functions count too."""
    place = {path: i for i, path in enumerate(order())}
    wrong = [
        f"{path}:{line} imports {found}"
        for path in FILES
        for found, line in inside(path)
        if place[found] >= place[path]
    ]
    assert wrong == []


def test_nothing_imports_in_a_circle() -> None:
    """True without the layout, too: the imports can be put in some order."""
    needs = {path: {found for found, _ in inside(path)} for path in FILES}
    left = dict(needs)
    while left:
        free = [path for path, wanted in left.items() if not wanted & set(left)]
        assert free, f"a circle among {sorted(left)}"
        for path in free:
            del left[path]


def test_files_stay_short() -> None:
    lengths = {path: len((SOURCE / path).read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {path: n for path, n in lengths.items() if n > LONGEST} == {}


def test_no_module_shares_its_name_with_a_public_function() -> None:
    """``glassgrad.trace`` is a function: there is no ``trace.py`` that an import would put in its place."""
    functions = {n for n in gg.__all__ if not inspect.ismodule(getattr(gg, n))}
    top = {path.removesuffix(".py") for path in FILES if "/" not in path}
    top |= {path.split("/")[0] for path in FILES if "/" in path}
    assert top & functions == set()
    for path in FILES:
        folder, _, file = path.rpartition("/")
        if file != "__init__.py" or not folder:
            continue
        package = importlib.import_module("glassgrad." + folder.replace("/", "."))
        public = {n for n in getattr(package, "__all__", ()) if not inspect.ismodule(getattr(package, n))}
        names = {Path(p).stem for p in FILES if p.rpartition("/")[0] == folder}
        assert names & public == set(), folder


@pytest.mark.parametrize("library", ["llvmlite", "torch", "jax", "tensorflow"])
def test_machine_code_stays_in_its_folder_and_peers_outside(library: str) -> None:
    users = {
        path for path in FILES for module, _ in imported(path) if module == library or module.startswith(f"{library}.")
    }
    allowed = {"llvmlite": "native/", "torch": "exchange/pytorch.py"}.get(library, "nowhere")
    assert {path for path in users if not path.startswith(allowed)} == set()


def test_ir_is_written_by_our_own_writer() -> None:
    """LLVM's is met as text: importing llvmlite's objects, and making them, would take longer than compiling."""
    wrong = re.compile(r"^\s*(?:from|import) llvmlite\b.*\bir\b", re.MULTILINE)
    assert [path for path in FILES if wrong.search((SOURCE / path).read_text(encoding="utf-8"))] == []


def test_gates_know_neither_tensors_nor_machine_code() -> None:
    """A rule acts on what it is handed: `ops` imports errors, records and itself, and nothing else of the package."""
    allowed = ("ops/", "op.py", "errors.py")
    wrong = [
        f"{path}:{line} imports {found}"
        for path in FILES
        if path.startswith("ops/")
        for found, line in inside(path)
        if not found.startswith(allowed)
    ]
    assert wrong == []


def test_nothing_of_this_machine_is_in_the_package() -> None:
    for path in FILES:
        text = (SOURCE / path).read_text(encoding="utf-8")
        assert not re.search(r"/(?:home|tmp|work|root|Users)/", text), path
