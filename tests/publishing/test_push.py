"""What is sent to a hub, against one of its shape on this machine."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import shutil
import traceback
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import graft
from graft.bundle import Bundle
from graft.errors import GraftError, HubError, NotABundle, UsageError
from graft.front_matter import headed, split
from graft.publishing import push
from graft.publishing.card import card_of
from hubs import CHOSEN, READER, TOKEN, PushHub

pytest.importorskip("huggingface_hub")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    server = PushHub()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def waits():
    return []


@pytest.fixture
def send(waits):
    return partial(push, wait=waits.append)


@pytest.fixture
def export(tmp_path):
    """A folder as an export is, with a network that is none."""
    return written(
        tmp_path / "doors", {"model.onnx": b"weights" * 1000, "README.md": b"# Doors\n", "labels.json": b"{}"}
    )


def written(folder: Path, files: dict[str, bytes]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    (folder / "certificate.json").write_text(json.dumps({"schema": 1, "hashes": hashes}))
    return folder


def space(folder: Path, **values: str) -> Path:
    card = headed({"title": "Doors", "sdk": "gradio", "sdk_version": "6.31.0", **values}, "# Doors\n").encode()
    return written(folder, {"model.onnx": b"weights", "README.md": card, "app.py": b"print()\n"})


def test_an_export_goes_up_in_one_commit_and_only_its_owner_sees_it(hub, send, export):
    pushed = send(export, "ann/doors")
    repo = hub.repo("ann/doors")
    assert pushed.created
    assert pushed.changed
    assert pushed.private
    assert repo.private
    assert len(repo.commits) == 2
    assert pushed.commit == repo.head
    assert pushed.url == f"{hub.url}/ann/doors"
    for path in export.iterdir():
        assert repo.files[path.name] == path.read_bytes()
    assert ".gitattributes" in repo.files


@pytest.mark.parametrize("sdk", ["gradio", "static"])
def test_what_has_a_user_interface_becomes_a_space(hub, send, tmp_path, sdk):
    pushed = send(space(tmp_path / "doors", sdk=sdk), "ann/doors", private=False)
    assert pushed.type == "space"
    assert not pushed.private
    assert yaml.safe_load(split(hub.repo("ann/doors", "space").files["README.md"].decode())[0])["sdk"] == sdk


def test_a_model_goes_up_with_its_card_and_comes_back_the_same(hub, send, saved, tmp_path, photos):
    send(saved, "club/shapes")
    files = hub.repo("club/shapes").files
    values = yaml.safe_load(split(files["README.md"].decode())[0])
    assert values == {
        "library_name": "graft",
        "pipeline_tag": "image-classification",
        "tags": ["graft", "transfer-learning", "calibrated"],
    }
    back = tmp_path / "back.graft"
    back.mkdir()
    for name, data in files.items():
        (back / name).write_bytes(data)
    one = sorted(photos.rglob("*.png"))[0]
    again, first = graft.load(back), graft.load(saved)
    assert again.predict([one]) == first.predict([one])
    assert again.report.accuracy == first.report.accuracy


def test_no_item_is_named_and_no_folder_of_this_machine(hub, send, saved, photos):
    send(saved, "ann/shapes")
    files = hub.repo("ann/shapes").files
    assert "job.json" not in files
    assert "record.safetensors" in files
    everything = b"".join(files.values())
    assert str(photos).encode() not in everything
    assert not [path.name for path in photos.rglob("*.png") if f"/{path.name}".encode() in everything]


def test_the_card_has_figures_with_their_intervals_and_classes_as_they_are(saved):
    card = card_of(saved, "ann/shapes")
    score = graft.load(saved).report.accuracy
    assert f"| Accuracy | {score.value:.3g} | {score.low:.3g} to {score.high:.3g} |" in card
    assert "circle, square, triangle" in card
    assert "hf download ann/shapes" in card


def test_unchanged_files_are_not_sent_again(hub, send, export):
    first = send(export, "ann/doors")
    taken = hub.bytes_taken
    again = send(export, "ann/doors")
    assert not again.changed
    assert not again.created
    assert again.commit == first.commit
    (export / "README.md").write_text("# Doors, painted\n")
    written(export, {path.name: path.read_bytes() for path in export.iterdir() if path.suffix != ".json"})
    assert send(export, "ann/doors").changed
    assert hub.bytes_taken == taken
    assert len(hub.repo("ann/doors").commits) == 3


def test_files_of_others_stay_and_those_of_an_earlier_export_go(hub, send, export):
    written(export, {"model.onnx": b"one", "goldens/000.png": b"a", "goldens/001.png": b"b"})
    send(export, "ann/doors")
    repo = hub.repo("ann/doors")
    rules = b"*.png filter=lfs\n"
    repo.add(repo.files | {"notes.txt": b"mine", ".gitattributes": rules, "goldens/mine.png": b"c"})
    written(export, {"model.onnx": b"two", "goldens/000.png": b"a"})
    pushed = send(export, "ann/doors")
    assert pushed.removed == ("goldens/001.png",)
    assert repo.files["notes.txt"] == b"mine"
    assert repo.files[".gitattributes"] == rules
    assert set(repo.files) == {
        ".gitattributes",
        "notes.txt",
        "model.onnx",
        "certificate.json",
        "goldens/000.png",
        "goldens/mine.png",
    }


def test_a_card_that_somebody_wrote_stays(hub, send, saved):
    send(saved, "ann/shapes")
    repo = hub.repo("ann/shapes")
    repo.add(repo.files | {"README.md": b"# My own words\n"})
    assert send(saved, "ann/shapes").kept == ("README.md",)
    assert repo.files["README.md"] == b"# My own words\n"


def test_a_card_that_somebody_writes_meanwhile_stays(hub, send, saved):
    def write():
        repo = hub.repo("ann/shapes")
        repo.add(repo.files | {"README.md": b"# My own words\n"})

    hub.troubles["commit"] = [write]
    assert send(saved, "ann/shapes").kept == ("README.md",)
    assert hub.repo("ann/shapes").files["README.md"] == b"# My own words\n"


@pytest.mark.parametrize("was", [True, False])
def test_who_sees_a_repository_never_changes_unasked(hub, send, export, was):
    send(export, "ann/doors", private=was)
    assert send(export, "ann/doors").private is was
    taken = hub.bytes_taken
    with pytest.raises(HubError, match="was asked for; nothing was sent"):
        send(export, "ann/doors", private=not was)
    assert hub.repo("ann/doors").private is was
    assert hub.bytes_taken == taken


def nothing_was_sent(hub):
    return not hub.bytes_taken and not hub.repos and {"create", "preupload", "batch", "commit"}.isdisjoint(hub.steps)


@pytest.mark.parametrize(
    ("token", "said"),
    [("", "There is no token"), ("hf_" + "x" * 34, "not valid, or has expired"), (READER, "may only read"),
     (CHOSEN, "may only read"), ("hf_ two words", "is no token")],
)  # fmt: skip
def test_a_token_that_does_not_do_is_found_before_anything_is_sent(
    hub, send, export, monkeypatch, tmp_path, token, said
):
    file = tmp_path / "token"
    file.write_text(token)
    with pytest.raises(HubError) as caught:
        send(export, "ann/doors", token_file=file)
    assert said in str(caught.value)
    assert caught.value.hint
    assert nothing_was_sent(hub)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["doors", "ann/", "ann/doors/two", "ann/-doors", "ann/do--ors", "ann/..", "a b/doors", "ann/türen",
             "ann/doors.git", "ann/" + "d" * 96, "https://huggingface.co/ann/doors"],
)  # fmt: skip
def test_a_bad_name_is_found_before_anything_is_sent(hub, send, export, name):
    with pytest.raises(UsageError, match="is no name of a repository"):
        send(export, name)
    assert not hub.steps


@pytest.mark.parametrize(("owner", "meant"), [("clubb", "Did you mean club?"), ("museum", ""), ("bob", "")])
def test_an_owner_for_whom_the_token_does_not_write(hub, send, export, owner, meant):
    with pytest.raises(HubError, match=f"does not write for {owner}") as caught:
        send(export, f"{owner}/doors")
    assert meant in caught.value.hint
    assert nothing_was_sent(hub)


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("---\ntitle: no\nsdk: gradio\n---\n", "title is read as False"),
        ("---\ntitle: Doors\nsdk: gradio\nsdk_version: 6.10\n---\n", "sdk_version is read as 6.1"),
        ("---\ntitle:\nsdk: gradio\n---\n", "title has no value"),
        ("---\ntitle: a: b\nsdk: gradio\n---\n", "is no YAML in line 2"),
        ("---\n- title\n---\n", "no list of names with values"),
        ('---\ntitle: "Doors"\nsdk: "doors"\n---\n', 'the hub refuses the readme: "sdk" must be one of'),
        (f'---\ntitle: "Doors"\nsdk: "gradio"\nshort_description: "{"x" * 61}"\n---\n', "60 characters long"),
    ],
)
def test_a_card_that_would_be_refused_is_found_before_anything_is_sent(hub, send, tmp_path, card, said):
    folder = written(tmp_path / "doors", {"model.onnx": b"weights", "README.md": card.encode()})
    with pytest.raises(HubError) as caught:
        send(folder, "ann/doors")
    assert said in str(caught.value).lower() or said in str(caught.value)
    assert nothing_was_sent(hub)


def test_a_changed_file_or_a_folder_of_another_kind_is_not_sent(hub, send, export, tmp_path):
    (export / "labels.json").write_text('{"schema": 2}')
    with pytest.raises(HubError, match=r"labels\.json is not what the certificate"):
        send(export, "ann/doors")
    (export / "labels.json").unlink()
    with pytest.raises(HubError, match=r"labels\.json of the export is missing"):
        send(export, "ann/doors")
    names = ("../secret", "/etc/passwd", "a/../../b", ".git/config", "a\\b", "C:x", "\x1b[2J", "\ud800", "\u202egnp")
    for hostile in (*({name: "0" * 64} for name in names), ["README.md"], "README.md"):
        (export / "certificate.json").write_text(json.dumps({"hashes": hostile}))
        with pytest.raises(HubError, match="is no certificate"):
            send(export, "ann/doors")
    with pytest.raises(NotABundle, match="neither a saved model nor an export"):
        send(tmp_path, "ann/doors")
    assert not hub.steps


def test_a_link_in_an_export_is_not_followed(hub, send, export, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes((export / "labels.json").read_bytes())
    (export / "labels.json").unlink()
    (export / "labels.json").symlink_to(secret)
    with pytest.raises(HubError, match="is missing"):
        send(export, "ann/doors")


STEPS = ["whoami", "card", "revision", "create", "preupload", "batch", "storage", "commit"]


@pytest.fixture
def prompt(monkeypatch):
    """The hub's own library waits by ``time.sleep``; how long is not what is asked here."""
    slept = []
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", slept.append)
    return slept


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_told_and_goes_on(hub, send, export, waits, prompt, step, status):
    hub.troubles[step] = [(status, {"Retry-After": "7"})]
    assert send(export, "ann/doors").changed
    assert [round(seconds) for seconds in waits + prompt] in ([7], [8])
    assert len(hub.repo("ann/doors").commits) == 2


