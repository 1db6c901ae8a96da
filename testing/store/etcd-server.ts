import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { unfitEtcd } from '#store'
import { freePort } from '../basics/index.ts'

/** Why tests with a real etcd are left out, or false. */
export const WITHOUT_ETCD: string | false = whyNoEtcd()

function whyNoEtcd(): string | false {
  const { status, stdout } = spawnSync('etcd', ['--version'], { encoding: 'utf8' })
  if (status !== 0) return 'no etcd on the PATH'
  const unfit = unfitEtcd(/etcd Version: (\S+)/.exec(stdout)?.[1] ?? '')
  return unfit === undefined ? false : `${unfit.why}: ${unfit.instead}`
}

export interface EtcdServer extends AsyncDisposable {
  readonly url: string
  /** Ends it as a power cut would, or politely, and starts it again on the same port and data. */
  stop(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>
  start(): Promise<void>
}

/** One real etcd on free ports of loopback, with data of its own. */
export async function startEtcd(): Promise<EtcdServer> {
  const folder = mkdtempSync(join(tmpdir(), 'sampan-etcd-'))
  const [port, peer] = await Promise.all([freePort(), freePort()])
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  const stop = async (signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const ended = once(running, 'exit')
    running.kill(signal)
    await ended
  }
  const start = async (): Promise<void> => {
    const peers = `http://127.0.0.1:${peer}`
    // A vote of one needs no patience.
    const text = `--data-dir ${folder} --listen-client-urls ${url} --advertise-client-urls ${url} --listen-peer-urls ${peers}
      --initial-advertise-peer-urls ${peers} --initial-cluster default=${peers} --heartbeat-interval 10 --election-timeout 100
      --max-txn-ops 10000 --log-level fatal`
    const started = spawn('etcd', text.split(/\s+/), { stdio: ['ignore', 'ignore', 'inherit'] })
    child = started
    for (let turn = 0; turn < 600; turn++) {
      if (started.exitCode !== null) throw new Error(`etcd ended with ${started.exitCode}`)
      if (await isListening(port)) return
      await sleep(25)
    }
    throw new Error('etcd does not listen')
  }
  await start()
  return {
    url,
    stop,
    start,
    [Symbol.asyncDispose]: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function isListening(port: number): Promise<boolean> {
  const { connect } = await import('node:net')
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
