// What went wrong, in three parts: what and what was found in the message, what to do in the hint.
export class Trouble extends Error {
  constructor(code, message, hint) {
    super(message);
    Object.assign(this, { code, hint });
  }

  get parts() {
    return { code: this.code, message: this.message, hint: this.hint };
  }
}
