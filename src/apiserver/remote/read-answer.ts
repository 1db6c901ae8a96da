import { JsonSyntaxError, JsonTooLarge, YamlSyntaxError, readJson, readYaml } from '#base'
import { GO_TYPE_META, goKind, misreadKind } from '../registry/write/said-kind.ts'
import { RemoteError, statusWords } from './remote-error.ts'

export interface RawAnswer {
  readonly status: number
  /** The header of this name, where there is one. */
  readonly retryAfter?: string | undefined
  /** '' when the answer does not say it. */
  readonly contentType: string
  readonly body: Buffer
}

/** A document as a server has sent it: JSON or YAML, whatever it calls it. */
export type Document = Readonly<Record<string, unknown>>

const DEFAULT_TYPE = 'application/json'
const LONGEST_SHOWN = 2048

/** The server asks to be asked again later. */
export class AskedToWait extends RemoteError {
  readonly delayMs: number
  constructor(message: string, delayMs: number) {
    super(message)
    this.delayMs = delayMs
  }
}

/** The document in an answer. Throws `RemoteError`, in the words of Kubernetes' clients, for one that is no success or has none. */
export function documentOf({ status, retryAfter, contentType, body }: RawAnswer): Document {
  if (status < 200 || status > 206) {
    const isText = contentType === '' || contentType.startsWith('text/')
    const words = saidFailure(body) ?? statusWords(status, isText ? body.subarray(0, LONGEST_SHOWN).toString('utf8').trim() : 'unknown')
    const mayComeAgain = (status === 429 || status >= 500) && /^\d{1,9}$/.test(retryAfter ?? '')
    throw mayComeAgain ? new AskedToWait(words, Number(retryAfter) * 1000) : new RemoteError(words)
  }
  if (body.length === 0)
    throw new RemoteError(`0-length response with status code: ${status} and content type: ${contentType || DEFAULT_TYPE}`)
  return parse(body)
}

function parse(body: Buffer): Document {
  const value = read(body)
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value))
    throw unread(`json: cannot unmarshal ${goKind(value)} into Go value of type ${GO_TYPE_META}`)
  const misread = misreadKind(value)
  if (misread !== undefined) throw new RemoteError(misread)
  return value as Document
}

function read(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    try {
      return isJson(body) ? readJson(body).value : readYaml(body).value
    } catch (error) {
      if (error instanceof JsonSyntaxError) throw unread(error.message)
      if (error instanceof YamlSyntaxError || error instanceof JsonTooLarge) throw new RemoteError(error.message)
      throw error
    }
  }
}

const unread = (why: string): RemoteError => new RemoteError(`couldn't get version/kind; json parse error: ${why}`)

const isJson = (body: Buffer): boolean => /^[\s]*\{/.test(body.subarray(0, LONGEST_SHOWN).toString('latin1'))

/** What a Status in the body of a failure says; undefined when there is none. */
function saidFailure(body: Buffer): string | undefined {
  let document: Document
  try {
    document = parse(body)
  } catch (error) {
    if (error instanceof RemoteError) return undefined
    throw error
  }
  const { kind, apiVersion, status, message } = document
  if ((kind ?? 'Status') !== 'Status' || (apiVersion ?? 'v1') !== 'v1' || status !== 'Failure') return undefined
  return typeof message === 'string' ? message : ''
}
