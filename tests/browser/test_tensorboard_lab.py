"""`show_tensorboard` in JupyterLab: through the server's proxy, as on Binder."""

import pytest
from playwright.sync_api import expect

from browser.lab import open_notebook, run_cells, run_code, write_notebook

LOGS = """\
import tensorflow as tf

for run, last in (("first", 1.0), ("second", 0.5)):
    with tf.summary.create_file_writer(f"logs/{run}").as_default():
        for epoch in range(3):
            tf.summary.scalar("epoch_loss", 3 * last - epoch * last, epoch)"""
SHOW = """\
import tutorial_lib as tl

board = tl.show_tensorboard("logs")
board"""


@pytest.mark.slow
def test_tensorboard_is_seen_below_the_cell(lab, open_tab):
    address, folder = lab
    write_notebook(folder / "tensorboard.ipynb", LOGS, SHOW)
    tab = open_tab()
    open_notebook(tab, address, "tensorboard.ipynb")
    assert run_cells(tab) == []
    frame = tab.frame_locator("iframe[title='TensorBoard of logs']")
    expect(frame.get_by_text("epoch_loss").first).to_be_visible(timeout=60_000)
    for run in ("first", "second"):
        expect(frame.get_by_text(run, exact=True).first).to_be_visible()
    source = tab.locator("iframe[title='TensorBoard of logs']").get_attribute("src")
    port = run_code(tab, "print(board.address)").strip().strip("/").rpartition(":")[2]
    assert source == f"/proxy/{port}/"
    link = tab.get_by_role("link", name="Open TensorBoard in a tab")
    assert link.evaluate("(link) => link.href") == f"{address}/proxy/{port}/"
