declare module "*.so" {
  /** Where Bun has put the library: beside the sources, or unpacked from the executable. */
  const path: string;
  export default path;
}
