// Which line of a text the places of a running server are at.

/** What `GET /v1/journeys` answers of one version of a journey. */
export interface Standing {
  journey: string;
  version: string;
  current: boolean;
  runs: number;
  places: { place: { file: string; line: number; column: number; statement: string } | null; runs: number }[];
}

/** How many contacts wait at each line of a text, by line from 0. The text may be newer than what the server runs. */
export function waiting(journeys: Standing[], path: string, text: string): Map<number, number> {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const counts = new Map<number, number>();
  for (const { place, runs } of journeys.flatMap((journey) => journey.places)) {
    if (place === null || !`/${path}`.endsWith(`/${place.file}`)) continue;
    const line = lineOf(lines, place.line - 1, place.statement);
    if (line !== undefined) counts.set(line, (counts.get(line) ?? 0) + runs);
  }
  return counts;
}

/** Where a statement stands that stood at a line before; nowhere if it is gone, or stands more than once elsewhere. */
function lineOf(lines: string[], before: number, statement: string): number | undefined {
  const first = statement.split("\n")[0]?.trim() ?? "";
  const stands = (line: number): boolean => first !== "" && lines[line]?.startsWith(first) === true;
  if (stands(before)) return before;
  const found = lines.flatMap((_, line) => (stands(line) ? [line] : []));
  return found.length === 1 ? found[0] : undefined;
}

/** "1 contact waits here". */
export function sentence(runs: number): string {
  return runs === 1 ? "1 contact waits here" : `${runs.toLocaleString("en")} contacts wait here`;
}
