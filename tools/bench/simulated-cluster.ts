import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Scope } from '#base'
import { isNotFound, refs } from '#api'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import { claimPort } from '#main'

const ENTRY = join(import.meta.dirname, '../../src/main/sampan.ts')

/** A server and a simulation of nodes, each a process of its own, in a folder that goes with them. */
export interface SimulatedCluster {
  readonly client: Client
  readonly server: ChildProcess
  readonly simulation: ChildProcess
  close(): Promise<void>
}

export interface SimulatedClusterOptions {
  readonly nodes: string
  /** Made, with its ServiceAccount. */
  readonly namespace: string
  /** Where profiles of the processor go. */
  readonly profileDir?: string | undefined
}

export async function until(scope: Scope, what: string, isSo: () => Promise<boolean> | boolean, withinMs = 180_000): Promise<void> {
  const endMs = Date.now() + withinMs
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error(`not so after ${withinMs / 1000} seconds: ${what}`)
    await scope.sleep(25)
  }
}

/** Processor time of a process so far, in milliseconds. */
export function cpuMs({ pid }: ChildProcess): number {
  const fields =
    readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

/** Memory of a process, what it shares counted in parts, in megabytes. */
export function pssMb({ pid }: ChildProcess): number {
  const found = /^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid ?? 0}/smaps_rollup`, 'utf8'))
  return Math.round(Number(found?.[1] ?? 0) / 1024)
}

export async function simulatedCluster(scope: Scope, options: SimulatedClusterOptions): Promise<SimulatedCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'sampan-bench-'))
  const kubeconfig = join(directory, 'admin.kubeconfig')
  const running: ChildProcess[] = []
  const start = (...args: readonly string[]): ChildProcess => {
    const profiling = options.profileDir === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', options.profileDir]
    const part = spawn(process.execPath, [...profiling, ENTRY, ...args, '--log-level', 'warn'], { stdio: ['ignore', 'inherit', 'inherit'] })
    running.push(part)
    return part
  }
  const close = async (): Promise<void> => {
    for (const part of running.toReversed()) {
      part.kill('SIGTERM')
      await new Promise((resolve) => part.once('exit', resolve))
    }
    rmSync(directory, { recursive: true, force: true })
  }
  try {
    using claim = await claimPort(0, { orAny: true })
    const server = start('server', '--state-dir', directory, '--secure-port', String(claim.port), '--bind-address', '127.0.0.1')
    await until(scope, 'the server writes how to reach it', () => existsSync(kubeconfig))
    const { connection } = await loadKubeconfig(kubeconfig)
    const client = createClient({ transport: socketTransport({ ...connection, userAgent: 'bench' }) })
    await until(scope, 'the server answers', () =>
      client.raw(scope, { method: 'GET', path: '/readyz' }).then(
        () => true,
        () => false,
      ),
    )
    await client.resource(refs.namespaces).create(scope, { metadata: { name: options.namespace } })
    await until(scope, 'the ServiceAccount is there', () =>
      client
        .resource(refs.serviceaccounts)
        .get(scope, { namespace: options.namespace, name: 'default' })
        .then(
          () => true,
          (error: unknown) => (isNotFound(error) ? false : Promise.reject(error)),
        ),
    )
    const simulation = start('simulate', '--kubeconfig', kubeconfig, '--nodes', options.nodes)
    await until(
      scope,
      'the nodes are ready',
      async () => {
        const { items } = await client.resource(refs.nodes).list(scope)
        return items.filter(({ spec }) => (spec?.taints ?? []).length === 1).length === Number(options.nodes)
      },
      600_000,
    )
    return {
      client,
      server,
      simulation,
      async close() {
        client.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}
