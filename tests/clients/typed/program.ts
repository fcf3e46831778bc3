// A small program of a user: every name and type below comes from generated.ts.
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";
import {
  type CreatePartyMutation,
  type OpenDealsQuery,
  CreatePartyDocument,
  CrmDealStatus,
  OpenDealsDocument,
} from "./generated.js";

async function ask<Result, Variables>(
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const response = await fetch(process.env.HANSA_URL!, {
    method: "POST",
    headers: {
      Accept: "application/graphql-response+json",
      Authorization: `Bearer ${process.env.HANSA_KEY}`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify({ query: print(document), variables }),
  });
  const answer = (await response.json()) as { data: Result; errors?: { message: string }[] };
  if (answer.errors) throw new Error(answer.errors[0]?.message);
  return answer.data;
}

const made: CreatePartyMutation = await ask(CreatePartyDocument, {
  input: { name: "Typed & Sons", addresses: { create: [{ street: "Am Kai 1" }] } },
});
const refused = await ask(CreatePartyDocument, { input: { name: "" } });
const read: OpenDealsQuery = await ask(OpenDealsDocument, { first: 5 });

const name: string | null | undefined = made.contactsPartyCreate?.record?.name;
const codes: string[] | undefined = refused.contactsPartyCreate?.errors.map((error) => error.code);
const open = read.crmDeals?.nodes.filter((deal) => deal.status === CrmDealStatus.Open);
const amounts: (string | null | undefined)[] | undefined = open?.map((deal) => deal.amount);
console.log(JSON.stringify({ name, codes, amounts, total: read.crmDeals?.totalCount }));
