// The way to the server: what is asked for, and the decisions that are sent.

const root = document.baseURI;

export class Refused extends Error {}

async function answer(response) {
  const values = await response.json().catch(() => ({ message: "The editor gave no answer that can be read." }));
  if (response.ok) return values;
  const refused = new Refused([values.message, values.hint].filter(Boolean).join(" "));
  refused.code = values.code;
  throw refused;
}

async function reach(path, options) {
  try {
    return await fetch(new URL(`editor/${path}`, root), options);
  } catch {
    throw new Refused("The editor does not answer. Start it again with the same command; all that was saved is kept.");
  }
}

export async function ask(path, values = {}) {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return answer(await reach(`${path}?${new URLSearchParams(given)}`));
}

export async function send(path, values) {
  return answer(
    await reach(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(values),
    }),
  );
}

export const media = (kind, row, run, side) =>
  new URL(`editor/${kind}/${row}?run=${run}${side ? `&side=${side}` : ""}`, root).href;
