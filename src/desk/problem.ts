// What goes wrong with a request, as its sender is told: a status and a sentence.

/** Ends a request with an answer that is no success. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    /** One sentence, for the page as it is. */
    message: string,
    readonly more: { readonly scan_id?: string } = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

export const notFound = (what: string): ProblemError =>
  new ProblemError(404, `There is no ${what}.`);