def test_it_does_not_wait_for_hours(hub, send, export, waits):
    hub.troubles["whoami"] = [(429, {"Retry-After": "7200"})]
    with pytest.raises(HubError, match="it answered 429") as caught:
        send(export, "ann/doors")
    assert waits == []
    assert "later" in caught.value.hint


@pytest.mark.parametrize("step", STEPS)
def test_when_the_line_breaks_it_goes_on(hub, send, export, waits, prompt, step):
    hub.troubles[step] = ["cut"]
    assert send(export, "ann/doors").changed
    assert len(hub.repo("ann/doors").commits) == 2


def test_when_the_line_stays_broken_nothing_is_half_there_and_the_next_time_goes_on(hub, send, export, prompt):
    hub.troubles["commit"] = ["cut"] * 3
    with pytest.raises(HubError, match="Nothing of ann/doors was changed") as caught:
        send(export, "ann/doors")
    assert "is empty as yet" in caught.value.hint
    assert "not sent again" in caught.value.hint
    assert set(hub.repo("ann/doors").files) == {".gitattributes"}
    taken = hub.bytes_taken
    assert send(export, "ann/doors").changed
    assert hub.bytes_taken == taken


def test_when_the_answer_to_the_commit_is_lost_there_is_one_commit(hub, send, export, prompt):
    hub.troubles["commit"] = ["lost"]
    pushed = send(export, "ann/doors")
    assert len(hub.repo("ann/doors").commits) == 2
    assert pushed.commit == hub.repo("ann/doors").head


