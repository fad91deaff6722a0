"""The reader of Dockerfiles that the tests use: its own rules."""

from __future__ import annotations

import subprocess

import pytest

from dockerfiles import built, instructions

DOCKERFILE = """\
# what an image is made of
FROM python:3.12.11-slim-bookworm
ARG WORD=hello
ENV GREETING=${WORD} PATH=/opt/venv/bin:$PATH
WORKDIR /opt/thing
RUN apt-get update && apt-get install -y tini \\
    && rm -rf /var/lib/apt/lists/*
COPY . ./all
COPY a.txt b.txt ./
COPY --chmod=755 a.txt /opt/other/c.txt
RUN ["python", "-c", "import pathlib; pathlib.Path('/opt/thing/made').write_text('by python')"]
RUN cat a.txt > copied && test -f /opt/other/c.txt
USER 10001
EXPOSE 8080
ENTRYPOINT ["cat"]
CMD ["/opt/thing/made"]
"""


def test_steps_are_done_in_the_folder(tmp_path):
    context = tmp_path / "context"
    (context / "secret").mkdir(parents=True)
    (context / "Dockerfile").write_text(DOCKERFILE)
    (context / ".dockerignore").write_text("*\n!a.txt\n!b.txt\n")
    for name in ("a.txt", "b.txt", "secret/key"):
        (context / name).write_text(name)
    image = built(context, tmp_path / "image", pip=False)
    assert image.base == "python:3.12.11-slim-bookworm"
    assert image.environment["GREETING"] == "hello"
    assert image.not_done == ["apt-get update", "apt-get install -y tini", "rm -rf /var/lib/apt/lists/*"]
    files = {path.relative_to(image.root).as_posix() for path in image.root.rglob("*") if path.is_file()}
    own = {f"opt/thing/{name}" for name in ("a.txt", "b.txt", "all/a.txt", "all/b.txt", "made", "copied")}
    assert files == {*own, "opt/other/c.txt"}
    assert (image.root / "opt/other/c.txt").stat().st_mode & 0o777 == 0o755
    assert (image.user, image.ports) == ("10001", ["8080"])
    assert image.start(stdout=subprocess.PIPE).communicate()[0] == b"by python"
    assert image.start("a.txt", stdout=subprocess.PIPE).communicate()[0] == b"a.txt"


@pytest.mark.parametrize("line", ["VOLUME /data", "ADD a b", "RUN <<EOF", "HEALTHCHECK CMD true"])
def test_what_is_not_understood_fails(line):
    with pytest.raises(AssertionError, match="no rule"):
        list(instructions(line))


@pytest.mark.parametrize("line", ["RUN a; b", "RUN false", "COPY --from=x a b", "COPY missing ./"])
def test_so_does_a_step_that_fails(line, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\n{line}\n")
    with pytest.raises(AssertionError):
        built(tmp_path, tmp_path / "image", pip=False)
