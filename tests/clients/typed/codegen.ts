import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  // HANSA_SCHEMA: a file of `hansa schema`, or the address of a server, asked with HANSA_KEY
  schema: process.env.HANSA_KEY
    ? [{ [process.env.HANSA_SCHEMA!]: { headers: { Authorization: `Bearer ${process.env.HANSA_KEY}` } } }]
    : process.env.HANSA_SCHEMA!,
  documents: "operations.graphql",
  generates: {
    "generated.ts": {
      plugins: ["typescript", "typescript-operations", "typed-document-node"],
      config: {
        useTypeImports: true,
        // What our scalars are in JSON: exact numbers, dates and points in time are texts.
        defaultScalarType: "string",
        scalars: { BigInt: "number", JSON: "unknown" },
      },
    },
  },
};

export default config;
