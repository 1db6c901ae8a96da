/**
 * `npm run bench:gateway`: the gateway beside a HAProxy whose configuration somebody wrote by hand, in a network namespace of its own; needs root and
 * HAProxy. From an Ingress that is made to the first answer through it, changes under load, memory of the control plane, and what a request costs.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { rootScope } from '#base'
import { refs } from '#api'
import { createClient, loadKubeconfig, socketTransport } from '#client'
import { ONE_HEAP, SMALL_HEAP, makePack, startApiServer } from '#main'
import { startLoad, untilServed } from './gateway/load.ts'
import * as stage from './gateway/stage.ts'

const API_PORT = 6443
const CONNECTIONS = 32
const ROUND_MS = 3000
/** Until a process has given back what it took for a burst. */
const REST_MS = 13_000
/** Of a processor, in one second. */
const IDLE_SECONDS = 0.05

const { values: flags } = parseArgs({
  options: {
    routes: { type: 'string', default: '3000,5000,10000' },
    created: { type: 'string', default: '300' },
    changes: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '5' },
    inside: { type: 'boolean', default: false },
  },
})

/** Resolves when the process has used little of a processor for two seconds. */
async function untilIdle(pid: number): Promise<void> {
  for (let before = stage.cpuSeconds([pid]), still = 0; still < 2; ) {
    await pause(1000)
    const now = stage.cpuSeconds([pid])
    still = now - before < IDLE_SECONDS ? still + 1 : 0
    before = now
  }
}

