import { readFileSync } from 'node:fs'
import { type Scope, messageOf, rootScope } from '#base'
import { refs } from '#api'
import { formatTable } from '#cli'
import { type Client, createClient, loadKubeconfig, socketTransport } from '#client'
import { gatewayProcesses } from '#gateway'
import { layoutOf } from '#node'
import { running } from '../background/processes.ts'
import { kubeconfigIn, locate } from '../instance/locate.ts'
import type { InstanceFlags } from '../program/flags.ts'
import { componentsOf, gatewayDir, hostOptions } from '../up/commands.ts'

const ANSWER_WITHIN_MS = 5000

/** `sampan status`: what runs, what it costs, and what is wrong. The exit code is 1 when something is. */
export async function runStatus(flags: InstanceFlags): Promise<void> {
  using scope = rootScope()
  const located = locate(flags)
  const { stateDir, instance } = located
  const problems: string[] = []
  const rows = componentsOf(instance).map(({ name }) => {
    const found = running(stateDir, name)
    if (found === undefined) problems.push(`${name} does not run: start it with sampan up; its log: sampan logs ${name}`)
    return [name, found === undefined ? 'stopped' : 'running', String(found?.pid ?? ''), found === undefined ? '' : memoryOf(found.pid)]
  })
  for (const [index, node] of instance.nodes.entries()) {
    const pid = pidIn(layoutOf(hostOptions(stateDir, instance, index)).containerd.pidFile)
    if (pid === undefined) problems.push(`containerd of ${node.name} does not run`)
    const name = instance.nodes.length === 1 ? 'containerd' : `containerd of ${node.name}`
    rows.push([name, pid === undefined ? 'stopped' : 'running', String(pid ?? ''), pid === undefined ? '' : memoryOf(pid)])
  }
  if (instance.gateway === true) {
    const [pid] = gatewayProcesses(gatewayDir(stateDir))
    if (pid === undefined) problems.push('haproxy does not run: see sampan logs gateway')
    rows.push(['haproxy', pid === undefined ? 'stopped' : 'running', String(pid ?? ''), pid === undefined ? '' : memoryOf(pid)])
  }
  console.log(`${formatTable(['COMPONENT', 'STATE', 'PID', 'MEMORY (PSS)'], rows)}\n`)
  try {
    using limited = scope.child({ timeoutMs: ANSWER_WITHIN_MS })
    const client = createClient({ transport: socketTransport((await loadKubeconfig(kubeconfigIn(located))).connection) })
    await showCluster(limited, client, problems, instance.joined === undefined ? undefined : instance.nodes[0].name)
  } catch (error) {
    problems.push(`the API does not answer: ${messageOf(error)}`)
  }
  console.log(problems.length === 0 ? 'Nothing is wrong.' : `What is wrong:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
  if (problems.length > 0) process.exitCode = 1
}

/** `own`: the one node that whoever asks may look at. */
async function showCluster(scope: Scope, client: Client, problems: string[], own: string | undefined): Promise<void> {
  const version = JSON.parse(Buffer.from((await client.raw(scope, { method: 'GET', path: '/version' })).body).toString('utf8')) as {
    readonly gitVersion: string
  }
  const [nodes, pods] = await Promise.all([
    client.resource(refs.nodes).list(scope, own === undefined ? {} : { fieldSelector: `metadata.name=${own}` }),
    client.resource(refs.pods).list(scope, own === undefined ? {} : { fieldSelector: `spec.nodeName=${own}` }),
  ])
  const rows = nodes.items.map(({ metadata, status }) => {
    const ready = status?.conditions?.find(({ type }) => type === 'Ready')
    if (ready?.status !== 'True') problems.push(`node ${metadata?.name ?? ''} is not ready: ${ready?.message ?? 'it has not reported'}`)
    const { kubeletVersion = '', containerRuntimeVersion = '', kernelVersion = '' } = status?.nodeInfo ?? {}
    return [metadata?.name ?? '', ready?.status === 'True' ? 'ready' : 'not ready', kubeletVersion, containerRuntimeVersion, kernelVersion]
  })
  console.log(`Kubernetes API ${version.gitVersion}\n\n${formatTable(['NODE', 'STATE', 'VERSION', 'RUNTIME', 'KERNEL'], rows)}\n`)
  const counts = Map.groupBy(pods.items, ({ status }) => status?.phase ?? 'Unknown')
  console.log(`pods: ${[...counts].map(([phase, all]) => `${all.length} ${phase.toLowerCase()}`).join(', ') || 'none'}\n`)
  for (const pod of pods.items)
    for (const container of pod.status?.containerStatuses ?? []) {
      const { waiting } = container.state ?? {}
      if (waiting?.reason !== undefined && !['ContainerCreating', 'PodInitializing'].includes(waiting.reason))
        problems.push(
          `container ${container.name} of ${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''}: ${waiting.reason}${waiting.message === undefined ? '' : `: ${waiting.message}`}`,
        )
    }
}

function pidIn(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim().split(/\s/)[0])
    process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}

function memoryOf(pid: number): string {
  try {
    const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]
    return kilobytes === undefined ? '' : `${Math.round(Number(kilobytes) / 1024)} MB`
  } catch {
    return ''
  }
}
