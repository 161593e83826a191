// The page as the desk serves it: what Bun's bundler made of its documents, ready to be sent.
import { createHash } from "node:crypto";
import { basename, extname } from "node:path";
import { gzipSync } from "bun";

/** One file of the page, whole and packed. */
export interface PageFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
  readonly mediaType: string;
  readonly etag: string;
  /** Its name holds a hash of its content: it never changes. */
  readonly isImmutable: boolean;
}

/** A document of the page: `import page from "../page/index.html"`. */
export type PageDocument = Bun.HTMLBundle;

/** One file the bundler made. */
interface Bundled {
  readonly name: string;
  readonly isScript: boolean;
  readonly isDocument: boolean;
  readonly mediaType: string;
  readonly content: Blob;
}

/**
 * Makes the page's files, by their names: "" is the document `index`. Of every other document only its script is
 * served, as `<name>.js`: this is how the page has workers, and parts that are loaded when they are asked for.
 * @param base the path the desk is served at, "/" or "/name/"
 */
export async function pageFiles(
  documents: Readonly<Record<string, PageDocument>>,
  base: string,
): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  for (const [document, bundle] of Object.entries(documents)) {
    const bundled = Bun.isStandaloneExecutable ? embedded(bundle) : await built(bundle);
    const names = bundled.map(({ name }) => name);
    for (const file of bundled) {
      const name = nameFor(file, document);
      if (name === undefined) continue;
      const content = await rewritten(file, names, base);
      files.set(name, packed(content, file.mediaType, name === file.name));
    }
  }
  return files;
}

/** What a file is served as; undefined: not at all. */
function nameFor({ name, isDocument, isScript }: Bundled, document: string): string | undefined {
  if (document === "index") return isDocument ? "" : name;
  if (isDocument) return undefined;
  return isScript ? `${document}.js` : name;
}

/** The files inside of the executable. */
const embedded = ({ files = [] }: PageDocument): Bundled[] =>
  files.map(({ path, loader, headers }) => ({
    name: basename(path),
    isScript: loader === "js",
    isDocument: loader === "html",
    mediaType: headers["content-type"] ?? "application/octet-stream",
    content: Bun.file(path),
  }));

/** The same, made now of the sources: for whoever works on the page. */
async function built({ index }: PageDocument): Promise<Bundled[]> {
  const { outputs } = await Bun.build({ entrypoints: [index], minify: true });
  return outputs.map((output) => ({
    name: basename(output.path),
    isScript: extname(output.path) === ".js",
    isDocument: extname(output.path) === ".html",
    mediaType: output.type,
    content: output,
  }));
}

/** The bundler's addresses begin with "/": the desk may be served elsewhere. */
async function rewritten(
  { content, isDocument, mediaType }: Bundled,
  names: readonly string[],
  base: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!mediaType.startsWith("text/")) return new Uint8Array(await content.arrayBuffer());
  let text = await content.text();
  for (const name of names) text = text.replaceAll(`"/${name}"`, `"./${name}"`);
  if (isDocument) text = text.replace(/<head>/, `<head><base href="${base}">`);
  return new TextEncoder().encode(text);
}

function packed(body: Uint8Array<ArrayBuffer>, mediaType: string, isImmutable: boolean): PageFile {
  const hash = createHash("sha256").update(body).digest("hex").slice(0, 16);
  return { body, gzip: gzipSync(body, { level: 9 }), mediaType, etag: `"${hash}"`, isImmutable };
}
