import type { Cors, Origin } from '#routing'
import { isHost, isPort, shown } from './grammar.ts'

const METHOD = /^[A-Z]{1,16}$/
const HEADER = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}$/
const MOST = 64
const LONGEST_AGE_SECONDS = 86_400 * 365
const USUAL_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 }

export interface CorsWords {
  readonly origins: readonly string[]
  readonly credentials: boolean
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  readonly expose: readonly string[]
  readonly maxAgeSeconds: number
}

/** What somebody says of pages from elsewhere, as far as it can be held to. */
export function corsOf({ origins, credentials, methods, headers, expose, maxAgeSeconds }: CorsWords): Cors | { readonly problem: string } {
  const read: Origin[] = []
  for (const text of origins.slice(0, MOST)) {
    const origin = originOf(text)
    if (origin === undefined)
      return { problem: `${shown(text)} is no origin: http or https, a host, perhaps a port, and perhaps a star in front` }
    read.push(origin)
  }
  for (const [what, of, is] of [
    ['method', methods, METHOD],
    ['header', headers, HEADER],
    ['header', expose, HEADER],
  ] as const) {
    const bad = of.find((one) => one !== '*' && !is.test(one))
    if (bad !== undefined) return { problem: `${shown(bad)} is no name of a ${what}` }
    if (of.length > MOST) return { problem: `there are more than ${MOST} names of a ${what}` }
  }
  const age = Math.min(Math.max(0, Math.trunc(maxAgeSeconds)), LONGEST_AGE_SECONDS)
  return { origins: read, credentials, methods, headers, expose, maxAgeSeconds: age }
}

function originOf(text: string): Origin | undefined {
  if (text === '*') return { how: 'any' }
  const [, scheme = '', host = '', digits] = /^(https?):\/\/([^:/]+)(?::(\d{1,5}))?$/.exec(text.toLowerCase()) ?? []
  const port = digits === undefined ? undefined : Number(digits)
  if (scheme === '' || (port !== undefined && !isPort(port))) return undefined
  const end = port === undefined || port === USUAL_PORTS[scheme] ? '' : `:${port}`
  if (host === '*') return { how: 'between', start: `${scheme}://`, end }
  if (!isHost(host)) return undefined
  return host.startsWith('*.')
    ? { how: 'between', start: `${scheme}://`, end: `${host.slice(1)}${end}` }
    : { how: 'exact', text: `${scheme}://${host}${end}` }
}
