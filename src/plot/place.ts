/** Where a panel stands: its upper left corner and its width, px; its shape is its own. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}
