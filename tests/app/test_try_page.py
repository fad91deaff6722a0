"""The page that tries a model, over HTTP: who is let in, what is answered, what is kept, and how it ends."""

import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pytest
from PIL import Image

import graft
import shapes
from graft.app import TryPage
from graft.app.about import about
from graft.contracts import SERVED
from graft.decoding.sound import wav_bytes
from graft.encoders.cache import Cache
from graft.encoders.embed import content_digest, content_key
from graft.errors import DataError, GraftError, UsageError
from graft.explanation import explain
from graft.listening import KEEP_ALIVE
from graft.similarity import Index
from pages import begin

pytest.importorskip("starlette", reason="Starlette is not installed: pip install 'graft-learn[app]'")

Ask = Callable[..., tuple[int, dict[str, str], Any]]


@pytest.fixture(scope="module")
def page(saved: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TryPage]:
    """The page of the shapes with its training items; what tests correct they take back."""
    index = Index.of(photos, encoder=str(saved))
    with TryPage(
        graft.load(saved), index=index, corrections=tmp_path_factory.mktemp("try") / "corrections", port=0
    ) as it:
        yield it


@pytest.fixture(scope="module")
def ask(page: TryPage) -> Ask:
    return asker(page)


def asker(page: TryPage, **always: str) -> Ask:
    cookie = begin(page.address)

    def ask(method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], Any]:
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=240)
        given = {name.replace("_", "-"): value for name, value in {"Cookie": cookie, **always, **headers}.items()}
        connection.request(method, path, body, given)
        response = connection.getresponse()
        content = response.read()
        kind = response.getheader("content-type", "")
        found = {name.lower(): value for name, value in response.getheaders()}
        return response.status, found, json.loads(content) if kind == "application/json" else content

    return ask


@pytest.mark.parametrize("name", shapes.AWKWARD)
def test_the_answer_is_that_of_predict_for_the_same_file(ask: Ask, saved: Path, tmp_path: Path, name: str) -> None:
    file = tmp_path / ("item.jpg" if name.startswith("turn") else "item.png")
    file.write_bytes(shapes.AWKWARD[name])
    status, _, answer = ask("POST", "/answer", shapes.AWKWARD[name])
    expected = graft.load(saved).predict_one(str(file)).to_dict()
    assert status == 200
    assert answer["label"] == expected["label"]
    assert answer["set"] == expected["set"]
    assert answer["unknown"] == expected["unknown"]
    assert list(answer["scores"].values()) == pytest.approx(list(expected["scores"].values()), abs=2e-3)


def test_what_the_page_asks_first(ask: Ask) -> None:
    status, headers, about = ask("GET", "/about")
    assert (status, headers["cache-control"]) == (200, "no-store")
    assert about["classes"] == ["circle", "square", "triangle"]
    assert (about["modality"], about["task"], about["n_items"]) == ("image", "classification", 36)
    assert about["why"] is about["corrections"] is about["stays"] is True
    assert set(about["accuracy"]) == {"value", "low", "high", "method"}
    assert "image/jpeg" in about["accept"]
    assert "heic" not in about["accept"].lower()
    assert about["input"] == {"max_pixels": SERVED.pixels, "max_bytes": SERVED.bytes, "seconds": SERVED.seconds}


def test_why_comes_when_it_is_asked_for(ask: Ask, saved: Path) -> None:
    content = shapes.encoded("square", 60)
    assert "why" not in ask("POST", "/answer", content)[2]
    found = ask("POST", "/answer?why=1", content)[2]
    model = graft.load(saved)
    why = explain(model.classes, model.classifier, model.encoder, content).to_dict()
    assert found["why"]["label"] == found["label"]
    assert np.allclose(found["why"]["effects"], why["effects"], atol=5e-3)
    assert found["why"]["box"] == why["box"]


