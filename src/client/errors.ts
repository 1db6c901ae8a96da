import { SampanError } from '#base'
import { type Status, StatusError } from '#api'

/** The server could not be reached, or went away in the middle of an answer. Nothing is known about what it did. */
export class Unreachable extends SampanError {
  readonly code = 'API_UNREACHABLE'
  constructor(server: string, cause: unknown) {
    super(`the API server at ${server} cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** The server's answer is not what the protocol allows. */
export class BadAnswer extends SampanError {
  readonly code = 'API_BAD_ANSWER'
}

const REASON_BY_CODE: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status' && 'code' in value
}

/** A refusal as thrown by every call. Answers that are not a Status (a proxy's page, plain text) become one. */
export function refusalOf(
  httpStatus: number,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  body: string,
): StatusError {
  const retryAfter = headers['retry-after']
  const kept = typeof retryAfter === 'string' ? { 'retry-after': retryAfter } : {}
  try {
    const parsed: unknown = JSON.parse(body)
    if (isStatus(parsed)) return new StatusError(parsed, kept)
  } catch {
    // Not JSON: told below with the text as it is.
  }
  const text = body.trim().slice(0, 1024)
  return new StatusError(
    {
      code: httpStatus,
      reason: REASON_BY_CODE[httpStatus] ?? 'Unknown',
      message: text === '' ? `the server answered with HTTP status ${httpStatus}` : text,
    },
    kept,
  )
}

/** The refusal that an ERROR frame of a watch carries. */
export function refusalOfFrame(object: unknown): StatusError {
  return isStatus(object)
    ? new StatusError(object)
    : new StatusError({ code: 500, reason: 'InternalError', message: 'the watch ended with an error that is not a Status' })
}
