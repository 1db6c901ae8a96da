import type { HttpResponse } from '#base'
import type { RequestContext } from '../registry/context.ts'

/** A document with its name and the moment from which on it has been as it is. */
export interface ServedDocument {
  readonly bytes: Uint8Array
  /** In quotes; absent when the document has no name. */
  readonly etag?: string | undefined
  readonly modifiedMs: number
}

const MS_IN_S = 1000

/** Answers as RFC 9110 says of conditions and of one range; several ranges get the whole document. */
export function serveDocument(context: RequestContext, document: ServedDocument, headers: Readonly<Record<string, string>>): HttpResponse {
  const { bytes, etag, modifiedMs } = document
  const named = etag === undefined ? headers : { ...headers, etag }
  const { method } = context.request
  const reads = method === 'GET' || method === 'HEAD'
  switch (outcome(context, document, reads)) {
    case 'failed':
      return { status: 412, headers: named, body: { kind: 'empty' } }
    case 'unchanged': {
      const { 'content-type': _, ...kept } = named
      return { status: 304, headers: kept, body: { kind: 'empty' } }
    }
    default:
  }
  const whole = { ...named, 'accept-ranges': 'bytes', 'last-modified': new Date(modifiedMs).toUTCString() }
  const range = reads && isStillMeant(context.header('if-range'), document) ? rangeOf(context.header('range'), bytes.length) : undefined
  if (range === undefined) return { status: 200, headers: whole, body: { kind: 'bytes', chunks: [bytes] } }
  if (range === 'unsatisfiable') {
    const { 'content-type': _, ...kept } = headers
    const told = {
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'content-range': `bytes */${bytes.length}`,
    }
    const body = Buffer.from('invalid range: failed to overlap\n')
    return { status: 416, headers: { ...kept, ...told }, body: { kind: 'bytes', chunks: [body] } }
  }
  const { first, last } = range
  const part = { ...whole, 'content-range': `bytes ${first}-${last}/${bytes.length}` }
  return { status: 206, headers: part, body: { kind: 'bytes', chunks: [bytes.subarray(first, last + 1)] } }
}

/** What the conditions of the request come to, in the order in which they count. */
function outcome(context: RequestContext, { etag, modifiedMs }: ServedDocument, reads: boolean): 'failed' | 'unchanged' | undefined {
  const match = context.header('if-match')
  if (match !== undefined) {
    if (!names(match, etag, false)) return 'failed'
  } else {
    const until = timeOf(context.header('if-unmodified-since'))
    if (until !== undefined && seconds(modifiedMs) > seconds(until)) return 'failed'
  }
  const noneMatch = context.header('if-none-match')
  if (noneMatch !== undefined) {
    if (names(noneMatch, etag, true)) return reads ? 'unchanged' : 'failed'
    return undefined
  }
  const since = timeOf(context.header('if-modified-since'))
  return reads && since !== undefined && seconds(modifiedMs) <= seconds(since) ? 'unchanged' : undefined
}

/** Whether a list of names has this one; `weakly` when a weak name is as good. */
function names(list: string, etag: string | undefined, weakly: boolean): boolean {
  return list.split(',').some((one) => {
    const name = one.trim()
    return name === '*' || (etag !== undefined && (weakly ? name.replace(/^W\//, '') : name) === etag)
  })
}

function isStillMeant(ifRange: string | undefined, { etag, modifiedMs }: ServedDocument): boolean {
  if (ifRange === undefined) return true
  if (ifRange.startsWith('"') || ifRange.startsWith('W/')) return ifRange === etag
  const time = timeOf(ifRange)
  return time !== undefined && seconds(time) === seconds(modifiedMs)
}

function rangeOf(
  header: string | undefined,
  length: number,
): { readonly first: number; readonly last: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=\s*(\d*)\s*-\s*(\d*)\s*$/.exec(header ?? '')
  const [, from = '', to = ''] = match ?? []
  if (match === null || (from === '' && to === '')) return undefined
  if (from === '') return length === 0 || Number(to) === 0 ? 'unsatisfiable' : { first: Math.max(0, length - Number(to)), last: length - 1 }
  const first = Number(from)
  const last = to === '' ? length - 1 : Math.min(Number(to), length - 1)
  if (first >= length) return 'unsatisfiable'
  return last < first ? undefined : { first, last }
}

/** Undefined for what is no time: such a condition is passed over. */
function timeOf(header: string | undefined): number | undefined {
  const time = header === undefined ? Number.NaN : Date.parse(header)
  return Number.isNaN(time) ? undefined : time
}

const seconds = (ms: number): number => Math.floor(ms / MS_IN_S)
