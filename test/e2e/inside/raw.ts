import { connect } from 'node:net'

/**
 * `raw.ts ADDRESS:PORT WAIT_MS PAUSE_MS COUNT PIECE…`: over each of so many connections sends the pieces (base64) as they are, with a pause after each, and
 * prints as JSON what came back within the time on the first one, and after how long each was closed by the other side.
 */
const [place = '', wait = '1000', pause = '0', count = '1', ...pieces] = process.argv.slice(2)
const [host = '', port = ''] = place.split(':')
const LAST_MS = 20

function talk(): Promise<{ readonly text: string; readonly closedMs: number | undefined }> {
  return new Promise((resolve) => {
    const start = performance.now()
    const chunks: Buffer[] = []
    const socket = connect({ host, port: Number(port), noDelay: true })
    const end = (closedMs: number | undefined): void => {
      socket.destroy()
      resolve({ text: Buffer.concat(chunks).toString('latin1'), closedMs })
    }
    const timer = setTimeout(() => end(undefined), Number(wait))
    socket.on('data', (chunk) => chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      // Whoever waits reads what is under way.
      setTimeout(() => end(Math.round(performance.now() - start)), LAST_MS)
    })
    socket.on('connect', () => void send())
    async function send(): Promise<void> {
      for (const piece of pieces) {
        if (socket.destroyed) return
        socket.write(Buffer.from(piece, 'base64'))
        if (Number(pause) > 0) await new Promise((later) => setTimeout(later, Number(pause)))
      }
    }
  })
}

console.log('sending')
const talks = await Promise.all(Array.from({ length: Number(count) }, talk))
console.log(JSON.stringify({ text: talks[0]?.text ?? '', closedMs: talks.map(({ closedMs }) => closedMs ?? null) }))