@pytest.mark.parametrize("status", [409, 412])
def test_when_somebody_else_was_quicker_their_files_stay(hub, send, export, status):
    def other():
        repo = hub.repo("ann/doors")
        repo.add(repo.files | {"theirs.txt": b"quick"})

    hub.troubles["commit"] = [other, (409, {})][status == 409 :]
    assert send(export, "ann/doors").changed
    assert "model.onnx" in hub.repo("ann/doors").files
    assert status == 409 or hub.repo("ann/doors").files["theirs.txt"] == b"quick"


def test_a_repository_that_was_made_meanwhile_is_taken_as_it_is(hub, send, export):
    hub.troubles["create"] = [lambda: hub.repos.setdefault(("model", "ann/doors"), made())]
    assert not send(export, "ann/doors").private


def made():
    from hubs import Repo

    repo = Repo(private=False)
    repo.add({"notes.txt": b"mine"})
    return repo


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_the_token_appears_nowhere(hub, send, export, prompt, caplog, capsys, step, status):
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "huggingface_hub")
    hub.troubles[step] = [(status, {"X-Error-Message": f"no {TOKEN}"})] * 40
    try:
        send(export, "ann/doors")
    except GraftError as error:
        told = "".join(traceback.format_exception(error)) + repr(error) + json.dumps(error.to_dict())
        told += error.hint
    else:
        told = ""
    printed = capsys.readouterr()
    assert TOKEN not in told + caplog.text + printed.out + printed.err


