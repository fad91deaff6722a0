"""Runs cells in a kernel, and takes what they print and show: bounded, without secrets, told as it comes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_output

from graft.notebooks.hiding import Hiding
from graft.notebooks.outputs import MAX_LINE, MAX_OUTPUT_BYTES, MAX_OUTPUTS, PrintedText, plain, size_of

SHELL = "application/vnd.graft.shell+json"
"""As the kernel's side calls it."""
_ERROR = "application/vnd.jupyter.error"
_STREAMS = 50
"""Changes between stdout and stderr in a cell that are kept; then each goes on where it stood last."""
_WAIT = 2.0
"""Seconds between two looks at a line that is being redrawn."""
Tell = Callable[[str, str], None]


class CellClient(NotebookClient):  # type: ignore[misc]
    """Executes one cell after another.

    Args:
        notebook: What is executed, and takes the outputs.
        client: Speaks to the kernel.
        hiding: What may stand in no output.
        tell: Told the kind and the text of what comes.
    """

    def __init__(self, notebook: NotebookNode, client: Any, hiding: Hiding, tell: Tell) -> None:
        super().__init__(notebook, record_timing=False, iopub_timeout=24 * 3600)
        self.kc = client
        self.on_cell_executed = self._executed
        self.hiding = hiding
        self.tell = tell
        self.begin()

    def begin(self) -> None:
        """A cell begins."""
        self.shell: list[tuple[str, int]] = []
        self.shown_error: tuple[str, str] | None = None
        self._printed: list[tuple[NotebookNode, PrintedText]] = []
        self._shown = self._size = self._dropped = 0
        self._looked = time.monotonic()
        self._seen = ""

    def end(self, cell: NotebookNode) -> None:
        """A cell ended, or was ended."""
        for output, printed in self._printed:
            printed.end()
            output["text"] = printed.text()
        if self._dropped:
            text = (
                f"[{self._dropped:,} outputs were left out: of one cell {MAX_OUTPUTS:,} are kept, and "
                f"{MAX_OUTPUT_BYTES >> 20} MB of them]\n"
            )
            cell.outputs.append(new_output("stream", name="stderr", text=text))
        self._printed = []

    def _executed(self, cell: NotebookNode, cell_index: int, execute_reply: dict[str, Any]) -> None:
        """A cell that calls ``exit()`` ends the kernel some time later; it is known at once that it will."""
        payload = execute_reply["content"].get("payload") or ()
        if any(one.get("source") == "ask_exit" for one in payload):
            self.shown_error = self.shown_error or ("SystemExit", "The cell ended the notebook with exit().")

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        """Take a message of the kernel; what it shows is put into the format's bounds first."""
        content = msg["content"]
        if isinstance(data := content.get("data"), dict) and SHELL not in data:
            content["data"] = {str(kind): _fitting(str(kind), value) for kind, value in data.items()}
            if not isinstance(content.get("metadata"), dict):
                content["metadata"] = {}
        taken: NotebookNode | None = super().process_message(msg, cell, cell_index)
        return taken

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Take an output of the kernel."""
        content = msg["content"]
        if told := content.get("data", {}).get(SHELL):
            self.shell += [(str(command), int(code)) for command, code in told]
            return None
        if msg["msg_type"] == "stream" and not self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            self._print(outs, content["name"], content["text"], cell_index)
            return None
        if msg["msg_type"] == "error":
            content["evalue"] = str(content["evalue"])[:MAX_LINE]
            content["traceback"] = [str(one)[:MAX_LINE] for one in content["traceback"][:MAX_OUTPUTS]]
            self.shown_error = self.shown_error or (str(content["ename"]), str(content["evalue"]))
            self.tell("error", f"{content['ename']}: {content['evalue']}")
        elif shown := content.get("data", {}).get(_ERROR):
            self.shown_error = self.shown_error or _named(shown)
            self.tell("error", ": ".join(_named(shown)))
        elif text := plain(content.get("data", {})):
            self.tell("display", text)
        self._shown += 1
        self._size += size_of(content)
        if msg["msg_type"] != "error" and (self._shown > MAX_OUTPUTS or self._size > MAX_OUTPUT_BYTES):
            self._dropped += 1
            return None
        taken: NotebookNode | None = super().output(outs, msg, display_id, cell_index)
        return taken

    def clear_output(self, outs: list[NotebookNode], msg: dict[str, Any], cell_index: int) -> None:
        """The cell takes back what it showed, at once or when something new comes."""
        super().clear_output(outs, msg, cell_index)
        if not outs:
            self._cleared()

    def _cleared(self) -> None:
        self._printed = []
        self._shown = self._size = 0

    def _print(self, outs: list[NotebookNode], name: str, text: str, cell_index: int) -> None:
        if self.clear_before_next_output:  # type: ignore[has-type]
            outs[:] = []
            self.clear_display_id_mapping(cell_index)
            self.clear_before_next_output = False
            self._cleared()
        last = self._printed[-1] if self._printed and outs and outs[-1] is self._printed[-1][0] else None
        if (last is None or last[0]["name"] != name) and len(self._printed) >= _STREAMS:
            last = next((one for one in reversed(self._printed) if one[0]["name"] == name), None)
        if last is None or last[0]["name"] != name:
            output = new_output("stream", name=name, text="")
            outs.append(output)
            last = (output, PrintedText(lambda told: self.tell(name, told), self.hiding))
            self._printed.append(last)
        last[1].add(text)
        if (now := time.monotonic()) - self._looked >= _WAIT:
            self._looked = now
            if (line := last[1].last_line()) and line != self._seen:
                self._seen = line
                self.tell(name, line)


def _fitting(kind: str, value: Any) -> Any:
    """The format has room for text, and for objects where the kind ends in json; not for a number, nor for nothing."""
    is_text = isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))
    return value if is_text or kind.endswith("json") else json.dumps(value)


def _named(shown: Any) -> tuple[str, str]:
    """The name and the message of an error that was shown in a form of its own."""
    if isinstance(shown, str):
        try:
            shown = json.loads(shown)
        except ValueError:
            return "Error", shown
    if not isinstance(shown, dict):
        return "Error", str(shown)
    return str(shown.get("name", "Error")), str(shown.get("message", ""))
