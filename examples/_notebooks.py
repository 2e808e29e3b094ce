"""Writes every example as a notebook beside its script: the docstring and the headings become text, the rest code.

``python examples/_notebooks.py`` writes them anew; a test says where one is older than its script.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def scripts() -> list[Path]:
    """The examples, in order of their names."""
    return sorted(path for path in HERE.glob("*.py") if not path.name.startswith("_"))


def notebook(script: Path) -> str:
    """The notebook of a script, as the text of its file."""
    source = script.read_text(encoding="utf-8")
    tree = ast.parse(source)
    title, _, about = (ast.get_docstring(tree) or script.stem).partition("\n")
    cells = [_cell("markdown", f"# {title}\n{about}".rstrip())]
    lines, kept = source.splitlines(), tree.body[1:]
    start = kept[0].lineno - 1
    for i, statement in enumerate(kept):
        said = _heading(statement)
        if said is not None:
            cells.append(_cell("code", "\n".join(lines[start : statement.lineno - 1])))
            cells.append(_cell("markdown", f"## {said}"))
            start = kept[i + 1].lineno - 1 if i + 1 < len(kept) else len(lines)
            while start > statement.end_lineno and lines[start - 1].startswith(
                ("#", "@")
            ):  # they belong to what follows
                start -= 1
    cells.append(_cell("code", "\n".join(lines[start:])))
    cells = [cell for cell in cells if cell["source"]]
    for number, cell in enumerate(cells):
        cell["id"] = f"{script.stem}-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def _heading(statement: ast.stmt) -> str | None:
    """The text of ``heading("…")``, unless it is put together while running."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if ast.unparse(call.func) == "heading" and isinstance(call.args[0], ast.Constant):
            return str(call.args[0].value)
    return None


def _cell(kind: str, text: str) -> dict[str, Any]:
    source = text.strip("\n").splitlines(keepends=True)
    more = {} if kind == "markdown" else {"execution_count": None, "outputs": []}
    return {"cell_type": kind, "id": "", "metadata": {}, **more, "source": source}


if __name__ == "__main__":
    for script in scripts():
        script.with_suffix(".ipynb").write_text(notebook(script), encoding="utf-8")
