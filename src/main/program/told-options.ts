/** Options as a command was told them, by the names that the command line has: what was not given and has no default is left out. */
export function toldOptions(flags: object): Record<string, string> {
  const told: [string, string][] = []
  for (const [name, value] of Object.entries(flags) as [string, unknown][])
    if (value !== undefined) told.push([name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), textOf(value)])
  return Object.fromEntries(told)
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
