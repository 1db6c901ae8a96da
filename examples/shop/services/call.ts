import { request } from 'node:http'

export interface Reply {
  readonly value: unknown
  /** The pod that answered. */
  readonly pod: string
  readonly tookMs: number
}

const LONGEST_WAIT_MS = 2000

/**
 * Asks another service, found by its DNS name. Each call is a connection of its own: the cluster spreads connections over pods, and
 * none is ever kept to a pod that is leaving.
 */
export function call(method: string, url: string, body?: unknown): Promise<Reply> {
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const headers = text === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
    const outgoing = request(url, { method, headers, agent: false, signal: AbortSignal.timeout(LONGEST_WAIT_MS) }, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const answer = Buffer.concat(chunks).toString('utf8')
        if (incoming.statusCode !== 200) return reject(new Error(`${method} ${url}: ${incoming.statusCode} ${answer.trim()}`))
        try {
          resolve({
            value: JSON.parse(answer) as unknown,
            pod: String(incoming.headers['x-served-by'] ?? '?'),
            tookMs: performance.now() - start,
          })
        } catch (error) {
          reject(error as Error)
        }
      })
    })
    outgoing.on('error', reject)
    outgoing.end(text)
  })
}
