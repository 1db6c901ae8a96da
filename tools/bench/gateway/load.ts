import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

const LONGEST_MS = 20_000

export interface LoadResult {
  readonly answered: number
  readonly failed: number
  readonly seconds: number
}

/** Requests over kept connections, one under way on each, until `stop`: a new host for each request, of a list. Anything but 200 has failed. */
export function startLoad(port: number, connections: number, host: (turn: number) => string): { stop(): Promise<LoadResult> } {
  const startMs = performance.now()
  let answered = 0
  let failed = 0
  let turn = 0
  let isStopping = false
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect(port, '127.0.0.1').setNoDelay()
    const ask = (): void => void socket.write(`GET /some/path HTTP/1.1\r\nHost: ${host(turn++)}\r\nUser-Agent: bench\r\n\r\n`)
    socket.setEncoding('latin1')
    socket.on('connect', ask)
    // The answers are short enough to come in one piece.
    socket.on('data', (text: string) => {
      if (text.startsWith('HTTP/1.1 200')) answered++
      else failed++
      if (!isStopping) ask()
    })
    socket.on('error', () => failed++)
    socket.on('close', () => (failed += isStopping ? 0 : 1))
    return socket
  })
  return {
    async stop() {
      const seconds = (performance.now() - startMs) / 1000
      isStopping = true
      await pause(100)
      for (const socket of sockets) socket.destroy()
      return { answered, failed, seconds }
    },
  }
}

/** Milliseconds until this host is answered with 200, asked again and again over one connection. */
export async function untilServed(port: number, host: string, startMs: number): Promise<number> {
  for (;;) {
    if (await isServed(port, host, startMs).catch(() => false)) return performance.now() - startMs
    if (performance.now() - startMs > LONGEST_MS) throw new Error(`${host} is not served after ${LONGEST_MS} ms`)
    await pause(20)
  }
}

/** Rejects when the connection breaks. */
function isServed(port: number, host: string, startMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1').setNoDelay()
    const ask = (): void => void socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    socket.setEncoding('latin1')
    socket.on('connect', ask)
    socket.on('data', (text: string) => {
      const isDone = text.startsWith('HTTP/1.1 200')
      if (!isDone && performance.now() - startMs < LONGEST_MS) return ask()
      resolve(isDone)
      socket.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the connection is broken off')))
  })
}
