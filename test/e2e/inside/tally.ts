import { connect } from 'node:net'

/**
 * `tally.ts HOST:PORT NAME COUNT CLIENTS`: COUNT requests for host NAME, and who answered them, as JSON. With CLIENTS each of so many keeps the cookie that it is given,
 * and asks until SIGTERM instead of COUNT times; then `flips` are the clients that were led away from a place and back to it, and `moves` all changes of place.
 */
const [place = '', host = '', count = '0', clients = '0'] = process.argv.slice(2)
const [address = '', port = ''] = place.split(':')
const CONNECTIONS = 16
const many = Number(clients)
const result = { answered: 0, by: {} as Record<string, number>, failures: {} as Record<string, number>, flips: 0, moves: 0 }
const cookies = new Map<number, string>()
const lastOf = new Map<number, string>()
const leftBy = new Map<number, Set<string>>()
let sent = 0
let isStopping = false
let open = CONNECTIONS

function note(client: number, answer: string): void {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  const cookie = /^set-cookie: (sampan-client=[0-9a-f]+)/im.exec(head)?.[1]
  if (cookie !== undefined) cookies.set(client, cookie)
  const status = head.slice(9, 12)
  if (status !== '200') {
    result.failures[status] = (result.failures[status] ?? 0) + 1
    return
  }
  const { by } = JSON.parse(body) as { by: string }
  result.answered++
  result.by[by] = (result.by[by] ?? 0) + 1
  const last = lastOf.get(client)
  lastOf.set(client, by)
  if (many === 0 || last === undefined || last === by) return
  result.moves++
  const left = leftBy.get(client) ?? new Set()
  if (left.has(by)) result.flips++
  leftBy.set(client, left.add(last))
}

for (let i = 0; i < CONNECTIONS; i++) {
  const socket = connect(Number(port), address).setNoDelay()
  let client = 0
  let text = ''
  const ask = (): void => {
    if (isStopping || (many === 0 && sent >= Number(count))) {
      socket.end()
      if (--open === 0) process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
      return
    }
    // A client is one connection's, so that its requests come one after the other.
    client = many === 0 ? 0 : (Math.floor(sent++ / CONNECTIONS) * CONNECTIONS + i) % many
    if (many === 0) sent++
    else if (sent % (many + CONNECTIONS * 2) === 0) console.log('all have asked')
    const cookie = many === 0 ? undefined : cookies.get(client)
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n${cookie === undefined ? '' : `Cookie: ${cookie}\r\n`}\r\n`)
  }
  socket.setEncoding('latin1')
  socket.on('connect', ask)
  socket.on('data', (chunk: string) => {
    text += chunk
    const end = text.indexOf('\r\n\r\n')
    const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? 0)
    if (end === -1 || text.length < end + 4 + length) return
    note(client, text)
    text = ''
    ask()
  })
  socket.on('error', (error) => (result.failures[error.message] = (result.failures[error.message] ?? 0) + 1))
}
process.once('SIGTERM', () => (isStopping = true))
console.log('asking')
