"""`show_tensorboard`: where it runs, and which address a browser is given."""

import urllib.request

import psutil
import pytest

from tutorial_lib.viewers import tensorboards
from tutorial_lib.viewers.tensorboards import show_tensorboard

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs <b>")
    (folder / "first").mkdir()
    return folder


def test_it_answers_on_this_machine_only_and_runs_once(logs):
    board = show_tensorboard(logs)
    assert board.address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(board.address, timeout=20) as answer:
        assert b"TensorBoard" in answer.read()
    assert show_tensorboard(logs).address == board.address
    assert board.address in repr(board)


def test_without_a_server_the_browser_is_on_this_machine(logs, monkeypatch):
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX", raising=False)
    monkeypatch.setenv("JPY_PARENT_PID", "0")
    board = show_tensorboard(logs)
    assert board.source == board.address


def test_on_a_hub_the_browser_goes_through_the_proxy(logs, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/anna/")
    board = show_tensorboard(logs)
    port = board.address.strip("/").rpartition(":")[2]
    assert board.source == f"/user/anna/proxy/{port}/"
    assert f'src="{board.source}"' in board._repr_html_()


def test_the_server_of_the_kernel_is_found_among_others(logs, monkeypatch):
    servers = [{"pid": 1, "base_url": "/other/"}, {"pid": 77, "base_url": "/mine/"}]
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX", raising=False)
    monkeypatch.setenv("JPY_PARENT_PID", "77")
    monkeypatch.setattr(tensorboards, "list_running_servers", lambda: servers)
    assert show_tensorboard(logs).source.startswith("/mine/proxy/")


def test_without_the_proxy_the_local_address_is_shown(logs, monkeypatch):
    found = tensorboards.find_spec
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/anna/")
    monkeypatch.setattr(
        tensorboards, "find_spec", lambda x: None if "proxy" in x else found(x)
    )
    board = show_tensorboard(logs)
    assert board.source == board.address


def test_the_name_of_the_folder_is_no_markup(logs):
    text = show_tensorboard(logs)._repr_html_()
    assert "<b>" not in text
    assert "logs &lt;b&gt;" in text


def test_without_tensorboard_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboards, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install tensorboard"):
        show_tensorboard(tmp_path)


def test_no_second_process_is_started(logs):
    show_tensorboard(logs)
    children = psutil.Process().children(recursive=True)
    commands = [" ".join(child.cmdline()) for child in children]
    assert not [command for command in commands if "tensorboard" in command]
