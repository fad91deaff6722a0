// What a page can say before anything of it runs: that it was opened from a folder, or that one of its files did not come.
// A plain script, for a browser takes no module from a folder.

(() => {
  "use strict";
  const said = new Set();
  function tell(title, found, advice, command = "") {
    if (said.has(found)) return;
    said.add(found);
    const part = (tag, text) => {
      const node = document.createElement(tag);
      node.textContent = text;
      return node;
    };
    const note = document.createElement("div");
    note.className = "note error";
    note.id = "cannot-start";
    note.setAttribute("role", "alert");
    note.append(part("strong", title), part("span", found), part("span", advice));
    if (command) note.append(part("code", command));
    (document.getElementById("main") ?? document.body).replaceChildren(note);
    document.documentElement.dataset.ready = "failed";
  }
  const whenRead = (act) => (document.readyState === "loading" ? addEventListener("DOMContentLoaded", act) : act());

  if (location.protocol === "file:") {
    whenRead(() => {
      const folder = decodeURIComponent(location.pathname.replace(/\/[^/]*$/, "")).replace(/^\/([A-Za-z]:)/, "$1");
      const quoted = /^[\w/.:-]+$/.test(folder) ? folder : `"${folder.replace(/(["\\$`])/g, "\\$1")}"`;
      tell("This page cannot run from a folder.", "It was opened as a file, and browsers let no page of a folder load a model.",
        "Put the folder on any web server; on this computer, run the line below and open http://localhost:8000.", `python3 -m http.server --bind 127.0.0.1 --directory ${quoted} 8000`);
    });
    return;
  }

  // A module that cannot be loaded does not say which of its imports is at fault: each file is asked for.
  async function diagnose() {
    try {
      const manifest = await fetch("sw.js", { cache: "reload" });
      const found = /JSON\.parse\("(.*)"\);/.exec(await manifest.text());
      const files = JSON.parse(JSON.parse(`"${found[1]}"`));
      for (const [name, { size, large }] of Object.entries(files)) {
        if (large) continue;
        const response = await fetch(name, { cache: "reload" });
        const type = response.headers.get("content-type") ?? "";
        const page = /text\/html/i.test(type) && !name.endsWith(".html");
        if (!response.ok || page) return [`${name} is missing: the host answers ${response.ok ? "with a web page in its place" : response.status}.`, "Copy the file to the host, beside the page."];
        const came = (await response.arrayBuffer()).byteLength;
        if (came !== size) return [`${name} has ${came} bytes where the export has ${size}.`, "Copy the export to the host once more, all of its files."];
        if (name.endsWith(".js") && !/javascript/i.test(type)) return [`${name} comes as ${type || "a file without a type"}, which browsers do not run.`, "Set the type of .js files to text/javascript on the host."];
      }
    } catch {
      return ["sw.js cannot be read.", "Copy the export to the host once more, all of its files."];
    }
    return ["All files came, and still it does not start: this browser may be too old.", "Take a browser of 2023 or later."];
  }
  addEventListener("error", (event) => {
    if (!["SCRIPT", "LINK"].includes(event.target?.tagName)) return;
    void diagnose().then(([found, advice]) => whenRead(() => tell("This page did not start.", found, advice)));
  }, true);
  window.graftDiagnose = diagnose;
})();
