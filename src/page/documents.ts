// The page's documents, by the names the desk serves them as. Only "index" is a document to look at: the others carry a
// script each, which the page loads as contours.js, event.js and shared.js.
import contours from "./contours.html";
import event from "./event.html";
import index from "./index.html";
import shared from "./shared.html";

export const pageDocuments: Readonly<Record<string, Bun.HTMLBundle>> = {
  ...{ index, contours, event, shared },
};