const middle = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? 0

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1)
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, worst ${at(1)}`
}

if (flags.inside) await measure()
else {
  const again = spawn('unshare', ['--net', process.execPath, ...process.execArgv, ...process.argv.slice(1), '--inside'], {
    stdio: 'inherit',
  })
  await new Promise((resolve) => again.on('exit', resolve))
  process.exitCode = again.exitCode ?? 1
}

async function measure(): Promise<void> {
  stage.upLoopback()
  const folder = mkdtempSync(join(tmpdir(), 'sampan-bench-gateway-'))
  const scope = rootScope()
  const children: ReturnType<typeof stage.start>[] = []
  const run = (program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): number => {
    const child = stage.start(program, args, more)
    children.push(child)
    return child.pid ?? 0
  }
  try {
    run('haproxy', ['-db', '-f', stage.writePods(folder)])
    await startApiServer(scope, {
      stateDir: folder,
      securePort: API_PORT,
      bindAddress: '127.0.0.1',
      advertiseAddress: stage.PODS[0] ?? '',
      store: 'sqlite',
      serviceClusterIpRange: '10.96.0.0/16',
      nodes: [],
      metrics: false,
    })
    const kubeconfig = join(folder, 'admin.kubeconfig')
    const { connection } = await loadKubeconfig(kubeconfig)
    const client = createClient({ transport: socketTransport({ ...connection, userAgent: 'bench' }) })
    const state = join(folder, 'gateway')
    // As `sampan up` runs it.
    process.env['SAMPAN_PACK'] = await makePack(process.env)
    const program = ['--disable-warning=ExperimentalWarning', ...SMALL_HEAP, join(import.meta.dirname, '../../src/main/start.js')]
    const flagsOf = ['--kubeconfig', kubeconfig, '--state-dir', state, '--address', '127.0.0.1', '--log-level', 'warn']
    const ports = ['--http-port', String(stage.GATEWAY_PORT), '--https-port', String(stage.GATEWAY_PORT + 100)]
    const gateway = run(process.execPath, [...program, 'gateway', ...flagsOf, ...ports], ONE_HEAP)
    let made = 0
    let serial = 1_000_000
    for (const routes of flags.routes.split(',').map(Number)) {
      await stage.makeRoutes(scope, client, made, routes)
      made = routes
      await untilServed(stage.GATEWAY_PORT, stage.hostOf(routes - 1), performance.now())
      // The statuses of so many are still to be written, which is no part of what is asked next.
      await untilIdle(gateway)
      console.log(`\n${routes} routes`)
      const before = stage.cpuSeconds([gateway])
      const sent: number[] = []
      const answered: number[] = []
      for (let i = 0; i < Number(flags.created); i++) {
        const route = serial++
        // Every second one leads to a Service that no other route has.
        const from = i % 2 === 0 ? routes - 1 : route * 10
        if (i % 2 === 1) await stage.makeService(scope, client, from)
        const ingress = stage.ingressOf(from, `n${route}`)
        const host = stage.hostOf(route)
        const rules = (ingress.spec?.rules ?? []).map((rule) => ({ ...rule, host }))
        const startMs = performance.now()
        const served = client
          .resource(refs.ingresses)
          .create(scope, { ...ingress, spec: { ...ingress.spec, rules } })
          .then(() => performance.now())
        const [createdMs, tookMs] = await Promise.all([served, untilServed(stage.GATEWAY_PORT, host, startMs)])
        sent.push(tookMs)
        answered.push(Math.max(0, tookMs - (createdMs - startMs)))
      }
      console.log(`  from the request that makes a route to the first 200: ${spread(sent)} ms`)
      console.log(`  from its answer to the first 200:                     ${spread(answered)} ms`)
      const cost = (stage.cpuSeconds([gateway]) - before) / (Number(flags.created) * 1.5)
      console.log(`  CPU of the control plane for each object of those:    ${(cost * 1e6).toFixed(0)} µs`)
      await pause(REST_MS)
      const { pss, rss } = stage.memoryMb(gateway)
      console.log(
        `  control plane at rest: ${pss.toFixed(1)} MB PSS, ${rss.toFixed(1)} MB RSS, ${stage.cpuSeconds([gateway]).toFixed(1)} s of CPU so far`,
      )
      await changesUnderLoad(routes)
    }
    await compare(made)

    async function changesUnderLoad(routes: number): Promise<void> {
      const load = startLoad(stage.GATEWAY_PORT, CONNECTIONS, (turn) => stage.hostOf(turn % Math.min(routes, 1000)))
      const startMs = performance.now()
      for (let i = 0; i < Number(flags.changes); i += 4) {
        const name = { namespace: 'bench', name: `c${i}` }
        const ingress = stage.ingressOf(routes - 1, name.name)
        const host = `c${i}.example`
        await client
          .resource(refs.ingresses)
          .create(scope, { ...ingress, spec: { ...ingress.spec, rules: [{ ...ingress.spec?.rules?.[0], host }] } })
        const slice = stage.sliceOf(`s${(i / 4) % 30}`)
        // Half of the endpoints of a Service under load go, and come back.
        await client
          .resource(refs.endpointslices)
          .update(scope, { ...slice, endpoints: (slice.endpoints ?? []).slice((i / 4) % 2, ((i / 4) % 2) + 1) })
        await client.resource(refs.endpointslices).update(scope, slice)
        await client.resource(refs.ingresses).delete(scope, name)
      }
      const { answered, failed } = await load.stop()
      const seconds = (performance.now() - startMs) / 1000
      console.log(`  ${flags.changes} changes in ${seconds.toFixed(1)} s under load: ${failed} of ${answered + failed} requests failed`)
    }
    async function compare(routes: number): Promise<void> {
      const rawFile = stage.writeRaw(folder, routes)
      const raw = run('haproxy', ['-db', '-f', rawFile])
      await untilServed(stage.RAW_PORT, stage.hostOf(0), performance.now())
      const ours = stage.haproxyOf(join(state, 'haproxy.cfg'))
      const rows = { raw: [] as number[][], ours: [] as number[][] }
      for (let round = 0; round < Number(flags.rounds); round++)
        for (const [name, port, pids] of [
          ['raw', stage.RAW_PORT, [raw]],
          ['ours', stage.GATEWAY_PORT, ours],
        ] as const) {
          const before = stage.cpuSeconds(pids)
          const load = startLoad(port, CONNECTIONS, (turn) => stage.hostOf(turn % routes))
          await pause(ROUND_MS)
          const { answered, failed, seconds } = await load.stop()
          if (failed > 0) throw new Error(`${failed} requests failed`)
          rows[name].push([answered / seconds, ((stage.cpuSeconds(pids) - before) / answered) * 1e6])
        }
      console.log(`\nbeside a configuration written by hand, ${routes} routes, ${CONNECTIONS} connections`)
      for (const [name, of] of Object.entries(rows)) {
        const rates = of.map(([rate = 0]) => rate).sort((a, b) => b - a)
        const costs = of.map(([, cost = 0]) => cost).sort((a, b) => a - b)
        console.log(
          `  ${name.padEnd(5)} best ${Math.round(rates[0] ?? 0)}/s, median ${Math.round(middle(rates))}/s; CPU a request: best ${costs[0]?.toFixed(1)}, median ${middle(costs).toFixed(1)} µs`,
        )
      }
    }
  } catch (error) {
    console.error(error)
    process.exitCode = 1
  } finally {
    for (const child of children) child.kill('SIGTERM')
    await pause(1000)
    scope.cancel()
    rmSync(folder, { recursive: true, force: true })
    process.exit()
  }
}
