/**
 * `npm run bench:node`: a node as people have it. Brings up a cluster of its own through `sampan up` (root, real containers), measures its start, pods,
 * Services, and what it takes at rest, and removes it. See docs/reference/performance.md.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { type RequestOptions, get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { rootScope } from '#base'
import { type core, isNotFound, refs } from '#api'
import { type Client, type WatchEvent, createClient, loadKubeconfig, socketTransport } from '#client'
import { PAUSE_IMAGE, buildImage, importImages } from '#images'
import { cacheDir, hostOptions, readInstance, running } from '#main'
import { layoutOf } from '#node'

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '.' },
    pods: { type: 'string', default: '30' },
    services: { type: 'string', default: '0' },
    'rest-seconds': { type: 'string', default: '30' },
  },
})
const NAMESPACE = 'bench'
const SAMPAN = join(import.meta.dirname, '../../sampan')
const SERVER_IMAGE = 'sampan.local/bench:1'
const SERVE = "require('node:http').createServer((_, answer) => answer.end(require('node:os').hostname())).listen(8080)"
const scope = rootScope()
const folder = mkdtempSync(join(tmpdir(), 'sampan-bench-node-'))
const stateDir = join(folder, 'state')
const name = `bench-${process.pid}`
const isWanted = (title: string): boolean => new RegExp(flags.only).test(title)
const nowMs = (): number => scope.clock.monotonic()

function sampan(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(SAMPAN, [command, '--name', name, '--state-dir', stateDir, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`sampan ${command}: ${stdout}${stderr}`)
  return stdout
}

function say(title: string, timesMs: readonly number[]): void {
  const sorted = timesMs.toSorted((a, b) => a - b)
  const at = (part: number): string => (sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN).toFixed(1)
  console.log(
    `${title.padEnd(44)} best ${at(0).padStart(7)}  p50 ${at(0.5).padStart(7)}  p99 ${at(0.99).padStart(7)} ms  (${sorted.length})`,
  )
}

const podOf = (pod: string, image: string): core.Pod => ({
  metadata: { namespace: NAMESPACE, name: pod, labels: { app: pod } },
  spec: { automountServiceAccountToken: false, containers: [{ name: 'app', image }] },
})
const serviceOf = (service: string, app: string): core.Service => ({
  metadata: { namespace: NAMESPACE, name: service },
  spec: { type: 'NodePort', selector: { app }, ports: [{ port: 80, targetPort: 8080 }] },
})
const isRunning = ({ object }: WatchEvent<core.Pod>): boolean => (object as core.Pod).status?.phase === 'Running'
const isReady = ({ object }: WatchEvent<core.Pod>): boolean =>
  (object as core.Pod).status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true
const isGone = ({ type }: WatchEvent<core.Pod>): boolean => type === 'DELETED'

type Seen = (pod: string, test: (event: WatchEvent<core.Pod>) => boolean) => Promise<void>

/** One watch of all pods of the namespace, and who waits for what. */
async function watchPods(client: Client): Promise<Seen> {
  const waiting = new Map<string, { test: (event: WatchEvent<core.Pod>) => boolean; resolve: () => void }>()
  const { metadata } = await client.resource(refs.pods).list(scope, { namespace: NAMESPACE })
  const follow = async (): Promise<void> => {
    const options = { namespace: NAMESPACE, resourceVersion: metadata?.resourceVersion ?? '' }
    for await (const event of client.resource(refs.pods).watch(scope, options)) {
      const waiter = waiting.get(event.object.metadata?.name ?? '')
      if (waiter?.test(event) !== true) continue
      waiting.delete(event.object.metadata?.name ?? '')
      waiter.resolve()
    }
  }
  follow().catch((error: unknown) => {
    if (!scope.signal.aborted) console.error('the watch ended', error)
  })
  return (pod, test) => new Promise((resolve) => waiting.set(pod, { test, resolve }))
}

async function pods(client: Client, seen: Seen): Promise<void> {
  const api = client.resource(refs.pods)
  const create = async (pod: string): Promise<number> => {
    const up = seen(pod, isRunning)
    const startMs = nowMs()
    await api.create(scope, podOf(pod, PAUSE_IMAGE))
    await up
    return nowMs() - startMs
  }
  const remove = async (pod: string): Promise<number> => {
    const gone = seen(pod, isGone)
    const startMs = nowMs()
    await api.delete(scope, { namespace: NAMESPACE, name: pod })
    await gone
    return nowMs() - startMs
  }
  await create('warm')
  await remove('warm')
  const [creates, removes]: [number[], number[]] = [[], []]
  for (let at = 0; at < Number(flags.pods); at++) {
    creates.push(await create(`one-${at}`))
    await scope.sleep(300)
    removes.push(await remove(`one-${at}`))
    await scope.sleep(200)
  }
  say('pod create to Running, one after another', creates)
  say('pod delete to gone, obeys TERM', removes)
  const names = Array.from({ length: 20 }, (_, at) => `many-${at}`)
  say('pod create to Running, 20 at once', await Promise.all(names.map(create)))
  await Promise.all(names.map(remove))
}

function hostNameAt(options: RequestOptions): Promise<string> {
  return new Promise((answer) => {
    let text = ''
    const request = get({ ...options, agent: false, timeout: 100 }, (response) => {
      response.setEncoding('utf8')
      response.on('data', (part: string) => (text += part)).on('end', () => answer(text))
    })
    request.on('error', () => answer('')).on('timeout', () => request.destroy())
  })
}

