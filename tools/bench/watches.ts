import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type ClientHttp2Session, connect } from 'node:http2'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

/**
 * What an idle watch costs in memory: a server of its own with an empty store, and watches of ConfigMaps that are told of nothing.
 *   node tools/bench/watches.ts [--watches 5000] [--per-connection 100]     1 per connection: each over TLS of its own
 */
const { values } = parseArgs({
  options: { watches: { type: 'string', default: '5000' }, 'per-connection': { type: 'string', default: '100' } },
})
const [watches, perConnection] = [Number(values.watches), Number(values['per-connection'])]
const WARM_UP = 100
const SETTLED_MS = 5000
const AT_ONCE = 20
const TOKEN = 'bench-token'
const ENTRY = join(import.meta.dirname, '../../src/main/sampan.ts')
const PATH = '/api/v1/namespaces/default/configmaps?watch=1&allowWatchBookmarks=true'

const residentBytes = ({ pid = 0 }: ChildProcess): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

function freePort(): Promise<number> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as AddressInfo
      probe.close(() => resolve(free))
    })
  })
}

/** Streams over as few connections as it takes. */
class Watchers {
  readonly #url: string
  readonly #sessions: ClientHttp2Session[] = []
  #open = 0

  constructor(url: string) {
    this.#url = url
  }

  async add(count: number): Promise<void> {
    for (let left = count; left > 0; left -= AT_ONCE) await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => this.#one()))
  }

  /** Resolves when the watch has begun. */
  #one(): Promise<void> {
    if (this.#open++ % perConnection === 0) this.#sessions.push(connect(this.#url, { rejectUnauthorized: false }))
    const stream = this.#sessions.at(-1)?.request({ ':path': PATH, authorization: `Bearer ${TOKEN}` })
    return new Promise((resolve, reject) => {
      stream?.on('error', reject)
      stream?.on('data', () => undefined)
      stream?.on('response', ({ ':status': status }) => (status === 200 ? resolve() : reject(new Error(`answered ${status}`))))
    })
  }

  close(): void {
    for (const session of this.#sessions) session.destroy()
  }
}

const folder = mkdtempSync(join(tmpdir(), 'sampan-bench-'))
writeFileSync(join(folder, 'tokens.csv'), `${TOKEN},bench,bench-uid,"system:masters"\n`)
const port = await freePort()
const flags = ['--state-dir', folder, '--secure-port', String(port), '--store', 'memory', '--token-auth-file', join(folder, 'tokens.csv')]
const server = spawn(process.execPath, [ENTRY, 'apiserver', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
const running = new Promise<void>((resolve, reject) => {
  server.on('exit', (code) => reject(new Error(`the server ended with ${code}`)))
  server.stderr.on('data', (text: Buffer) => (text.includes('"running"') ? resolve() : undefined))
})
const watchers = new Watchers(`https://127.0.0.1:${port}`)
try {
  await running
  await watchers.add(WARM_UP)
  await sleep(SETTLED_MS)
  const before = residentBytes(server)
  await watchers.add(watches)
  await sleep(SETTLED_MS)
  const each = (residentBytes(server) - before) / watches / 1024
  console.log(`${watches} watches, ${perConnection} a connection: ${each.toFixed(1)} KB each`)
} finally {
  watchers.close()
  server.removeAllListeners('exit').kill()
  rmSync(folder, { recursive: true, force: true })
}
