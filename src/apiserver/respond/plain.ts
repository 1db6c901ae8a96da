import type { HttpResponse } from '#base'
import { indented } from './json-text.ts'
import { JSON_TYPE } from './media.ts'

/** Answers that are not objects. */
export function textAnswer(status: number, text: string, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', ...headers },
    body: { kind: 'bytes', chunks: [Buffer.from(text)] },
  }
}

/** A path that nothing here knows. */
export const pageNotFound = (): HttpResponse => textAnswer(404, '404 page not found\n')

/** For a request that has found no place to wait. */
export const tooManyRequests = (): HttpResponse => textAnswer(429, 'Too many requests, please try again later.\n', { 'retry-after': '1' })

/** A document that is no object: JSON for people, whoever asks. */
export function jsonAnswer(value: unknown): HttpResponse {
  return { status: 200, headers: { 'content-type': JSON_TYPE }, body: { kind: 'bytes', chunks: [Buffer.from(indented(value))] } }
}

/** Joined as the Warning headers of one answer: `299 - "text"`, with its quotes escaped. A header is bytes, and these are UTF-8. */
export function warningHeaders(warnings: readonly string[]): string[] {
  return warnings.map((text) => {
    const quoted = text
      .replaceAll('\\', '\\\\')
      .replaceAll('"', '\\"')
      .replaceAll(/[\r\n\t]+/g, ' ')
    return Buffer.from(`299 - "${quoted}"`).toString('latin1')
  })
}
