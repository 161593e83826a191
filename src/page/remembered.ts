/** What this browser remembers of its user's choices; where it keeps nothing, the defaults hold. */

export type Choice = "theme" | "keys" | "sound";

export function remembered(choice: Choice): string | null {
  try {
    return localStorage.getItem(choice);
  } catch {
    return null;
  }
}

export function remember(choice: Choice, value: string): void {
  try {
    localStorage.setItem(choice, value);
  } catch {
    // Forgotten with the page, then.
  }
}
