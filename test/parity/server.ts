import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '#testing/basics'
import { type Target, Wire } from './http.ts'

const ENTRY = join(import.meta.dirname, '../../src/main/sampan.ts')
const TOKEN = 'admin-token'
const READY_WITHIN_MS = 30_000

export interface TestServer extends AsyncDisposable {
  readonly target: Target
}

/** A server of our own in a process of its own, on a free port of loopback, with an empty store in memory. */
export async function startTestServer(command: 'apiserver' | 'server'): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sampan-parity-'))
  const tokens = join(folder, 'tokens.csv')
  writeFileSync(tokens, `${TOKEN},admin,admin-uid,"system:masters"\nuser-token,alice,alice-uid,"dev"\n`)
  const port = await freePort()
  const flags = [
    '--state-dir',
    folder,
    '--secure-port',
    String(port),
    '--store',
    'memory',
    '--token-auth-file',
    tokens,
    '--service-cluster-ip-range',
    '10.96.0.0/16',
  ]
  const child = spawn(process.execPath, [ENTRY, command, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString('utf8')).slice(-20_000)
  })
  const stop = async (): Promise<void> => {
    await ended(child)
    rmSync(folder, { recursive: true, force: true })
  }
  const target = { url: `https://127.0.0.1:${port}`, token: TOKEN }
  try {
    await ready(child, target)
  } catch (error) {
    await stop()
    throw new Error(`the server did not start: ${String(error)}\n${log}`, { cause: error })
  }
  return { target, [Symbol.asyncDispose]: stop }
}

async function ready(child: ChildProcess, target: Target): Promise<void> {
  const wire = new Wire(target)
  const headers = { Authorization: `Bearer ${target.token}` }
  const deadline = Date.now() + READY_WITHIN_MS
  try {
    for (;;) {
      if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}`)
      const answer = await wire.send({ method: 'GET', path: '/readyz', headers, body: undefined }).catch(() => undefined)
      if (answer?.response.statusCode === 200) return
      if (Date.now() > deadline) throw new Error(`not ready within ${READY_WITHIN_MS} ms`)
      await sleep(50)
    }
  } finally {
    wire.close()
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    const force = setTimeout(() => child.kill('SIGKILL'), 10_000)
    child.once('exit', () => {
      clearTimeout(force)
      resolve()
    })
    child.kill('SIGTERM')
  })
}
