import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type core, type discovery, type networking, refs } from '#api'
import type { Client } from '#client'
import type { Scope } from '#base'

export const PODS = ['10.88.0.2', '10.88.0.3']
const POD_PORT = 8080
export const GATEWAY_PORT = 8081
export const RAW_PORT = 8082
const NAMESPACE = 'bench'
const ROUTES_OF_A_SERVICE = 10
const TICKS_A_SECOND = 100

export const hostOf = (route: number): string => `h${route}.example`

/** A process is to have been started for good. */
export function start(program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...more } })
}

/** What answers for all pods. */
export function writePods(folder: string): string {
  const file = join(folder, 'pods.cfg')
  const binds = PODS.map((address) => `  bind ${address}:${POD_PORT}`)
  writeFileSync(
    file,
    [...common(1), 'frontend pods', ...binds, '  http-request return status 200 content-type text/plain string ok', ''].join('\n'),
  )
  return file
}

/** The same routes as somebody would write them by hand: a map of hosts, and a backend for each Service. */
export function writeRaw(folder: string, routes: number): string {
  const file = join(folder, 'raw.cfg')
  const map = join(folder, 'raw.map')
  const services = Math.ceil(routes / ROUTES_OF_A_SERVICE)
  writeFileSync(map, Array.from({ length: routes }, (_, i) => `${hostOf(i)} s${Math.floor(i / ROUTES_OF_A_SERVICE)}\n`).join(''))
  const backends = Array.from({ length: services }, (_, i) => [
    `backend s${i}`,
    ...PODS.map((address, at) => `  server p${at} ${address}:${POD_PORT}`),
  ]).flat()
  const frontend = [
    'frontend raw',
    `  bind 127.0.0.1:${RAW_PORT}`,
    '  option forwardfor',
    `  use_backend %[req.hdr(host),lower,map_str(${map})]`,
  ]
  writeFileSync(file, [...common(2), ...frontend, ...backends, ''].join('\n'))
  return file
}

const common = (threads: number): readonly string[] => [
  'global',
  `  nbthread ${threads}`,
  '  fd-hard-limit 20000',
  'defaults',
  '  mode http',
  '  timeout connect 2s',
  '  timeout client 60s',
  '  timeout server 60s',
]

export const serviceOf = (route: number): core.Service => ({
  metadata: { name: `s${Math.floor(route / ROUTES_OF_A_SERVICE)}`, namespace: NAMESPACE },
  spec: { ports: [{ name: 'web', port: 80, protocol: 'TCP' }] },
})

export const sliceOf = (service: string): discovery.EndpointSlice => ({
  metadata: { name: service, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': service } },
  addressType: 'IPv4',
  ports: [{ name: 'web', port: POD_PORT, protocol: 'TCP' }],
  endpoints: PODS.map((address) => ({ addresses: [address], conditions: { ready: true } })),
})

export const ingressOf = (route: number, name = `r${route}`): networking.Ingress => ({
  metadata: { name, namespace: NAMESPACE },
  spec: {
    ingressClassName: 'sampan',
    rules: [
      {
        host: hostOf(route),
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: serviceOf(route).metadata?.name ?? '', port: { number: 80 } } } },
          ],
        },
      },
    ],
  },
})

/** Everything before the first route, then routes up to this one. */
export async function makeRoutes(scope: Scope, client: Client, from: number, to: number): Promise<void> {
  if (from === 0) {
    await client.resource(refs.namespaces).create(scope, { metadata: { name: NAMESPACE } })
    await client.resource(refs.ingressclasses).create(scope, { metadata: { name: 'sampan' }, spec: { controller: 'sampan.io/gateway' } })
  }
  let next = from
  const writer = async (): Promise<void> => {
    for (let i = next++; i < to; i = next++) {
      if (i % ROUTES_OF_A_SERVICE === 0) await makeService(scope, client, i)
      await client.resource(refs.ingresses).create(scope, ingressOf(i))
    }
  }
  await Promise.all(Array.from({ length: 16 }, writer))
}

export async function makeService(scope: Scope, client: Client, route: number): Promise<void> {
  const service = serviceOf(route)
  await client.resource(refs.services).create(scope, service)
  await client.resource(refs.endpointslices).create(scope, sliceOf(service.metadata?.name ?? ''))
}

/** Seconds of processor that these have used. */
export function cpuSeconds(pids: readonly number[]): number {
  const ticks = pids.map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return Number(fields[11]) + Number(fields[12])
  })
  return ticks.reduce((sum, one) => sum + one, 0) / TICKS_A_SECOND
}

export function memoryMb(pid: number): { readonly pss: number; readonly rss: number } {
  const of = (file: string, name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1]) / 1024
  return { pss: of('smaps_rollup', 'Pss'), rss: of('status', 'VmRSS') }
}

/** The HAProxy that runs over this configuration. */
export function haproxyOf(configuration: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words[0]?.endsWith('haproxy') === true && words.includes(configuration)
      } catch {
        return false
      }
    })
    .map(Number)
}

/** An empty network of our own: what listens here is seen by nobody else. */
export function upLoopback(): void {
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  for (const address of PODS) execFileSync('ip', ['addr', 'add', `${address}/32`, 'dev', 'lo'])
}
