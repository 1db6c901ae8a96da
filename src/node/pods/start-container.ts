import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Scope, isCancelled, messageOf } from '#base'
import { containerSpec } from '../containers/container-spec.ts'
import { environmentOf } from '../containers/environment.ts'
import { withPodLimits } from '../containers/resources.ts'
import { StartRefused, configError } from '../refusal.ts'
import { logDirectoryOf } from '../sandbox/sandbox-spec.ts'
import { afterRestart, retryDelay } from './plan/backoff.ts'
import type { Action } from './plan/action.ts'
import { type AnyContainer, ephemeralContainersOf, findContainer, uidOf } from './pod-facts.ts'
import type { PodSubject } from './pod-subject.ts'
import { sandboxSpecOf } from './run-sandbox.ts'
import { messagesDirOf } from './termination-message.ts'

const FIRST_RETRY_MS = 10_000
const LONGEST_RETRY_MS = 300_000

type Start = Extract<Action, { type: 'start-container' }>

/** Image, configuration, create, start, postStart hook: a failure at any of them becomes the container's waiting state. */
export async function startContainer(scope: Scope, worker: PodSubject, start: Start): Promise<void> {
  const { services, memory, pod } = worker
  const container = findContainer(pod, start.name)
  if (container === undefined) return
  try {
    const id = await createContainer(scope, worker, container, start)
    try {
      await services.runtime.startContainer(worker.scope, id)
    } catch (error) {
      if (isCancelled(error)) throw error
      memory.starting.delete(id)
      await worker.state.readContainer(worker.scope, id, start.sandboxId)
      throw new StartRefused('RunContainerError', messageOf(error), { cause: error })
    }
    services.events.record(pod, 'Normal', 'Started', 'Container started', start.name)
    memory.failures.delete(start.name)
    const { restartOf } = start
    if (restartOf !== undefined)
      memory.backoffs.set(start.name, afterRestart(memory.backoffs.get(start.name), restartOf.finishedAtMs, worker.now()))
    await worker.state.readContainer(worker.scope, id, start.sandboxId)
    await runPostStart(scope, worker, container, id)
    memory.starting.delete(id)
    if (restartOf !== undefined) memory.replacing.delete(restartOf.id)
  } catch (error) {
    if (start.restartOf !== undefined) memory.replacing.delete(start.restartOf.id)
    if (isCancelled(error)) throw error
    noteFailure(worker, start.name, error)
  }
}

async function createContainer(scope: Scope, worker: PodSubject, container: AnyContainer, start: Start): Promise<string> {
  const { services, pod, podIps } = worker
  const { settings, objects } = services
  const terminationMessageFile = join(messagesDirOf(join(settings.podsDir, uidOf(pod))), container.name, `${start.attempt}.message`)
  const [image, environment, sandbox] = await Promise.all([
    services.images.ensure(scope, pod, container),
    environmentOf(scope, { pod, container, podIps, objects, settings }),
    sandboxSpecOf(scope, worker, worker.state.sandboxes[0]?.attempt ?? 0),
    makeMessageFile(terminationMessageFile),
    services.volumes.mount(scope, pod, podIps).then(() => services.volumes.writeHosts(pod, podIps)),
    mkdir(join(logDirectoryOf(worker.services.settings, worker.pod), container.name), { recursive: true, mode: 0o755 }),
  ])
  await showImages(scope, worker, container)
  const [mounts, devices, extras] = await Promise.all([
    services.volumes.mountsOf(scope, pod, container, environment, services.featuresOf(sandbox.handler)),
    services.volumes.devicesOf(scope, pod, container),
    services.resources.extrasOf(scope, pod, container),
  ])
  if (extras.cdiDevices.length > 0 && !services.takesCdiDevices)
    throw configError(
      `devices by name (${extras.cdiDevices.join(', ')}) are not supported by the container runtime: containerd knows them from 1.7 on`,
    )
  const target = ephemeralContainersOf(pod).find(({ name }) => name === container.name)?.targetContainerName
  const targetId =
    target === undefined || target === ''
      ? undefined
      : worker.state.containers.find(({ name, state }) => name === target && state === 'running')?.id
  const spec = containerSpec({
    pod,
    container,
    attempt: start.attempt,
    image,
    environment,
    mounts,
    devices,
    extras,
    placement: services.placementOf(pod, container.name),
    settings,
    terminationMessageFile,
    targetId,
    users: services.usersOf(pod),
  })
  try {
    // Not broken off half-way: what the runtime makes must be known.
    scope.check()
    const id = await services.runtime.createContainer(worker.scope, start.sandboxId, spec, sandbox)
    // From here until its hook is done it is neither a leftover nor up.
    worker.memory.starting.add(id)
    worker.memory.actuated.set(id, withPodLimits(container.resources, pod.spec?.resources))
    worker.state.expect(id, start.sandboxId)
    services.events.record(pod, 'Normal', 'Created', 'Container created', container.name)
    return id
  } catch (error) {
    throw isCancelled(error) ? error : new StartRefused('CreateContainerError', messageOf(error), { cause: error })
  }
}

/** Images that the container mounts are pulled as its own is. */
async function showImages(scope: Scope, { services, pod }: PodSubject, container: AnyContainer): Promise<void> {
  for (const { name, image: wanted } of pod.spec?.volumes ?? []) {
    if (wanted === undefined || container.volumeMounts?.some((mount) => mount.name === name) !== true) continue
    const { reference = '', pullPolicy } = wanted
    const asked = { ...container, image: reference, ...(pullPolicy === undefined ? {} : { imagePullPolicy: pullPolicy }) }
    const image = await services.images.ensure(scope, pod, asked)
    try {
      await services.volumes.showImage(scope, pod, name, image)
    } catch (error) {
      if (isCancelled(error)) throw error
      throw new StartRefused('ImageVolumeMountFailed', `failed to mount image volume ${JSON.stringify(name)}: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }
}

/** Whoever the container runs as may write it. */
async function makeMessageFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o750 })
  await writeFile(path, '')
  await chmod(path, 0o666)
}

async function runPostStart(scope: Scope, worker: PodSubject, container: AnyContainer, id: string): Promise<void> {
  const hook = container.lifecycle?.postStart
  if (hook === undefined) return
  const { services, pod, memory } = worker
  try {
    await services.hooks.run(scope, pod, container, id, worker.podIps[0] ?? '', hook)
  } catch (error) {
    if (isCancelled(error)) throw error
    services.events.record(pod, 'Warning', 'FailedPostStartHook', 'PostStartHook failed', container.name)
    services.events.record(pod, 'Normal', 'Killing', 'FailedPostStartHook', container.name)
    await services.runtime.stopContainer(worker.scope, id, pod.spec?.terminationGracePeriodSeconds ?? 30)
    await worker.state.readAfterExit(worker.scope, id)
    memory.starting.delete(id)
    throw new StartRefused('PostStartHookError', messageOf(error), { cause: error })
  }
}

function noteFailure(worker: PodSubject, name: string, error: unknown): void {
  const { memory, services, pod } = worker
  const reason = error instanceof StartRefused ? error.reason : 'CreateContainerError'
  const message = messageOf(error)
  const now = worker.now()
  services.starts.failed(pod, 'container')
  const failures = (memory.failures.get(name)?.failures ?? 0) + 1
  memory.failures.set(name, {
    reason,
    message,
    atMs: now,
    retryAtMs: now + retryDelay(failures, FIRST_RETRY_MS, LONGEST_RETRY_MS),
    failures,
  })
  if (reason !== 'ErrImagePull') services.events.record(pod, 'Warning', 'Failed', `Error: ${message}`, name)
}
