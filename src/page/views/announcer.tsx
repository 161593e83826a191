/** What a screen reader is told: at most one sentence in ten seconds, what is urgent at once. */
import { useEffect, useRef, useState } from "preact/hooks";
import { sentenceFor } from "../sentences.ts";
import { usePage } from "./hooks.ts";

/** ms between two polite sentences. */
const PAUSE = 10_000;
export function Announcer() {
  const { desk } = usePage();
  const [polite, setPolite] = useState("");
  const [urgent, setUrgent] = useState("");
  const spokeAt = useRef(Number.NEGATIVE_INFINITY);
  useEffect(
    () =>
      desk.onRow((row, before) => {
        if (!desk.hasRows) return;
        const sentence = sentenceFor(row, before);
        if (!sentence) return;
        if (sentence.isUrgent) return setUrgent(sentence.text);
        const now = desk.surroundings.now();
        if (now - spokeAt.current < PAUSE) return;
        spokeAt.current = now;
        setPolite(sentence.text);
      }),
    [desk],
  );
  return (
    <>
      <p class="unseen" role="status" aria-live="polite">
        {polite}
      </p>
      <p class="unseen" role="alert" aria-live="assertive">
        {urgent}
      </p>
    </>
  );
}
