/** What one broker keeps for whoever comes, bytes: start-up data of a hundred scans, or the longest there may be. */
const mostBytes = 128 << 20;
/** And how many messages: a hundred scans of a thousand clients. */
const mostMessages = 100_000;

/** An account of what a broker has been asked to keep. */
export interface RetainedLimit {
  /** Books a retained message in; an empty one takes its topic's away. @returns why it cannot be kept */
  objection(topic: string, bytes: number): string | undefined;
}

export function createRetainedLimit(): RetainedLimit {
  const sizes = new Map<string, number>();
  let total = 0;
  return {
    objection(topic, bytes) {
      const before = sizes.get(topic);
      const size = bytes === 0 ? 0 : bytes + topic.length;
      const after = total - (before ?? 0) + size;
      if (size > 0 && after > mostBytes) return `more than ${mostBytes} bytes are to be kept`;
      if (size > 0 && before === undefined && sizes.size >= mostMessages)
        return `more than ${mostMessages} messages are to be kept`;
      total = after;
      if (size === 0) sizes.delete(topic);
      else sizes.set(topic, size);
      return undefined;
    },
  };
}
