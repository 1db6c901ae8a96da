import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { unfitEtcd } from '#store'
import { eventually, freePort } from '../basics/index.ts'

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
  /** Resolves when it listens. */
  start(): Promise<void>
}

export interface EtcdCluster extends AsyncDisposable {
  readonly members: readonly EtcdServer[]
  /** The member that leads, as at least one that runs says. */
  leader(): Promise<EtcdServer>
}

/** A vote of one needs no patience. */
const ALONE = { heartbeatMs: 10, electionMs: 100 }
/** A vote of several does on a machine that does other things too: with less, its members would elect all the time. */
const TOGETHER = { heartbeatMs: 50, electionMs: 500 }

/** One real etcd on free ports of loopback, with data of its own. */
export async function startEtcd(): Promise<EtcdServer> {
  const { members } = await startEtcdCluster(1)
  const [only] = members
  if (only === undefined) throw new Error('a cluster of one has one member')
  return only
}

/** So many real etcds on free ports of loopback, which are one store. */
export async function startEtcdCluster(size: number): Promise<EtcdCluster> {
  const places = await Promise.all(Array.from({ length: size }, async () => ({ port: await freePort(), peerPort: await freePort() })))
  const cluster = places.map(({ peerPort }, at) => `m${at}=http://127.0.0.1:${peerPort}`).join(',')
  const members = places.map((place, at) => member(`m${at}`, place, cluster, size === 1 ? ALONE : TOGETHER))
  const stopAll = async (): Promise<void> => {
    await Promise.all(members.map((one) => one[Symbol.asyncDispose]()))
  }
  try {
    await Promise.all(members.map((one) => one.start()))
  } catch (error) {
    await stopAll()
    throw error
  }
  return {
    members,
    leader: () => eventually('a member that leads', () => leaderOf(members)),
    [Symbol.asyncDispose]: stopAll,
  }
}

interface Place {
  readonly port: number
  readonly peerPort: number
}

/** Not started yet. */
function member(name: string, { port, peerPort }: Place, cluster: string, { heartbeatMs, electionMs }: typeof ALONE): EtcdServer {
  const folder = mkdtempSync(join(tmpdir(), 'sampan-etcd-'))
  const url = `http://127.0.0.1:${port}`
  const peers = `http://127.0.0.1:${peerPort}`
  const text = `--name ${name} --data-dir ${folder} --listen-client-urls ${url} --advertise-client-urls ${url} --listen-peer-urls ${peers}
    --initial-advertise-peer-urls ${peers} --initial-cluster ${cluster} --heartbeat-interval ${heartbeatMs} --election-timeout ${electionMs}
    --max-txn-ops 10000 --log-level fatal`
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
    const started = spawn('etcd', text.split(/\s+/), { stdio: ['ignore', 'ignore', 'inherit'] })
    child = started
    for (let turn = 0; turn < 600; turn++) {
      if (started.exitCode !== null) throw new Error(`etcd ended with ${started.exitCode}`)
      if (await isListening(port)) return
      await sleep(25)
    }
    throw new Error('etcd does not listen')
  }
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

/** The first member that answers and says of itself that it leads. */
async function leaderOf(members: readonly EtcdServer[]): Promise<EtcdServer | undefined> {
  for (const one of members) {
    const answer = await fetch(`${one.url}/v3/maintenance/status`, { method: 'POST', body: '{}' }).catch(() => undefined)
    if (answer?.ok !== true) continue
    const { header, leader } = (await answer.json()) as { readonly header: { readonly member_id: string }; readonly leader?: string }
    if (leader === header.member_id) return one
  }
  return undefined
}

async function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
