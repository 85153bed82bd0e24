"""Executes every notebook of this folder from top to bottom and fails where a cell does.

Usage: python notebooks/run.py [--save]    (--save writes the outputs back into the notebooks)
The binary is taken from PARCOURS_BIN.
"""

import pathlib
import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

here = pathlib.Path(__file__).parent
for path in sorted(here.glob("*.ipynb")):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(here)}})
    try:
        client.execute()
    except CellExecutionError as error:
        print(error, file=sys.stderr)
        sys.exit(f"{path.name}: a cell failed")
    cells = sum(cell.cell_type == "code" for cell in notebook.cells)
    figures = sum("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
    print(f"{path.name}: {cells} cells ran, {figures} figures drawn")
    if "--save" in sys.argv:
        nbformat.write(notebook, path)
