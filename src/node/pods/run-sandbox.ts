import { mkdir, readFile } from 'node:fs/promises'
import { type Scope, isCancelled, messageOf } from '#base'
import type { core } from '#api'
import { PodRejected, StartRefused } from '../refusal.ts'
import { parseResolvConf } from '../sandbox/dns.ts'
import { sandboxSpec } from '../sandbox/sandbox-spec.ts'
import type { SandboxSpec } from '../cri/runtime.ts'
import { retryDelay } from './plan/backoff.ts'
import type { Action } from './plan/action.ts'
import type { PodSubject } from './pod-subject.ts'

const FIRST_RETRY_MS = 1000
const LONGEST_RETRY_MS = 30_000

/** Makes the pod's sandbox; its volumes are made meanwhile, once all that they refer to is known to be there. */
export async function runSandbox(scope: Scope, worker: PodSubject, { attempt }: Extract<Action, { type: 'run-sandbox' }>): Promise<void> {
  const { services, memory, state, pod } = worker
  services.starts.started(pod)
  try {
    // Calls to the runtime are not broken off half-way: what it makes must be known.
    // What a pod refers to is nearly always there: the first try does not wait to be sure.
    const isSure = memory.sandboxFailure === undefined && !(pod.spec?.volumes ?? []).some(mayBeMissing)
    if (!isSure) await services.volumes.resolve(scope, pod)
    await services.resources.prepare(scope, pod)
    const spec = await sandboxSpecOf(scope, worker, attempt)
    const [made, mounted] = await Promise.allSettled([
      services.runtime.runPodSandbox(worker.scope, spec),
      services.volumes.mount(scope, pod, []),
      services.images.look(worker.scope, pod),
    ])
    if (made.status === 'rejected') throw made.reason
    if (mounted.status === 'rejected') {
      await services.runtime.removePodSandbox(worker.scope, made.value)
      throw mounted.reason
    }
    memory.actuatedPod = pod.spec?.resources ?? {}
    await state.readSandbox(worker.scope, made.value)
    if (pod.spec?.hostNetwork !== true) await services.network.protect(worker.scope, pod, worker.podIps)
    memory.sandboxFailure = undefined
  } catch (error) {
    if (isCancelled(error)) throw error
    if (error instanceof PodRejected) {
      services.events.record(pod, 'Warning', error.reason, error.message)
      return worker.end({ reason: error.reason, message: error.message, graceSeconds: 0 })
    }
    services.starts.failed(pod, 'sandbox')
    const failures = (memory.sandboxFailure?.failures ?? 0) + 1
    const now = worker.now()
    const reason = error instanceof StartRefused ? error.reason : 'FailedCreatePodSandBox'
    const message = error instanceof StartRefused ? error.message : `Failed to create pod sandbox: ${messageOf(error)}`
    memory.sandboxFailure = {
      reason,
      message,
      atMs: now,
      retryAtMs: now + retryDelay(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS),
      failures,
    }
    services.events.record(pod, 'Warning', reason, message)
  }
}

/** ConfigMaps, Secrets and claims that somebody still has to make; a service account's own files are made with its namespace. */
const mayBeMissing = (volume: core.Volume): boolean =>
  volume.emptyDir === undefined &&
  volume.hostPath === undefined &&
  !(volume.projected?.sources?.some(({ serviceAccountToken }) => serviceAccountToken !== undefined) ?? false)

/** The same each time for the same pod: containers name it too when they are made. */
export async function sandboxSpecOf(scope: Scope, worker: PodSubject, attempt: number): Promise<SandboxSpec> {
  const { services, pod } = worker
  const [handler, resolvConf] = await Promise.all([services.handlerOf(scope, pod), readFile('/etc/resolv.conf', 'utf8').catch(() => '')])
  const spec = sandboxSpec(
    pod,
    attempt,
    services.settings,
    services.cgroups.ensure(pod),
    parseResolvConf(resolvConf),
    handler,
    services.usersOf(pod),
  )
  if (pod.spec?.hostUsers === false && !services.featuresOf(spec.handler).userNamespaces)
    throw new StartRefused(
      'FailedCreatePodSandBox',
      handler === ''
        ? "can't set `spec.hostUsers: false`, runtime does not support user namespaces"
        : `can't set \`spec.hostUsers: false\`, RuntimeClass handler ${JSON.stringify(handler)} does not support user namespaces`,
    )
  await mkdir(spec.logDirectory, { recursive: true, mode: 0o755 })
  return spec
}
