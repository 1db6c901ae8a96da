import { LIMITS_OF_PLAIN } from './limits.ts'

/** The head of a plain request. */
export interface PlainHead {
  readonly method: string
  readonly target: string
  /** Shared by the requests of a connection that say the same, and never changed. */
  readonly headers: PlainHeaders
  readonly bodyBytes: number
  /** Where the body begins. */
  readonly end: number
}
export type PlainHeaders = Readonly<Record<string, string | undefined>>

const END = Buffer.from('\r\n\r\n')
const REQUEST_LINE = /^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (\/[\x21-\x7e]*) HTTP\/1\.1$/
const NAME = /^[A-Za-z0-9-]+$/
const VALUE = /^[\t\x20-\x7e]*$/
const LENGTH = /^\d{1,10}$/
/** Each of these changes how the message or the connection has to be read. */
const NOT_PLAIN = ['transfer-encoding', 'expect', 'upgrade', 'trailer', 'proxy-connection']

/**
 * Reads the heads of one connection's requests. Plain are those that can be read in one way only: HTTP/1.1, one line for each
 * header, nothing but printable ASCII, a body of a told length or none, no wish about the connection but to keep it.
 */
export class HeadReader {
  /** Clients send the same headers over and over. */
  #text = ''
  #known: { readonly headers: PlainHeaders; readonly bodyBytes: number } | undefined

  /** Undefined: not a plain request, or not all of it is there; nothing has been taken. */
  read(bytes: Buffer): PlainHead | undefined {
    const end = bytes.indexOf(END)
    if (end === -1 || end > LIMITS_OF_PLAIN.headBytes) return undefined
    const text = bytes.toString('latin1', 0, end)
    const lineEnd = text.indexOf('\r\n')
    if (lineEnd === -1) return undefined
    const line = REQUEST_LINE.exec(text.slice(0, lineEnd))
    if (line === null) return undefined
    const [, method = '', target = ''] = line
    const headerText = text.slice(lineEnd + 2)
    if (this.#known === undefined || headerText !== this.#text) {
      this.#known = readHeaders(headerText)
      this.#text = headerText
    }
    if (this.#known === undefined) return undefined
    const { headers, bodyBytes } = this.#known
    return { method, target, headers, bodyBytes, end: end + END.length }
  }
}

function readHeaders(text: string): { readonly headers: PlainHeaders; readonly bodyBytes: number } | undefined {
  const headers: Record<string, string> = {}
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon < 1) return undefined
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1)
    if (!NAME.test(name) || !VALUE.test(value)) return undefined
    const key = name.toLowerCase()
    if (Object.hasOwn(headers, key)) return undefined
    headers[key] = trimmed(value)
  }
  if (NOT_PLAIN.some((name) => Object.hasOwn(headers, name)) || !Object.hasOwn(headers, 'host')) return undefined
  const { connection, 'content-length': length } = headers
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return undefined
  if (length !== undefined && !LENGTH.test(length)) return undefined
  return { headers, bodyBytes: length === undefined ? 0 : Number(length) }
}

const BLANKS = /^[\t ]+|[\t ]+$/g
const trimmed = (value: string): string => value.replace(BLANKS, '')
