/** Half-open [start, stop), ns. */
export interface TimeWindow {
  readonly start: number;
  readonly stop: number;
}
