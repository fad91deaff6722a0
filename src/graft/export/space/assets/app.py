"""A page to try the model on, in Gradio: it gives the model the file as it came, and says the answer in words."""

import os
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: nobody is told of anything
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import gradio as gr
from addresses import RelativeAddresses
from answering import ABOUT, MOST_BYTES, MOST_CHARACTERS, answer
from starlette.middleware import Middleware

from words import of_answer, of_model

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
    found = answer(item)
    return of_answer(found), found


def page() -> gr.Blocks:
    """The page: what is given, the answer in words, and as values."""
    kind = ABOUT["modality"]
    with (
        gr.Blocks(title=ABOUT["name"], analytics_enabled=False, delete_cache=(3600, 3600)) as blocks,
        gr.Column(elem_id="page"),
    ):
        gr.HTML(of_model(ABOUT))
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
    page().launch(
        theme=gr.themes.Base(primary_hue="teal", **fonts),
        css=STYLE,
        share=False,
        ssr_mode=False,
        pwa=False,
        max_file_size=MOST_BYTES,
        app_kwargs={"middleware": [Middleware(RelativeAddresses)]},
        quiet=True,
    )
