import { parseDuration, statusError } from '#api'
import type { ParsedRequest } from './request-info.ts'

const MOST_MS = 60_000
const LASTING = new Set(['exec', 'attach', 'portforward', 'proxy', 'log'])

/**
 * How long the whole of a request may take, as its client says with `timeout` (`10s`, as `kubectl --request-timeout` sends it); 0, and what is longer than
 * a minute, says nothing. Requests that last as long as their client wants are not asked. Throws `StatusError` for what is no duration.
 */
export function timeoutOf(info: ParsedRequest): number | undefined {
  if (!info.rawQuery.includes('timeout=')) return undefined
  const text = info.query.get('timeout') ?? ''
  if (text === '' || info.verb === 'watch' || info.verb === 'proxy' || LASTING.has(info.subresource)) return undefined
  const found = parseDuration(text)
  if (typeof found === 'string') throw statusError.badRequest(`invalid timeout specified in the request URL - ${found}`)
  return found > 0 && found < MOST_MS ? found : undefined
}