def test_the_most_alike_of_the_training_items_stand_beside_the_answer(ask: Ask, photos: Path) -> None:
    content = (photos / "circle" / "004.png").read_bytes()
    found = ask("POST", "/answer", content)[2]
    first, *_ = found["nearest"]
    assert (first["label"], first["similarity"], first["same"]) == ("circle", 1.0, True)
    assert found["n_nearest"] == 36
    status, headers, picture = ask("GET", f"/{first['thumbnail']}")
    assert (status, headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(picture)).size == (96, 96)
    run = first["thumbnail"].split("/")[1]
    for path in (
        f"nearest/{run}/picture/999",
        "nearest/other/picture/0",
        f"nearest/{run}/picture/-1",
        f"nearest/{run}",
    ):
        assert ask("GET", f"/{path}")[0] == 404


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"", "empty", "empty"),
        (b"Dear all,\n", "not_a_picture", "text"),
        (shapes.encoded("circle", 1, "JPEG", 300)[:2000], "truncated", "cut short"),
        (shapes.png_header(6000, 5000), "too_large", "the limit is 25 megapixels"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(60), None, "HEI"),
    ],
)
def test_a_bad_item_is_answered_in_words(ask: Ask, content: bytes, code: str | None, said: str) -> None:
    status, _, answer = ask("POST", "/answer?why=1", content)
    assert status == 200
    assert set(answer) == {"input", "error"}
    assert set(answer["error"]) == {"code", "message", "hint"}
    assert code in (None, answer["error"]["code"])
    assert said in answer["error"]["message"]
    status, _, refused = ask("POST", "/corrections?label=circle", content)
    assert status == 404
    assert refused == answer["error"]


def test_a_body_over_the_limit_is_read_to_its_end_and_refused(ask: Ask) -> None:
    status, _, answer = ask("POST", "/answer", bytes(SERVED.bytes + 1))
    assert status == 413
    assert (answer["message"], answer["hint"]) == ("The item has more than 32 MB, the limit.", "Make it smaller.")


def test_corrections_keep_the_bytes_and_are_taken_back(ask: Ask, page: TryPage) -> None:
    content = shapes.AWKWARD["turn 5"]
    status, _, made = ask("POST", f"/corrections?label={quote('a new class')}", content)
    assert status == 200
    assert ask("POST", f"/corrections?label={quote('a new class')}", content)[2] == made
    (kept,) = page.corrections.read()
    assert (kept.label, kept.predicted) == ("a new class", ask("POST", "/answer", content)[2]["label"])
    assert (page.corrections.path / kept.path).read_bytes() == content
    assert ask("DELETE", f"/corrections/{made['id']}")[0] == 200
    assert page.corrections.read() == []
    assert ask("DELETE", f"/corrections/{made['id']}")[0] == 404
    unknown = ask("POST", "/corrections?unknown=1", content)[2]["id"]
    assert page.corrections.read()[0].label is None
    ask("DELETE", f"/corrections/{unknown}")


@pytest.mark.parametrize("query", ["", "?label=", "?label=%20", f"?label={'x' * 201}", "?label=a&label=b"])
def test_a_correction_needs_a_label(ask: Ask, page: TryPage, query: str) -> None:
    status, _, refused = ask("POST", f"/corrections{query}", shapes.encoded("circle", 1))
    assert (status, refused["code"]) == (400, "usage")
    assert page.corrections.read() == []


