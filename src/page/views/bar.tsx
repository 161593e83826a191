/** A bar of progress. Its width is set through the object model: the page's policy allows no inline style. */
import { useLayoutEffect, useRef } from "preact/hooks";

export function Bar({
  share,
  isStuck = false,
  label,
}: {
  share: number;
  isStuck?: boolean;
  label?: string;
}) {
  const fill = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (fill.current) fill.current.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
  }, [share]);
  return (
    <span
      class={`bar ${isStuck ? "stuck" : ""}`}
      role="progressbar"
      aria-label={label ?? "fits"}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(100 * share)}
    >
      <span ref={fill} />
    </span>
  );
}
