/** `npm run bench`: CPU of the API server for each operation of its hot path, without sockets. See docs/reference/performance.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type HttpResponse, rootScope } from '#base'
import { startApiServer } from '#main'
import { leaseBody, nodeName, podBody, podName, podStatusPatch } from './objects.ts'

const CLIENTS = 64
const LEASES = 500

const { values: flags } = parseArgs({
  options: { pods: { type: 'string', default: '3000' }, rounds: { type: 'string', default: '6' }, only: { type: 'string', default: '.' } },
})
const perRound = Number(flags.pods)
const rounds = Number(flags.rounds)
const only = new RegExp(flags.only)

const directory = mkdtempSync(join(tmpdir(), 'sampan-bench-'))
const scope = rootScope()
const server = await startApiServer(scope, {
  stateDir: directory,
  securePort: 0,
  bindAddress: '127.0.0.1',
  store: 'sqlite',
  serviceClusterIpRange: '10.96.0.0/16',
  nodes: [],
  metrics: false,
})
const authorization = `Bearer ${server.tokenOf('controllers')}`
const { signal } = new AbortController()

async function send(method: string, target: string, contentType?: string, body?: string): Promise<HttpResponse> {
  const bytes = body === undefined ? undefined : Buffer.from(body)
  const answer = await server.handler({
    method,
    target,
    headers: { authorization, 'user-agent': 'bench/1.0', ...(contentType === undefined ? {} : { 'content-type': contentType }) },
    readBody: () => Promise.resolve(bytes ?? new Uint8Array(0)),
    bodyStream: (async function* () {})(),
    peer: { address: '', inProcess: true },
    signal,
  })
  if (answer.status >= 300) throw new Error(`${method} ${target}: ${answer.status} ${textOf(answer)}`)
  return answer
}
const textOf = ({ body }: HttpResponse): string => (body.kind === 'bytes' ? Buffer.concat(body.chunks).toString() : '')

/** Closed loop: so many clients, each with one request under way. */
async function all(count: number, one: (at: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const client = async (): Promise<void> => {
    while (next < count) await one(next++)
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
}

async function measure(name: string, count: number, one: (at: number, round: number) => Promise<unknown>): Promise<void> {
  if (!only.test(name)) return
  const costs: number[] = []
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage()
    await all(count, (at) => one(at, round))
    const { user, system } = process.cpuUsage(before)
    costs.push((user + system) / count)
  }
  const sorted = costs.toSorted((a, b) => a - b)
  const shown = (value: number | undefined): string => (value ?? 0).toFixed(1).padStart(7)
  console.log(`${name.padEnd(12)} best ${shown(sorted[0])}  median ${shown(sorted[sorted.length >> 1])} us CPU each`)
}

const pods = '/api/v1/namespaces/bench/pods'
const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
const now = (): string => new Date(scope.clock.now()).toISOString()

await send('POST', '/api/v1/namespaces', 'application/json', '{"metadata":{"name":"bench"}}')
await send('POST', '/api/v1/namespaces/bench/serviceaccounts', 'application/json', '{"metadata":{"name":"default"}}').catch(() => undefined)
await all(perRound, (at) => send('POST', pods, 'application/json', podBody(1_000_000 + at)))

await measure('create', perRound, (at, round) => send('POST', pods, 'application/json', podBody(round * perRound + at)))
await measure('get', perRound * 4, (at) => send('GET', `${pods}/${podName(1_000_000 + (at % perRound))}`))
await measure('patch-status', perRound, (at, round) =>
  send(
    'PATCH',
    `${pods}/${podName(1_000_000 + at)}/status`,
    'application/strategic-merge-patch+json',
    podStatusPatch(at, round, `${now().slice(0, 19)}Z`),
  ),
)
const versionOf = (answer: HttpResponse): string | undefined => /"resourceVersion":"(\d+)"/.exec(textOf(answer))?.[1]
const versions: (string | undefined)[] = []
const leaseTime = (): string => now().replace('Z', '000Z')
for (let at = 0; at < LEASES; at++)
  versions[at] = versionOf(await send('POST', leases, 'application/json', leaseBody(at, undefined, leaseTime())))
await measure('lease', perRound - (perRound % LEASES), async (at) => {
  const lease = at % LEASES
  const answer = await send('PUT', `${leases}/${nodeName(lease)}`, 'application/json', leaseBody(lease, versions[lease], leaseTime()))
  versions[lease] = versionOf(answer)
})

await server.stop()
scope.cancel()
rmSync(directory, { recursive: true })
