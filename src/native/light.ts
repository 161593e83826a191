/** A light model loaded into the native core. */
export interface LightModel {
  readonly kind: "embedded" | "tables";
  /** One line for logs and the manifest: which model, which files. */
  readonly description: string;
  close(): void;
}