def test_two_clicks_are_one_correction(ask: Ask, page: TryPage) -> None:
    content, found = shapes.encoded("circle", 311), []
    threads = [
        threading.Thread(target=lambda: found.append(ask("POST", "/corrections?label=square", content)[2]["id"]))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == len(page.corrections.read()) == 1
    ask("DELETE", f"/corrections/{found[0]}")


def test_what_is_asked_enters_no_cache(ask: Ask, saved: Path) -> None:
    content = shapes.encoded("circle", 4711)
    key = content_key(graft.load(saved).encoder, content_digest(content))
    ask("POST", "/answer?why=1", content)
    assert not Cache().get([key])


def test_without_the_address_nothing_is_answered(page: TryPage) -> None:
    for method, path in (
        *(("GET", path) for path in ("/", "/about", "/try.css", "/answerer.js", "/tokens.css", "/?token=guess")),
        *(("POST", path) for path in ("/answer", "/corrections?label=circle")),
        ("DELETE", "/corrections/abc"),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=240)
        connection.request(method, path, shapes.encoded("circle", 1) if method == "POST" else None)
        response = connection.getresponse()
        assert response.status == 403
        assert b"circle" not in response.read()
    assert page.corrections.read() == []


def test_another_site_may_neither_ask_nor_correct(ask: Ask, page: TryPage) -> None:
    own = f"http://127.0.0.1:{page.port}"
    body = shapes.encoded("circle", 1)
    assert ask("POST", "/answer", body, Origin=own)[0] == 200
    assert ask("POST", "/answer", body, Origin="https://elsewhere.example")[0] == 403
    assert ask("POST", "/answer", body, Origin=own, Sec_Fetch_Site="same-site")[0] == 403
    assert ask("GET", "/about", Host="elsewhere.example")[0] == 421


def test_the_page_trusts_nothing_from_elsewhere(ask: Ask) -> None:
    for path in ("/", "/try.css", "/about", "/answerer.js"):
        policy = ask("GET", path)[1]["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy
    assert ask("GET", "/try.html")[0] == 404  # the page comes with the cookie only
    for path in ("/../pages/__init__.py", "/__init__.py", "/%2e%2e/gate.py", "/answerer_http.js"):
        assert ask("GET", path)[0] == 404


def test_behind_a_proxy_with_a_prefix_the_page_works(saved: Path) -> None:
    with TryPage(graft.load(saved), corrections=None, port=0, behind="https://example.org:8443/try/") as page:
        public, _, query = page.address.partition("/?")
        assert public == "https://example.org:8443/try"
        inside = {"Host": "example.org:8443"}
        for prefix in ("/try", ""):  # a proxy takes the prefix away, or leaves it
            connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=240)
            connection.request("GET", f"{prefix}/?{query}", headers=inside)
            response = connection.getresponse()
            cookie = response.getheader("set-cookie")
            assert response.status == 200
            assert cookie.endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")
            assert not re.search(rb'(src|href)="(/|[a-z]+:)', response.read())  # every address in the page is relative
            for headers, status in (
                ({**inside, "Origin": "https://example.org:8443"}, 200),
                ({"Host": f"127.0.0.1:{page.port}", "Origin": "https://example.org:8443"}, 200),
                ({**inside, "Origin": "https://elsewhere.example"}, 403),
            ):
                connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=240)
                given = {**headers, "Cookie": cookie.split(";")[0]}
                connection.request("POST", f"{prefix}/answer", shapes.encoded("circle", 1), given)
                assert connection.getresponse().status == status
        assert any("proxy" in line for line in page.instructions)
        assert page._server.config.timeout_keep_alive == KEEP_ALIVE > 60  # longer than proxies keep theirs
    for address in ("example.org/try", "ftp://example.org/", "https://", "https://example.org/?a=b"):
        with pytest.raises(UsageError, match="no address of a page"):
            TryPage(graft.load(saved), corrections=None, port=0, behind=address)


def test_for_others_than_this_machine_it_says_so(saved: Path) -> None:
    with TryPage(graft.load(saved), corrections=None, port=0, host="0.0.0.0") as page:
        said = " ".join(page.instructions)
        assert "not encrypted" in said
        assert asker(page)("GET", "/about")[2]["stays"] is False
        assert asker(page)("POST", "/corrections?label=circle", shapes.encoded("circle", 1))[0] == 400


def test_texts_and_sounds_are_asked_as_they_are(tmp_path: Path) -> None:
    texts = graft.fit(
        ["win a free prize", "free cash now", "see you at lunch", "home by seven"] * 4,
        ["spam", "spam", "ham", "ham"] * 4,
    )
    with TryPage(texts, corrections=tmp_path / "texts", port=0) as page:
        ask = asker(page)
        text = "win \N{WRAPPED PRESENT} a prize"
        found = ask("POST", "/answer?why=1", text.encode(), Content_Type="text/plain;charset=utf-8")[2]
        assert found["scores"] == pytest.approx(texts.predict_one(text).scores, abs=1e-4)
        assert [text[word["start"] : word["end"]] for word in found["why"]["words"]] == text.split()
        ask("POST", "/corrections?label=ham", text.encode())
        assert page.corrections.read()[0].text == text
    rate = 48_000
    time = np.arange(rate) / rate
    sounds = [
        (np.sin(2 * np.pi * pitch * time + seed).astype(np.float32) * 0.3, rate)
        for seed in range(4)
        for pitch in (300, 2400)
    ]
    heard = graft.fit(sounds, ["low", "high"] * 4)
    stereo = np.stack([sounds[1][0], 0.5 * sounds[1][0]], axis=1)
    wav = wav_bytes(stereo, rate)
    (tmp_path / "sound.wav").write_bytes(wav)
    with TryPage(heard, corrections=None, port=0) as page:
        found = asker(page)("POST", "/answer?why=1", wav)[2]
        assert found["scores"] == pytest.approx(heard.predict_one(str(tmp_path / "sound.wav")).scores, abs=1e-3)
        assert found["why"]["kind"] == "times"


