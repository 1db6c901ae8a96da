import type { IncomingMessage } from 'node:http'
import { type Transform, pipeline } from 'node:stream'
import type { BodySink, HttpResponse } from '#base'
import { type Status, StatusError, statusError } from '#api'

/** The answer's body at the speed of the reader; whoever breaks off breaks the other side too. `through`: what changes it on its way. */
export function bodyOf(answer: IncomingMessage, through: readonly Transform[] = []): HttpResponse['body'] {
  if (through.length > 0) return changedBody(answer, through)
  return {
    kind: 'stream',
    start(sink: BodySink) {
      answer.on('data', (chunk: Buffer) => {
        if (sink.write(chunk)) return
        answer.pause()
        sink.onDrain(() => answer.resume())
      })
      answer.on('end', () => sink.end())
      answer.on('error', (error) => sink.destroy(error))
      answer.on('close', () => void (answer.complete || sink.destroy()))
      sink.onClose(() => answer.destroy())
    },
  }
}

function changedBody(answer: IncomingMessage, through: readonly Transform[]): HttpResponse['body'] {
  return {
    kind: 'stream',
    start(sink: BodySink) {
      const last = through.at(-1)
      if (last === undefined) return sink.end()
      pipeline([answer, ...through], (error) => {
        if (error) sink.destroy(error)
        else sink.end()
      })
      last.on('data', (chunk: Buffer) => {
        if (sink.write(chunk)) return
        last.pause()
        sink.onDrain(() => last.resume())
      })
      sink.onClose(() => answer.destroy())
    },
  }
}

const MOST_REFUSAL_BYTES = 64 * 1024

/** What a backend says instead of an upgrade is passed on in its own words: clients show them as they are. Throws `StatusError` for a `Status`, and for what is no refusal. */
export async function refusedUpgrade(answer: IncomingMessage): Promise<HttpResponse> {
  const code = answer.statusCode ?? 500
  if (code < 400) {
    answer.destroy()
    throw statusError.internal(`invalid upgrade response: status code ${code}`)
  }
  const text = await textOf(answer)
  const status = statusIn(text)
  if (status !== undefined) throw new StatusError({ ...status, code })
  return { status: code, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: { kind: 'bytes', chunks: [Buffer.from(text)] } }
}

/** A node's refusal as the API server's own: a `Status` as it is, a text as the message of one. */
export async function refusalOf(answer: IncomingMessage, of: { readonly plural: string; readonly name: string }): Promise<StatusError> {
  const code = answer.statusCode ?? 500
  if (code >= 300 && code < 400) {
    answer.destroy()
    return statusError.internal('the backend answered with a redirect, which is not followed')
  }
  const text = await textOf(answer)
  const status = statusIn(text)
  if (status !== undefined) return new StatusError({ ...status, code })
  if (code === 400) return statusError.badRequest(text)
  if (code >= 500) return statusError.internal(text)
  return new StatusError({
    code,
    reason: code === 404 ? 'NotFound' : code === 403 ? 'Forbidden' : '',
    message: text,
    details: { name: of.name, kind: of.plural },
  })
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MOST_REFUSAL_BYTES) break
  }
  return Buffer.concat(chunks).toString('utf8', 0, Math.min(size, MOST_REFUSAL_BYTES)).trim()
}

function statusIn(text: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return value !== null && typeof value === 'object' && 'kind' in value && value.kind === 'Status' && 'message' in value
      ? (value as Status)
      : undefined
  } catch {
    return undefined
  }
}
