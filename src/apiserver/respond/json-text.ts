import type { HttpRequest } from '#base'

/** JSON as Kubernetes writes it: in one line that ends with a break, or indented for people, without one at its end. */

const NEWLINE = Buffer.from('\n')

/** The chunks of a body. `json` is in one line, without a break at its end. */
export function jsonChunks(json: Uint8Array, pretty: boolean): readonly Uint8Array[] {
  return pretty ? [Buffer.from(indented(JSON.parse(Buffer.from(json).toString())))] : [json, NEWLINE]
}

export const indented = (value: unknown): string => JSON.stringify(value, undefined, 2)

/** What Go reads as true. */
const TRUTHS = new Set(['1', 't', 'T', 'true', 'TRUE', 'True'])

/** Asked for in the query, or by the tools that people read answers with. */
export function wantsPretty({ target, headers }: HttpRequest): boolean {
  const at = target.indexOf('?')
  const asked = at !== -1 && target.includes('pretty', at) ? new URLSearchParams(target.slice(at + 1)).get('pretty') : null
  if (asked !== null && asked !== '') return TRUTHS.has(asked)
  const given = headers['user-agent']
  const agent = typeof given === 'string' ? given : given?.[0]
  return agent !== undefined && (agent.startsWith('curl') || agent.startsWith('Wget') || agent.startsWith('Mozilla/5.0'))
}
