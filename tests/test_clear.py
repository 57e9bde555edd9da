"""Was a section clear? What a press writes, and how the answers of a room add up."""

import errno
import json
import re
import shlex
from datetime import datetime

import pytest

from tutorial_lib import machine
from tutorial_lib.commands.parser import main
from tutorial_lib.exercises import feedback, was_clear
from tutorial_lib.exercises.feedback import Answer, read_feedback, save_answer


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The folder of a course without scenes; notebooks run in it."""
    monkeypatch.setattr(machine.data, "CHECKOUT", tmp_path / "site-packages")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def press(strip, answer, note=""):
    """What the browser does."""
    number = strip._pressed.get("number", 0) + 1
    strip._pressed = {"answer": answer, "note": note, "number": number}


def written(course):
    path = course / "data" / "work" / "feedback.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def line(section="The rule", clear=True, note="", notebook="04_early_stopping"):
    content = {"notebook": notebook, "section": section, "clear": clear, "note": note}
    return json.dumps(content)


# The strip


def test_a_press_writes_one_line(course):
    strip = was_clear("04_early_stopping", "The rule")
    assert not (course / "data").exists()
    press(strip, "unclear", "Which epoch is “best”?")
    (one,) = written(course)
    time = datetime.fromisoformat(one.pop("time"))
    assert (time.second, time.microsecond, time.tzinfo) == (0, 0, None)
    assert abs((datetime.now() - time).total_seconds()) < 120
    assert one == {
        "notebook": "04_early_stopping",
        "section": "The rule",
        "clear": False,
        "note": "Which epoch is “best”?",
    }
    assert (strip.saved, strip.status) == ("unclear", "Saved, on this machine only.")


def test_the_same_press_again_is_written_and_told_again(course):
    strip = was_clear("04", "The rule")
    for number in (1, 2):
        press(strip, "clear")
        assert (len(written(course)), strip._told) == (number, number)


def test_a_later_press_replaces_an_earlier_one(course):
    strip = was_clear("04", "The rule")
    press(was_clear("04", "Another"), "clear")
    press(strip, "unclear", "Why?")
    press(strip, "clear")
    answers = read_feedback([course / "data" / "work" / "feedback.jsonl"]).answers
    assert answers == (Answer("04", "Another", True), Answer("04", "The rule", True))


def test_a_cell_that_runs_again_shows_what_is_saved(course):
    press(was_clear("04", "The rule"), "unclear", "Why?")
    again = was_clear("04", "The rule")
    assert (again.saved, again._note, again.status) == ("unclear", "Why?", "")
    other = was_clear("04", "Another")
    assert (other.saved, other._note) == ("", "")
    assert len(written(course)) == 1


def test_a_note_is_one_short_line_of_signs_that_can_be_read(course):
    save_answer(Answer("04", "The rule", True, "a\nb\x1b[31mc\t" + "d" * 300))
    (one,) = written(course)
    assert one["note"].startswith("a b [31mc d")
    assert len(one["note"]) == feedback.LONGEST_NOTE


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC])
def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(
    course, monkeypatch, number
):
    strip = was_clear("04", "The rule")

    def fail(*_, **__):
        raise OSError(number, "No room")

    monkeypatch.setattr(feedback.Path, "open", fail)
    press(strip, "clear")
    assert strip.status == (
        "Not saved: feedback.jsonl could not be written (No room). Tell your "
        "teacher instead."
    )
    assert (strip.saved, strip._told) == ("", 1)


def test_a_file_in_the_place_of_the_folder_is_told_in_a_sentence(course):
    (course / "data").write_text("a file")
    strip = was_clear("04", "The rule")
    press(strip, "clear")
    assert strip.status.startswith("Not saved: feedback.jsonl could not be")


def test_half_a_line_is_taken_back(course, monkeypatch):
    save_answer(Answer("04", "The rule", True))
    path = course / "data" / "work" / "feedback.jsonl"
    before = path.read_bytes()
    real_open = feedback.Path.open

    class Full:
        """A file on a disk that is full after 10 bytes."""

        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def __getattr__(self, name):
            return getattr(self.file, name)

        def write(self, data):
            return self.file.write(data[:10])

    monkeypatch.setattr(feedback.Path, "open", lambda *a, **b: Full(real_open(*a, **b)))
    with pytest.raises(OSError, match="10 of"):
        save_answer(Answer("04", "Another", True))
    assert path.read_bytes() == before


def test_where_widgets_do_not_run_nothing_is_seen(course):
    strip = was_clear("04", "The rule")
    data, _ = strip._repr_mimebundle_()
    assert data["text/plain"] == repr(strip) == ""
    assert set(data) == {"text/plain", "application/vnd.jupyter.widget-view+json"}


@pytest.mark.parametrize(("notebook", "section"), [(4, "The rule"), ("04", None)])
def test_a_name_that_is_no_text_is_refused(notebook, section):
    with pytest.raises(TypeError, match="is"):
        was_clear(notebook, section)


# Sums


def test_the_answers_of_a_room_are_counted_by_section(tmp_path):
    rooms = {
        "a": [line("The rule", True), line("Curves", False, "What is drawn?")],
        "b": [line("The rule", False), line("The rule", True, "Now I see.")],
        "c": [line("Grid", True, notebook="01_patches"), line("The rule", False)],
    }
    paths = [tmp_path / f"{name}.jsonl" for name in rooms]
    for path, lines in zip(paths, rooms.values(), strict=True):
        path.write_text("\n".join([*lines, ""]))
    found = read_feedback([*paths, paths[0]])
    assert found.rows() == [
        ("01_patches", "Grid", 1, 0),
        ("04_early_stopping", "The rule", 2, 1),
        ("04_early_stopping", "Curves", 0, 1),
    ]
    text = repr(found)
    assert text.startswith("Answers in 3 files\n")
    assert re.search(r"04_early_stopping · The rule +2 +1\n", text)
    assert "04_early_stopping · Curves (unclear): What is drawn?" in text
    assert "04_early_stopping · The rule (clear): Now I see." in text


BAD = {
    "{": "no JSON",
    "[" * 100_000: "no JSON",
    "[1]": "no answer",
    '{"section": "a", "clear": true}': "`notebook`, `section` or `note`",
    '{"notebook": "a", "section": 3, "clear": true}': "`notebook`, `section`",
    line(note=None): "`note` is not a text",
    line(clear="yes"): "`clear` is neither true nor false",
}


@pytest.mark.parametrize(("bad", "why"), BAD.items(), ids=range(len(BAD)))
def test_a_bad_line_is_named_and_skipped(tmp_path, bad, why):
    path = tmp_path / "a.jsonl"
    path.write_text(f"{line('One')}\n{bad}\n\n{line('Two')}\n")
    with pytest.warns(match=f"{re.escape(why)}.* in line 2. 1 line is left out: 2."):
        found = read_feedback([path])
    assert [one.section for one in found.answers] == ["One", "Two"]


def test_a_file_of_another_kind_gives_one_warning(tmp_path):
    path = tmp_path / "map.tif"
    path.write_bytes(b"II*\0\xff\xfe\n" * 40)
    with pytest.warns(match="40 lines are left out: 1, 2, .*10 and 30 more") as caught:
        assert read_feedback([path]).answers == ()
    assert len(caught) == 1


def test_files_of_windows_are_read(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + f"{line('One')}\r\n{line('Two')}\r\n".encode())
    assert len(read_feedback([path]).answers) == 2


def test_signs_that_steer_a_terminal_do_not_reach_it(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(line("\x1b[2JThe rule", note="\x1b]0;title\x07hello"))
    text = repr(read_feedback([path]))
    assert "The rule" in text
    assert "hello" in text
    assert not re.search(r"[^\n\x20-\x7e·]", text)


# The command


def test_the_command_takes_the_file_of_this_machine(course, capsys):
    press(was_clear("04", "The rule"), "clear")
    assert main(["feedback"]) == 0
    assert re.search(r"04 · The rule +1 +0", capsys.readouterr().out)


# Warnings are errors in these tests, and lines of a command's output elsewhere.
@pytest.mark.filterwarnings("always")
def test_the_command_reads_files_and_names_bad_lines(tmp_path, capsys):
    paths = [tmp_path / f"{name}.jsonl" for name in "ab"]
    paths[0].write_text(line())
    paths[1].write_text(f"{line()}\noops\n")
    assert main(shlex.split(f"feedback {paths[0]} {paths[1]}")) == 0
    out, err = capsys.readouterr()
    assert re.search(r"The rule +2 +0", out)
    assert err == (
        f"tutorial-lib: warning: '{paths[1]}': there is no JSON in line 2. 1 line is "
        "left out: 2.\n"
    )


def test_the_command_reads_all_files_of_a_folder(tmp_path, capsys):
    for name in ("1.jsonl", "2.jsonl", "notes.txt"):
        (tmp_path / name).write_text(line())
    assert main(["feedback", str(tmp_path), str(tmp_path / "1.jsonl")]) == 0
    assert capsys.readouterr().out.startswith("Answers in 2 files\n")
    (tmp_path / "empty").mkdir()
    assert main(["feedback", str(tmp_path / "empty")]) == 1
    assert "holds no file that ends in .jsonl. Put" in capsys.readouterr().err


def test_a_missing_file_is_one_sentence(course, capsys):
    assert main(["feedback"]) == 1
    err = capsys.readouterr().err
    assert re.fullmatch(r"tutorial-lib: error: '.*feedback\.jsonl' cannot .*\.\n", err)
    (course / "empty.jsonl").touch()
    assert main(["feedback", "empty.jsonl"]) == 0
    assert capsys.readouterr().out == "There are no answers in 1 file.\n"
