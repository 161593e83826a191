// The desk's interface as OpenAPI 3.1, made of the schemas by which requests are checked.
import { type ConversionConfig, toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { Problem } from "./messages.ts";
import type { Route } from "./route.ts";

const conversion: ConversionConfig = {
  ...{ target: "draft-2020-12", typeMode: "input" },
  // JSON Schema knows no other numbers.
  ignoreActions: ["finite"],
};

const schemaOf = (schema: v.GenericSchema) => {
  const { $schema: _dialect, ...rest } = toJsonSchema(schema, conversion);
  return rest;
};

/** @param base the path the desk is served at */
export function openApi(routes: readonly Route[], version: string, base: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "skyscan desk", version },
    servers: [{ url: base }],
    paths,
    components: {
      schemas: { Problem: schemaOf(Problem) },
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        session: { type: "apiKey", in: "cookie", name: "skyscan" },
      },
    },
  };
}

function operationOf({ path, access, summary, query = {}, body, answer }: Route): object {
  const parameters = [
    ...[...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      ...{ name, in: "path", required: true, schema: { type: "string" } },
    })),
    ...Object.entries(query).map(([name, description]) => ({
      ...{ name, in: "query", required: false, description, schema: { type: "string" } },
    })),
  ];
  return {
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { content: { "application/json": { schema: schemaOf(body) } } },
    }),
    responses: {
      "200": { description: "Done.", ...contentOf(answer) },
      default: {
        description: "What went wrong, in words.",
        content: { "application/json": { schema: { $ref: "#/components/schemas/Problem" } } },
      },
    },
    security: access === "open" ? [] : [{ token: [] }, { session: [] }],
  };
}

function contentOf(answer: Route["answer"]): object {
  if (answer === undefined) return {};
  if (typeof answer === "string") return { content: { [answer]: {} } };
  return { content: { "application/json": { schema: schemaOf(answer) } } };
}
