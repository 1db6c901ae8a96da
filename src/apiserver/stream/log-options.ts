import { type FieldError, Path, fieldError, statusError } from '#api'
import { isTrue } from '../router/request-info.ts'

export interface PodLogOptions {
  readonly container: string
  /** For the node. */
  readonly query: URLSearchParams
  readonly verifiesBackend: boolean
}

const STREAMS = ['All', 'Stderr', 'Stdout']

/** PodLogOptions out of a query, validated in upstream's order. Throws `StatusError` 400 and 422. */
export function podLogOptions(given: URLSearchParams, pod: string): PodLogOptions {
  const errors: FieldError[] = []
  const tailLines = integer(given, 'tailLines')
  const limitBytes = integer(given, 'limitBytes')
  const sinceSeconds = integer(given, 'sinceSeconds')
  const sinceTime = timeOf(given)
  const stream = given.get('stream') ?? 'All'
  if (tailLines !== undefined && tailLines < 0)
    errors.push(fieldError.invalid(Path.of('tailLines'), tailLines, 'must be greater than or equal to 0'))
  if (limitBytes !== undefined && limitBytes < 1)
    errors.push(fieldError.invalid(Path.of('limitBytes'), limitBytes, 'must be greater than 0'))
  if (sinceSeconds !== undefined && sinceTime !== undefined)
    errors.push(fieldError.forbidden(Path.of(''), 'at most one of `sinceTime` or `sinceSeconds` may be specified'))
  else if (sinceSeconds !== undefined && sinceSeconds < 1)
    errors.push(fieldError.invalid(Path.of('sinceSeconds'), sinceSeconds, 'must be greater than 0'))
  if (!STREAMS.includes(stream)) errors.push(fieldError.notSupported(Path.of('stream'), stream, STREAMS))
  else if (stream !== 'All' && tailLines !== undefined)
    errors.push(fieldError.forbidden(Path.of(''), '`tailLines` and specific `stream` are mutually exclusive for now'))
  if (errors.length > 0) throw statusError.invalid({ group: '', kind: 'PodLogOptions' }, pod, errors)

  const query = new URLSearchParams()
  for (const name of ['follow', 'previous', 'timestamps']) if (flag(given, name)) query.set(name, 'true')
  if (sinceSeconds !== undefined) query.set('sinceSeconds', String(sinceSeconds))
  if (sinceTime !== undefined) query.set('sinceTime', sinceTime)
  if (tailLines !== undefined) query.set('tailLines', String(tailLines))
  if (limitBytes !== undefined) query.set('limitBytes', String(limitBytes))
  if (stream !== 'All') query.set('stream', stream)
  return { container: given.get('container') ?? '', query, verifiesBackend: !flag(given, 'insecureSkipTLSVerifyBackend') }
}

export function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name)
  return value !== null && isTrue(value)
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^[+-]?\d+$/.test(text)) throw statusError.badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

function timeOf(query: URLSearchParams): string | undefined {
  const text = query.get('sinceTime')
  if (text === null || text === '') return undefined
  if (Number.isNaN(Date.parse(text)))
    throw statusError.badRequest(
      `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`,
    )
  return text
}