def test_a_port_that_is_taken_and_an_index_of_another_encoder(page: TryPage, saved: Path, photos: Path) -> None:
    with pytest.raises(GraftError, match=f"app cannot listen at 127.0.0.1, port {page.port}"):
        TryPage(graft.load(saved), corrections=None, port=page.port)
    other = Index.from_embeddings(np.eye(4, dtype=np.float32))
    with pytest.raises(UsageError, match="--encoder MODEL"):
        TryPage(graft.load(saved), index=other, corrections=None, port=0)
    with pytest.raises(DataError, match="matrix of embeddings"):
        TryPage(replace(graft.load(saved), encoder=None), corrections=None, port=0)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_command_shows_a_page_and_ends_when_it_is_told(saved: Path, tmp_path: Path, how: signal.Signals) -> None:
    arguments = ["app", saved, "--port", 0, "--json", "--corrections", tmp_path / "c"]
    with subprocess.Popen(
        [sys.executable, "-m", "graft", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "NO_COLOR": "1"},
    ) as process:
        said = json.loads(process.stdout.readline())
        assert urlsplit(said["address"]).port == said["port"]
        assert b"set-cookie" not in begin(said["address"]).encode()
        opened = http.client.HTTPConnection("127.0.0.1", said["port"], timeout=240)
        opened.request("GET", "/")
        assert opened.getresponse().read()
        process.send_signal(how)  # an open page, and its idle connection, do not hold the end up
        _, told = process.communicate(timeout=240)
        opened.close()
        assert process.returncode == 0
    assert b"Stopped." in told
    assert b"Traceback" not in told
    assert not (tmp_path / "c").exists()  # nothing was corrected
    assert b"Learn from" not in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing.graft"], "nothing.graft"),
        (["{saved}", "--data", "{photos}", "--index", "x"], "Give one of them"),
        (["{saved}", "--pattern", "{{label}}_*"], "--pattern says how data are read"),
        (["{saved}", "--data", "nowhere"], "nowhere"),
        (["{saved}", "--corrections", "{photos}", "--port", "0"], "something else than corrections"),
        (["{saved}", "--behind", "nowhere", "--port", "0"], "no address of a page"),
    ],
)
def test_what_cannot_be_shown_is_told_without_a_trace(
    saved: Path, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    from graft import cli

    code = cli.exit_code(["app", *(word.format(saved=saved, photos=photos) for word in arguments)])
    out, err = capfd.readouterr()
    assert code in (1, 2)
    assert said in err
    assert "Traceback" not in err
    assert out == ""


def test_a_taken_port_is_told_before_data_are_embedded(
    saved: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from graft import cli

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = cli.exit_code(["app", str(saved), "--data", str(tmp_path), "--port", str(port)])
    assert code == 1
    assert f"port {port}" in capfd.readouterr().err  # and not that there is nothing in the data


def test_items_of_a_test_part_are_not_shown_as_what_was_learned_from(saved: Path, tmp_path: Path) -> None:
    from graft.cli.app import _indexed
    from graft.cli.options import How

    for part, n in (("train", 3), ("test", 2)):
        shapes.folders(tmp_path / part, dict.fromkeys(shapes.FORMS, n))
    assert len(_indexed(str(tmp_path), {"modality": "image"}, saved, How(as_json=True, cache=None))) == 9


def test_what_is_said_to_be_learned_from_is_without_the_test_part(model: graft.Model) -> None:
    tested = replace(model.report, n_train=30, n_test=6)
    assert about(replace(model, report=tested), corrections=False, local=True)["n_items"] == 30
