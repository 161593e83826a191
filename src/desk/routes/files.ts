import type { Route } from "../route.ts";

/** GET /scan/ID/files/NAME: one of the files the scan's page lists. */
export const files: Route = {
  method: "GET",
  path: "/scan/:id/files/:name",
  access: "read",
  summary: "A result file, picture or text, made when it is asked for.",
  answer: "application/octet-stream",
  async handle({ params, mayWrite }, context) {
    const { path, name, mediaType } = await context.files.get(
      context.desk.record(params.id!),
      params.name!,
      mayWrite,
    );
    return new Response(Bun.file(path), {
      headers: {
        "content-type": mediaType,
        "content-disposition": `attachment; filename="${name}"`,
      },
    });
  },
};
