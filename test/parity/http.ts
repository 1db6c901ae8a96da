import { Agent, request as httpsRequest } from 'node:https'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Step } from './corpus.ts'

export interface Target {
  /** `https://127.0.0.1:PORT`, a server on loopback whose certificate is not checked. */
  readonly url: string
  /** Of a member of system:masters. */
  readonly token: string
}

export interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string | string[] | number>
  readonly body: string | undefined
}

const ANSWER_TIMEOUT_MS = 60_000

/** One plain HTTPS connection pool: the scenarios are about single exchanges, so nothing is retried but a kept connection that had just ended. */
export class Wire {
  readonly host: string
  readonly #base: URL
  readonly #token: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64, rejectUnauthorized: false })

  constructor(target: Target) {
    this.#base = new URL(target.url)
    this.host = this.#base.host
    this.#token = target.token
  }

  close(): void {
    this.#agent.destroy()
  }

  async send(sent: Sent): Promise<{ response: IncomingMessage; bytes: Buffer }> {
    const { response } = await this.open(sent)
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    return { response, bytes: Buffer.concat(chunks) }
  }

  /** Resolves when the answer's head is there. */
  open(sent: Sent, again = true): Promise<{ response: IncomingMessage; request: ClientRequest }> {
    return new Promise((resolve, reject) => {
      const path = sent.path.replace(/[^\x21-\x7e]/gu, encodeURIComponent)
      const options = {
        method: sent.method,
        host: this.#base.hostname,
        port: this.#base.port,
        path,
        headers: sent.headers,
        agent: this.#agent,
      }
      const request = httpsRequest(options, (response) => resolve({ response, request }))
      request.setTimeout(ANSWER_TIMEOUT_MS, () => request.destroy(new Error(`no answer in ${ANSWER_TIMEOUT_MS} ms`)))
      request.on('error', (error: NodeJS.ErrnoException) => {
        if (again && request.reusedSocket && error.code === 'ECONNRESET') this.open(sent, false).then(resolve, reject)
        else reject(error)
      })
      request.end(sent.body)
    })
  }

  /** `as` is the admin, nobody (`-`), or an impersonated user. */
  headersFor(step: Step, body: string | undefined, fill: (text: string) => string): Sent['headers'] {
    const headers: Sent['headers'] = { Accept: 'application/json', 'User-Agent': 'parity/1.0' }
    if (step.as !== '-') headers['Authorization'] = `Bearer ${this.#token}`
    if (step.as !== undefined && step.as !== 'admin' && step.as !== '-') headers['Impersonate-User'] = step.as
    if (step.groups !== undefined) headers['Impersonate-Group'] = [...step.groups]
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    for (const [name, value] of Object.entries(step.headers ?? {})) {
      for (const known of Object.keys(headers)) if (known.toLowerCase() === name.toLowerCase()) delete headers[known]
      if (value !== null) headers[name] = typeof value === 'string' ? fill(value) : value.map(fill)
    }
    if (body !== undefined) headers['Content-Length'] = Buffer.byteLength(body)
    return headers
  }
}

/** The values of one header, each line of its own. */
export function headerLines(response: IncomingMessage, wanted: string): readonly string[] {
  return response.rawHeaders.filter((_, i, raw) => i % 2 === 1 && raw[i - 1]?.toLowerCase() === wanted)
}
