/** Time as it is passed to whoever needs it: what o'clock it is, and being called later. */
export interface Clock {
  /** Seconds of a clock that nobody sets, from any origin. */
  now(): number;
  /** Seconds since 1970. May be set, forwards and back. */
  date(): number;
  /** Calls once, so many seconds from now. @returns what calls it off */
  after(seconds: number, work: () => void): () => void;
  /** Calls once everything that has arrived by now has been dealt with. */
  soon(work: () => void): void;
  /** Calls every so many seconds. @returns what ends it */
  every(seconds: number, work: () => void): () => void;
}

/** The longest the system's timers can wait, s: 2^31 - 1 ms. What is longer fires at once. */
const longestWait = (2 ** 31 - 1) / 1000;

/** The system's own time. */
export const systemClock: Clock = {
  now: () => performance.now() / 1000,
  date: () => Date.now() / 1000,
  after(seconds, work) {
    let timer: ReturnType<typeof setTimeout>;
    const wait = (left: number) => {
      const step = Math.min(left, longestWait);
      timer = setTimeout(() => (left > step ? wait(left - step) : work()), 1000 * step);
    };
    wait(seconds);
    return () => clearTimeout(timer);
  },
  soon: (work) => void setImmediate(work),
  every(seconds, work) {
    if (seconds <= longestWait) {
      const timer = setInterval(work, 1000 * seconds);
      return () => clearInterval(timer);
    }
    let cancel = () => {};
    const again = () => {
      cancel = systemClock.after(seconds, () => {
        again();
        work();
      });
    };
    again();
    return () => cancel();
  },
};

/**
 * A clock that stands still while the process does: nobody is to be blamed for what they could not be heard
 * saying (a paused virtual machine, a closed lid). It has to be asked at least every `longestGap` s; what is
 * longer between two questions counts as that much.
 */
export function wakingClock(clock: Clock, longestGap: number): Clock {
  let last = clock.now();
  let asleep = 0;
  return {
    ...clock,
    now() {
      const now = clock.now();
      asleep += Math.max(0, now - last - longestGap);
      last = now;
      return now - asleep;
    },
  };
}
