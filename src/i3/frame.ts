/** One I3 frame: named records of one stream (G geometry, C calibration, D status, Q DAQ, P or p physics). */
export interface Frame {
  readonly stream: string;
  /** In the order of the file. */
  readonly records: ReadonlyMap<string, FrameRecord>;
}

export interface FrameRecord {
  readonly key: string;
  /** Documentation only (a demangled C++ name); the class that counts is inside the buffer. */
  readonly typeName: string;
  readonly buffer: Uint8Array;
}
