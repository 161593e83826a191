import conventions from "./conventions.md" with { type: "text" };
import desk from "./desk.md" with { type: "text" };
import ewms from "./ewms.md" with { type: "text" };
import formats from "./formats.md" with { type: "text" };
import levels from "./levels.md" with { type: "text" };
import recipes from "./recipes.md" with { type: "text" };

/** The pages for users that `skyscan help TOPIC` shows on any node, by topic: a page is an import above and a name here. */
export const pages: Readonly<Record<string, string>> = {
  ...{ conventions, desk, ewms, formats, levels, recipes },
};
