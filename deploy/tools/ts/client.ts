// A client in TypeScript, compiled against the generated types and run by a test
// against a gateway: node client.js URL TOKEN. It prints one line of JSON.
import createClient from "openapi-fetch";
import type { components, paths } from "../../../proto/gen/ts/lingkar.js";

type Team = components["schemas"]["lingkar.platform.v1.Team"];
type Problem = components["schemas"]["Problem"];

declare const process: { argv: string[] };
const [, , baseUrl = "", token = ""] = process.argv;

const api = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

async function main(): Promise<{ created?: Team; listed: number; problem?: Problem }> {
  const body: Team = { displayName: "Team in TypeScript", labels: { made: "by-types" } };
  const { data: created } = await api.POST("/v1/teams", { body });
  const { data: page } = await api.GET("/v1/teams", { params: { query: { pageSize: 10 } } });
  const { error: problem } = await api.GET("/v1/teams/{team}", { params: { path: { team: "nonsense" } } });
  return { created, listed: page?.teams?.length ?? 0, problem };
}

console.log(JSON.stringify(await main()));
