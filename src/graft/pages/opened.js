// Browsers load no modules from a folder that was opened as a file: then nothing else of this page runs, and it says so.
if (location.protocol === "file:") {
  document.addEventListener("DOMContentLoaded", () => {
    const box = document.createElement("div");
    box.className = "note error";
    for (const [tag, text] of [
      ["strong", "This page was opened as a file."],
      ["span", "Browsers let a file load neither a model nor a module; the page has to come from a server, even a small one on this computer."],
      ["span", "In this folder run"],
      ["code", "python3 -m http.server 8000 --bind 127.0.0.1"],
      ["span", "and open http://127.0.0.1:8000/"],
    ]) {
      const node = document.createElement(tag);
      node.textContent = text;
      box.append(node);
    }
    document.getElementById("main").replaceChildren(box);
    document.documentElement.dataset.ready = "failed";
    document.documentElement.dataset.state = "file";
  });
}