async function services(client: Client, seen: Seen, host: string): Promise<void> {
  const api = client.resource(refs.services)
  const apps = ['left', 'right'] as const
  await Promise.all(
    apps.map(async (app) => {
      const up = seen(app, isReady)
      await client.resource(refs.pods).create(scope, podOf(app, SERVER_IMAGE))
      await up
    }),
  )
  const spec = { selector: { app: 'left' }, ports: [{ port: 80, targetPort: 8080 }] }
  for (let at = 0; at < Number(flags.services); at++)
    await api.create(scope, { metadata: { namespace: NAMESPACE, name: `many-${at}` }, spec })
  await scope.sleep(1500)
  const answered = async (service: core.Service, by: string): Promise<void> => {
    const port = service.spec?.ports?.[0]?.nodePort ?? 0
    while ((await hostNameAt({ host, port })) !== by) await scope.sleep(1)
  }
  const [fresh, changed]: [number[], number[]] = [[], []]
  for (let at = 0; at < 20; at++) {
    let startMs = nowMs()
    const service = await api.create(scope, serviceOf(`new-${at}`, 'left'))
    await answered(service, 'left')
    fresh.push(nowMs() - startMs)
    await scope.sleep(200)
    startMs = nowMs()
    await api.patch(scope, { namespace: NAMESPACE, name: `new-${at}` }, { type: 'merge', body: { spec: { selector: { app: 'right' } } } })
    await answered(service, 'right')
    changed.push(nowMs() - startMs)
    await scope.sleep(200)
    await api.delete(scope, { namespace: NAMESPACE, name: `new-${at}` })
  }
  say('new Service to first answer', fresh)
  say('selector change to first answer', changed)
  for (const app of apps) {
    const gone = seen(app, isGone)
    await client.resource(refs.pods).delete(scope, { namespace: NAMESPACE, name: app }, { gracePeriodSeconds: 0 })
    await gone
  }
}

/** Process ids of everything that the cluster consists of. */
function processes(socket: string, containerdPid: number): Map<string, number[]> {
  const shims = readdirSync('/proc').filter((entry) => {
    if (!/^\d+$/.test(entry)) return false
    try {
      return readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes(`\0${socket}\0`)
    } catch {
      return false
    }
  })
  const found = ['server', 'agent'].map((part): [string, number[]] => [part, [running(stateDir, part)?.pid ?? 0]])
  return new Map([...found, ['containerd', [containerdPid]], ['shims', shims.map(Number)]])
}

function pssMb(pid: number): number {
  return Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024
}
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

async function atRest(title: string, parts: () => Map<string, number[]>): Promise<void> {
  const seconds = Number(flags['rest-seconds'])
  await scope.sleep(15_000)
  const before = [...parts().values()].flat().map((pid) => cpuMs(pid))
  await scope.sleep(seconds * 1000)
  const now = parts()
  const millicores = [...now.values()].flat().reduce((sum, pid, at) => sum + cpuMs(pid) - (before[at] ?? 0), 0) / seconds
  const memory = [...now].map(([part, pids]): [string, number] => [part, pids.reduce((sum, pid) => sum + pssMb(pid), 0)])
  const total = memory.reduce((sum, [, mb]) => sum + mb, 0)
  console.log(
    `${title.padEnd(44)} PSS ${total.toFixed(0)} MB (${memory.map(([part, mb]) => `${part} ${mb.toFixed(0)}`).join(', ')}), ${millicores.toFixed(1)} millicores`,
  )
}

try {
  sampan('up')
  if (isWanted('up')) {
    const times: number[] = []
    for (let at = 0; at < 3; at++) {
      sampan('down')
      const startMs = nowMs()
      sampan('up')
      times.push(nowMs() - startMs)
    }
    say('sampan up to the first answer of the shop', times)
  }
  const instance = readInstance(stateDir)
  if (instance === undefined) throw new Error('the cluster has no record of itself')
  const { containerd } = layoutOf(hostOptions(stateDir, instance))
  const { connection } = await loadKubeconfig(join(stateDir, 'admin.kubeconfig'))
  const client = createClient({ transport: socketTransport(connection) })
  const definition = {
    name: SERVER_IMAGE,
    layers: [{ kind: 'node' as const }],
    entrypoint: ['/usr/local/bin/node', '-e', SERVE],
  }
  const layouts = [await buildImage(scope, definition, { cacheDir: cacheDir(process.env) })]
  await importImages(scope, { address: containerd.socket, layouts })
  await client.resource(refs.namespaces).delete(scope, { name: 'shop' })
  await client.resource(refs.namespaces).create(scope, { metadata: { name: NAMESPACE } })
  const account = { namespace: NAMESPACE, name: 'default' }
  const accounts = client.resource(refs.serviceaccounts)
  while (await accounts.get(scope, account).then(() => false, isNotFound)) await scope.sleep(20)
  const seen = await watchPods(client)
  const parts = (): Map<string, number[]> => processes(containerd.socket, Number(readFileSync(containerd.pidFile, 'utf8').split(' ')[0]))
  const alone = seen('alone', isRunning)
  await client.resource(refs.pods).create(scope, podOf('alone', PAUSE_IMAGE))
  await alone
  if (isWanted('rest')) await atRest('at rest with one pod', parts)
  if (isWanted('pods')) await pods(client, seen)
  if (isWanted('services')) await services(client, seen, instance.nodes[0].address)
  if (isWanted('rest')) await atRest('at rest after all that', parts)
  client.close()
} finally {
  sampan('reset')
  scope.cancel()
  rmSync(folder, { recursive: true, force: true })
}
