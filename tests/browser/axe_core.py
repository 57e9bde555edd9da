"""axe-core, which finds faults of accessibility in a page; and how to get it.

    python tests/browser/axe_core.py

downloads it with npm into build/. It is not a part of the kit: only tests need it.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VERSION = "4.14.1"
SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
SCRIPT = Path(__file__).parents[2] / "build" / f"axe-core-{VERSION}.min.js"
MISSING = (
    "axe-core was not found. Install npm (Debian: apt install npm), and run: python "
    "tests/browser/axe_core.py"
)

# Faults by rule, weight and element. Only what a reader is kept from counts. axe-core
# leaves the contrast of a single letter to people: here it counts too.
_RUN = """async (places) => {
    const found = await axe.run({ include: places }, { preload: false });
    const isPale = ({ data }) => data?.messageKey === "shortTextContent"
        && data.contrastRatio < parseFloat(data.expectedContrastRatio);
    const unsure = found.incomplete.filter(({ id }) => id === "color-contrast")
        .map(({ nodes, ...rule }) =>
            ({ ...rule, nodes: nodes.filter(({ any }) => any.some(isPale)) }));
    return [...found.violations, ...unsure].filter(({ impact }) => impact !== "minor")
        .flatMap(({ id, impact, nodes }) => nodes.map(({ html, failureSummary }) =>
            `${id} (${impact}): ${html.slice(0, 200)} ${failureSummary}`));
}"""


def read_script():
    """The text of axe-core; None if it is not there."""
    if not SCRIPT.exists():
        return None
    text = SCRIPT.read_bytes()
    _check(text)
    return text.decode("utf-8")


def faults(page, script, places=("body",)):
    """Faults in parts of a page and in the frames inside them, heavier than "minor".

    Args:
        page: A tab of the browser.
        script: Text of axe-core.
        places: CSS selectors; each has to match an element.
    """
    for frame in page.frames:
        frame.evaluate(script)
    return page.evaluate(_RUN, [[place] for place in places])


def _check(text):
    found = hashlib.sha256(text).hexdigest()
    if found != SHA256:
        raise ValueError(
            f"'{SCRIPT.name}' is not axe-core {VERSION}: its sha256 is {found}, not "
            f"{SHA256}. Remove it, and run: python tests/browser/axe_core.py"
        )


def get():
    """Download axe-core unless it is there."""
    if read_script():
        return
    npm = shutil.which("npm")
    if npm is None:
        raise OSError(MISSING)
    with tempfile.TemporaryDirectory() as folder:
        package = [npm, "pack", "--silent", f"axe-core@{VERSION}"]
        subprocess.run(package, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as files:
            text = files.extractfile("package/axe.min.js").read()
    _check(text)
    SCRIPT.parent.mkdir(exist_ok=True)
    SCRIPT.write_bytes(text)


if __name__ == "__main__":
    try:
        get()
    except (OSError, subprocess.CalledProcessError, ValueError) as err:
        sys.exit(str(err))
