"""Alternative texts of all figures, read back from the page of a real JupyterLab."""

import pytest

from browser.figures import SETUP, STILLS, WIDGETS
from browser.lab import open_notebook, run_cells, write_notebook

WIDE = ["tl.compare(image, image)", "tl.show_map(image)"]


@pytest.mark.slow
def test_every_figure_has_its_words_in_the_page(lab, open_tab):
    address, folder = lab
    write_notebook(folder / "figures.ipynb", SETUP, *STILLS, *WIDGETS, *WIDE)
    tab = open_tab()
    open_notebook(tab, address, "figures.ipynb")
    assert run_cells(tab) == []
    for explorer in range(len(WIDGETS)):
        tab.locator(".kit-explorer[data-ready=true]").nth(explorer).wait_for()
    cells = tab.locator(".jp-CodeCell")
    starts = [*STILLS.values(), *WIDGETS.values()]
    for number, start in enumerate(starts, 1):
        images = cells.nth(number).locator("img")
        alts = images.evaluate_all("(all) => all.map((one) => one.alt)")
        # Each figure is shown once.
        assert len(alts) == 1
        assert alts[0].startswith(start)
        assert images.evaluate("(image) => image.naturalWidth") > 300
    pictures = tab.locator(".jp-OutputArea-output img")
    assert pictures.evaluate_all("(all) => all.every((one) => one.alt)")
    assert cells.locator("b", has_text="water:").count() == 0
