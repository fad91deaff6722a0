"""A page that answers in the browser is a Space without a program, for a hub that reads the head of its README."""

import yaml

from graft.front_matter import split


def test_its_readme_says_to_a_hub_that_it_is_a_page(web):
    front, words = split((web / "README.md").read_text(encoding="utf-8"))
    values = yaml.safe_load(front)
    assert (values["sdk"], values["app_file"]) == ("static", "index.html")
    assert values["title"]
    assert words.lstrip().startswith("# ")
