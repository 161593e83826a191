/** What the page's parts share: the desk, the window's state, and being drawn again when either changes. */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Desk } from "../desk.ts";
import type { Shell } from "../shell.ts";

export interface Page {
  readonly desk: Desk;
  readonly shell: Shell;
}

export const PageContext = createContext<Page | undefined>(undefined);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error("outside of the page");
  return page;
}

/** Draws a part again when the desk or the window's state changes, at most once a picture. */
export function useChanges({ desk, shell }: Page): void {
  const [, draw] = useState(0);
  useEffect(() => {
    let frame = 0;
    const change = () => {
      if (frame === 0)
        frame = requestAnimationFrame(() => {
          frame = 0;
          draw((n) => n + 1);
        });
    };
    const ends = [desk.subscribe(change), shell.subscribe(change)];
    change();
    return () => {
      cancelAnimationFrame(frame);
      for (const end of ends) end();
    };
  }, [desk, shell]);
}

/** Draws a part again every second: for clocks and ages. */
export function useSeconds(): void {
  const [, draw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => draw((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);
}
