export { answer, corrections, events, open } from "./local/answerer.js";
