"""A page to try the model on, in Gradio: it gives the model the file as it came, and says the answer in words."""

import html
import os
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: nobody is told of anything
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr
from answering import ABOUT, MOST_BYTES, MOST_CHARACTERS, NotRead, answer

STYLE = """
#page { max-width: 60rem; margin: 0 auto; --said: #0b6b68; --edge: #7c858a; --quiet: #5a6268 }
.dark #page { --said: #62c7c0; --edge: #727c81; --quiet: #a0a9ae }
#page bdi { overflow-wrap: anywhere } footer { display: none !important }
.answer p { margin: 0 0 8px; font-size: 16px } .answer .quiet { color: var(--quiet); font-size: 14px }
.answer .word { font: 600 32px/1.2 Georgia, "Times New Roman", serif } .answer .long { font-size: 22px }
.answer ol { list-style: none; margin: 4px 0 0; padding: 0 }
.answer li { display: grid; grid-template-columns: minmax(4em, 35%) 1fr 4.5em; gap: 12px; margin: 6px 0 }
.answer li.member { font-weight: 600; color: var(--said) } .answer .sure { text-align: right }
.answer .bar { align-self: center; height: 8px; background: var(--edge); border-radius: 3px }
.answer .member .bar { background: var(--said) } .answer .unknown .bar { background: var(--edge) }
"""
SHOWN = 20
LONG = 30
NAMES = {"image": "Picture", "text": "Text", "audio": "Recording"}


class FileAsItCame(gr.Image):
    """Hands over the file itself: another format, colour mode or turn would change the answer."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:
        """The file's path; nothing is opened here."""
        return payload and payload.path


def said(item: str | None) -> tuple[str, dict[str, Any] | None]:
    """The answer in words and as values."""
    if not item:
        return "", None
    try:
        found = answer(item)
    except NotRead as error:
        told = error.told
        return in_frame([headline("not read"), *(f"<p>{html.escape(told[key])}</p>" for key in ("message", "hint"))]), {
            "error": told
        }
    return in_frame(of_number(found) if "value" in found else of_classes(found)), found


def of_classes(found: dict[str, Any]) -> list[str]:
    """The likeliest class first, then what else it may be, then how likely each is."""
    likely, scores = found["set"], found["scores"]
    top = next(iter(scores))
    others = [label for label in scores if label in likely and label != top]
    if found["unknown"]:
        words = [headline("none of these"), "<p>It is unlike all that the model has seen.</p>"]
        words.append(f"<p>If it had to be one of its classes: {name(top)}, {per_100(scores[top])} in 100.</p>")
    elif "labels" in found:
        words = [headline(" and ".join(map(name, likely)) or "no label", sum(map(len, likely)))]
    elif others and scores[top] < 0.6:
        words = [headline(either([top, *others]), sum(map(len, [top, *others]))), "<p>Not sure which of them.</p>"]
    else:
        words = [headline(f"{name(top)}, {per_100(scores[top])} in 100", len(top))]
        words.append(f"<p>Could also be {either(others)}.</p>" if others else "<p>Nothing else is likely.</p>")
    about = "In 100, as if it were one of them" if found["unknown"] else "How likely, in 100"
    bars = "".join(bar(label, p, label in likely) for label, p in list(scores.items())[:SHOWN])
    kind = ' class="unknown"' if found["unknown"] else ""
    return [*words, f'<p class="quiet">{about}</p><ol{kind} aria-label="{about}">{bars}</ol>']


def of_number(found: dict[str, Any]) -> list[str]:
    """The number with its interval."""
    words = [headline(f"{found['value']:.4g}"), f"<p>Between {found['low']:.4g} and {found['high']:.4g}.</p>"]
    return [*words, "<p>It is unlike all that the model has seen.</p>"] if found["unknown"] else words


def in_frame(lines: list[str]) -> str:
    """What is read aloud once it is there."""
    return f'<div class="answer" role="status">{"".join(lines)}</div>'


def headline(words: str, length: int = 0) -> str:
    """The answer in large letters, in less large ones where it is long."""
    return f'<p class="word{" long" if length > LONG else ""}">{words}</p>'


def bar(label: str, p: float, member: bool) -> str:
    """A class with its probability; bars begin at 0 and end at 100."""
    drawn = f'<span class="bar" style="width:{100 * p:.1f}%" aria-hidden="true"></span>'
    return f'<li{" class=member" if member else ""}>{name(label)}{drawn}<span class="sure">{per_100(p)}</span></li>'


def name(label: str) -> str:
    """A class's name, which is text whatever it looks like."""
    return f"<bdi>{html.escape(label)}</bdi>"


def either(labels: list[str]) -> str:
    """As in "a or b"; of more than four two and how many others."""
    words = [name(label) for label in labels]
    words = [*words[:2], f"{len(words) - 2} others"] if len(words) > 4 else words
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def per_100(p: float) -> str:
    """A probability out of a hundred."""
    return "over 99" if p >= 0.995 else "under 1" if p < 0.01 else str(round(100 * p))


def about() -> str:
    """How often the model is right, and which classes it knows."""
    classes, score = ABOUT["classes"], ABOUT.get("accuracy") or {}
    right = ""
    if score.get("value") is not None:
        value, low, high = (round(100 * score[key]) for key in ("value", "low", "high"))
        right = f"Of 100 new ones about {value} would be named rightly; between {low} and {high}, 95 % sure. "
    known = ", ".join(map(name, classes[:SHOWN])) + (" ..." if len(classes) > SHOWN else "")
    return f"<h1>{name(ABOUT['name'])}</h1><p>{right}{f'{len(classes)} classes: {known}.' if classes else ''}</p>"


def page() -> gr.Blocks:
    """The page: what is given, the answer in words, and as values."""
    kind = ABOUT["modality"]
    with (
        gr.Blocks(title=ABOUT["name"], analytics_enabled=False, delete_cache=(3600, 3600)) as blocks,
        gr.Column(elem_id="page"),
    ):
        gr.HTML(about())
        if kind == "text":
            item = gr.Textbox(label=NAMES[kind], lines=4, max_length=MOST_CHARACTERS)
            asked = [item.submit, gr.Button("Answer", variant="primary").click]
        elif kind == "audio":
            item = gr.Audio(label=NAMES[kind], type="filepath", format=None, sources=["upload", "microphone"])
            asked = [item.change]
        else:
            camera = gr.WebcamOptions(mirror=False)  # what is mirrored on the screen would be given mirrored
            sources = ["upload", "clipboard", "webcam"]
            item = FileAsItCame(
                label=NAMES[kind], type="filepath", height=360, buttons=[], sources=sources, webcam_options=camera
            )
            asked = [item.change]
        words = gr.HTML()
        with gr.Accordion("As JSON", open=False):
            values = gr.JSON(show_label=False)
        gr.on(asked, said, item, [words, values], api_name="answer", show_progress="minimal")
    return blocks


if __name__ == "__main__":
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}  # none of a foreign host
    theme = gr.themes.Base(primary_hue="teal", **fonts)
    page().launch(theme=theme, css=STYLE, share=False, ssr_mode=False, pwa=False, max_file_size=MOST_BYTES, quiet=True)