def test_the_token_goes_to_the_hub_alone_and_over_no_open_line(hub, send, export, monkeypatch):
    send(export, "ann/doors")
    assert {step for step, value in hub.authorized if TOKEN in value} == set(STEPS) - {"storage"}
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example")
    with pytest.raises(HubError, match="no https address"):
        send(export, "ann/doors")


def test_the_bar_ends_at_the_last_byte(hub, send, export):
    seen = []
    send(export, "ann/doors", progress=lambda step, done, total: seen.append((step, done, total)))
    total = sum(path.stat().st_size for path in export.iterdir())
    assert seen[-1] == ("upload", total, total)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


@pytest.fixture(scope="module")
def of_numbers(tmp_path_factory):
    """A model of brightness."""
    folder = tmp_path_factory.mktemp("numbers")
    values = np.random.default_rng(0).integers(0, 255, 24)
    for place, value in enumerate(values):
        Image.new("RGB", (64, 64), (int(value),) * 3).save(folder / f"{place}.png")
    items = [str(folder / f"{place}.png") for place in range(len(values))]
    model = graft.fit(items, values.astype(float).tolist(), task="regression")
    model.save(folder / "numbers.graft")
    return folder / "numbers.graft"


def test_the_card_of_a_model_of_numbers_has_its_errors_with_their_intervals(hub, send, of_numbers):
    card = card_of(of_numbers, "ann/numbers")
    mae = graft.load(of_numbers).report.mae
    assert f"| Mean absolute error | {mae.value:.3g} | {mae.low:.3g} to {mae.high:.3g} |" in card
    assert "pipeline_tag" not in card
    assert send(of_numbers, "ann/numbers").changed


def test_what_a_card_names_is_text_whatever_it_looks_like(saved, monkeypatch):
    report = json.loads((saved / "report.json").read_text())
    report |= {"name": "a|b\n# [x](y) <img src=x>", "warnings": ["**bold** | <script>"]}
    monkeypatch.setattr("graft.publishing.card.bundle.read", lambda *_: Bundle({}, {}, {"report": report}))
    card = card_of(saved, "ann/shapes")
    assert not re.search(r"(?<!\\)(<(img|script)|\[x|\*\*bold)", card)
    assert not re.search(r"\n# \W", card)
