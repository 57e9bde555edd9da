"""Write the site: the pages around the notebooks, and the search over all of them."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from website import search
from website.course import notebook_names, notebooks
from website.links import broken_links
from website.pages import FOLDER, frame
from website.places import (
    GLOSSARY,
    PICTURES,
    REPOSITORY,
    SEARCH,
    START,
    code_link,
    link_of,
    page_name,
    text_files,
)
from website.start import start_page
from website.texts import Text, render


def all_pages() -> list[str]:
    """Names of the pages of a whole site."""
    from website.reference import page_names

    texts = [page_name(path) for path in text_files()]
    of_notebooks = [f"{name}.html" for name in notebook_names()]
    return [START, *of_notebooks, *texts, *page_names(), SEARCH]


def write_site(folder: Path) -> list[Path]:
    """Write all pages except those of the notebooks, which must be there already.

    Args:
        folder: Folder of the site.

    Returns:
        Paths of the pages.

    Raises:
        ValueError: If a link of a page leads nowhere.
    """
    # The reference needs pdoc and TensorFlow; the page of a single notebook does not.
    from website.reference import addresses_of, public_names, reference_pages

    known, names = all_pages(), public_names()
    pages = text_pages(known, addresses_of(names)) | reference_pages(names)
    titles = {name: text.title for name, text in pages.items()}
    # Its heading is the name of the course.
    titles["readme.html"] = "README"
    pages[START] = start_page(notebooks(), titles, known)
    written = [_write(folder, name, text, known) for name, text in pages.items()]
    written.append(_write_search(folder, known))
    _copy_pictures(folder)
    broken = broken_links(folder, known)
    if broken:
        raise ValueError(
            f"The site has links that lead nowhere, such as {'; '.join(broken[:5])}. "
            "Correct them in the texts."
        )
    return written


def write_glossary(folder: Path, known: Collection[str]) -> Path:
    """Write the glossary, which pages of single notebooks link to."""
    path = PurePosixPath("notebooks/glossary.md")
    return _write(folder, GLOSSARY, _text_page(path, known, {}), known)


def text_pages(known: Collection[str], names: Mapping[str, str]) -> dict[str, Text]:
    """The Markdown files of the repository as pages, by their names."""
    return {page_name(path): _text_page(path, known, names) for path in text_files()}


def _text_page(
    path: PurePosixPath, known: Collection[str], names: Mapping[str, str]
) -> Text:
    page = page_name(path)
    markdown = (REPOSITORY / path).read_text(encoding="utf-8")
    address = partial(link_of, source=path, page=page, known=known)
    return render(markdown, address, partial(code_link, page=page, addresses=names))


def _write(
    folder: Path,
    name: str,
    text: Text,
    known: Collection[str],
    scripts: Sequence[str] = (),
) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(frame(name, text, known, scripts=scripts), encoding="utf-8")
    return path


def _write_search(folder: Path, known: Collection[str]) -> Path:
    """Write the page of the search, its script, and the sections of all other pages."""
    pages = {
        name: (folder / name).read_text(encoding="utf-8")
        for name in known
        if name != SEARCH
    }
    index = search.index_script(pages)
    (folder / search.INDEX).write_text(index, encoding="utf-8")
    shutil.copyfile(FOLDER / search.SCRIPT, folder / search.SCRIPT)
    scripts = (search.INDEX, search.SCRIPT)
    return _write(folder, SEARCH, search.search_page(), known, scripts)


def _copy_pictures(folder: Path) -> None:
    for path in sorted((REPOSITORY / "docs").iterdir()):
        if path.suffix in PICTURES:
            (folder / "docs").mkdir(exist_ok=True)
            shutil.copyfile(path, folder / "docs" / path.name)
