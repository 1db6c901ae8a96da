import type { Scope } from '#base'
import { type core, statusError } from '#api'
import type { PortForwarder, RemoteProcess } from '#client'
import type { ContainerRuntime, ExecRequest, StreamRequest } from '../cri/runtime.ts'
import type { PodManager } from '../pods/pod-manager.ts'
import type { PodWorker } from '../pods/pod-worker.ts'
import { NotRunning } from '../refusal.ts'

export interface PodAt {
  readonly namespace: string
  readonly name: string
  /** When given, a pod of the same name with another uid is not found. */
  readonly uid?: string | undefined
}
export interface ContainerAt extends PodAt {
  readonly container: string
}

/** How exec, attach and port-forward reach a pod, whatever protocol the caller speaks. Refusals are `StatusError`. */
export interface Streams {
  exec(scope: Scope, at: ContainerAt, request: ExecRequest): Promise<RemoteProcess>
  attach(scope: Scope, at: ContainerAt, request: StreamRequest): Promise<RemoteProcess>
  portForward(scope: Scope, at: PodAt): Promise<PortForwarder>
}

/** Speaks to the runtime's streaming server at the address that the runtime gave for one use. */
export interface StreamConnector {
  process(scope: Scope, url: string, request: StreamRequest): Promise<RemoteProcess>
  portForward(scope: Scope, url: string): Promise<PortForwarder>
}

/** Finds what is meant among the node's pods, asks the runtime for an address, and has it connected. */
export function runtimeStreams(pods: Pick<PodManager, 'byName'>, runtime: ContainerRuntime, connector: StreamConnector): Streams {
  return {
    async exec(scope, at, request) {
      const worker = findWorker(pods, at)
      const url = await runtime.exec(scope, runningContainer(worker, at.container), request)
      return connector.process(scope, url, request)
    },
    async attach(scope, at, request) {
      const worker = findWorker(pods, at)
      const container = containerOf(worker.pod, at.container)
      // The runtime only attaches what the container was made with.
      const tty = container?.tty === true
      const streams = { ...request, tty, stdin: request.stdin && container?.stdin === true, stderr: request.stderr && !tty }
      const said = `container ${at.container} not found in pod ${at.name}_${at.namespace}`
      const url = await runtime.attach(scope, runningContainer(worker, at.container, said), streams)
      return connector.process(scope, url, streams)
    },
    async portForward(scope, at) {
      const worker = findWorker(pods, at)
      const sandbox = worker.state.sandboxes.find(({ ready }) => ready)
      if (sandbox === undefined) throw new NotRunning(`pod not found (${JSON.stringify(`${at.name}_${at.namespace}`)})`)
      return connector.portForward(scope, await runtime.portForward(scope, sandbox.id, []))
    },
  }
}

export function findWorker(pods: Pick<PodManager, 'byName'>, at: PodAt): PodWorker {
  const worker = pods.byName(at.namespace, at.name)
  if (worker === undefined || (at.uid !== undefined && at.uid !== '' && worker.pod.metadata?.uid !== at.uid))
    throw statusError.notFound({ group: '', plural: 'pods' }, at.name)
  return worker
}

const containerOf = (pod: core.Pod, name: string): core.Container | core.EphemeralContainer | undefined =>
  [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? []), ...(pod.spec?.ephemeralContainers ?? [])].find(
    (container) => container.name === name,
  )

/** Its id. Throws `NotRunning` with what is `said`. */
export function runningContainer(
  { state }: PodWorker,
  container: string,
  said = `container not found (${JSON.stringify(container)})`,
): string {
  const found = state.containers.find((one) => one.name === container && one.state === 'running')
  if (found === undefined) throw new NotRunning(said)
  return found.id
}
