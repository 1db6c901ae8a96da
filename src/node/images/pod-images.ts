import { type Scope, isCancelled, messageOf } from '#base'
import type { core } from '#api'
import { type ContainerRuntime, type Image, RuntimeError } from '../cri/runtime.ts'
import type { ObjectSource } from '../objects.ts'
import { allContainersOf } from '../pods/pod-facts.ts'
import type { PodEvents, PodImages } from '../pods/services.ts'
import { StartRefused } from '../refusal.ts'
import { goDuration } from '../pods/plan/backoff.ts'
import { type PullSecret, credentialsFor } from './credentials.ts'
import { PulledImages } from './pulled-images.ts'

const SEEN_MS = 1000

/** Pull policies over the runtime's image store. Pulls go one after the other, so that each has the whole line and the disk is written in order. */
export function podImages(
  runtime: ContainerRuntime,
  objects: ObjectSource,
  events: PodEvents,
  pulledImages: PulledImages = new PulledImages(),
): PodImages {
  let line: Promise<unknown> = Promise.resolve()
  const inLine = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = line.then(work, work)
    line = turn.catch(() => undefined)
    return turn
  }

  /** What was found a moment ago is there: an image that goes meanwhile makes the container's creation fail, and it is tried again. */
  const seen = new Map<string, { readonly found: Promise<Image | undefined>; readonly atMs: number }>()
  const present = (scope: Scope, image: string): Promise<Image | undefined> => {
    const now = scope.clock.monotonic()
    const known = seen.get(image)
    if (known !== undefined && now - known.atMs < SEEN_MS) return known.found
    for (const [name, { atMs }] of seen) if (now - atMs >= SEEN_MS) seen.delete(name)
    const found = runtime.imageStatus(scope, image)
    seen.set(image, { found, atMs: now })
    const forget = (): void => void seen.delete(image)
    found.then((one) => one ?? forget(), forget)
    return found
  }

  return {
    async look(scope, pod) {
      const names = new Set(
        allContainersOf(pod)
          .filter(({ image = '', imagePullPolicy }) => isImageName(image) && (imagePullPolicy ?? defaultPolicy(image)) !== 'Always')
          .map(({ image = '' }) => image),
      )
      await Promise.allSettled([...names].map((name) => present(scope, name)))
    },
    async ensure(scope, pod, container) {
      const image = container.image ?? ''
      const policy = container.imagePullPolicy ?? defaultPolicy(image)
      if (!isImageName(image)) {
        const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`
        events.record(pod, 'Warning', 'InspectFailed', message, container.name)
        throw new StartRefused('InvalidImageName', message)
      }
      if (policy !== 'Always') {
        const there = await present(scope, image)
        const isOpen = there !== undefined && !(await pulledImages.mustPull(image, there.id, await secretsOf(scope, pod, image)))
        if (there !== undefined && isOpen) {
          events.record(
            pod,
            'Normal',
            'Pulled',
            policy === 'Never'
              ? `Container image "${image}" already present on machine`
              : `Container image "${image}" already present on machine and can be accessed by the pod`,
            container.name,
          )
          return there
        }
        if (policy === 'Never') {
          const message = `Container image "${image}" is not present with pull policy of Never`
          events.record(pod, 'Warning', 'ErrImageNeverPull', message, container.name)
          throw new StartRefused('ErrImageNeverPull', message)
        }
      }
      events.record(pod, 'Normal', 'Pulling', `Pulling image "${image}"`, container.name)
      const askedMs = scope.clock.monotonic()
      try {
        return await inLine(async () => {
          const beganMs = scope.clock.monotonic()
          const pulled = await pull(scope, pod, image)
          const now = scope.clock.monotonic()
          const took = `${milliseconds(now - beganMs)} (${milliseconds(now - askedMs)} including waiting)`
          events.record(
            pod,
            'Normal',
            'Pulled',
            `Successfully pulled image "${image}" in ${took}. Image size: ${pulled.sizeBytes} bytes.`,
            container.name,
          )
          return pulled
        })
      } catch (error) {
        if (isCancelled(error)) throw error
        const message = messageOf(error)
        events.record(pod, 'Warning', 'Failed', `Failed to pull image "${image}": ${message}`, container.name)
        events.record(pod, 'Warning', 'Failed', 'Error: ErrImagePull', container.name)
        throw new StartRefused('ErrImagePull', message, { cause: error })
      }
    },
  }

  async function secretsOf(scope: Scope, pod: core.Pod, image: string): Promise<readonly PullSecret[]> {
    const secrets = await Promise.all((pod.spec?.imagePullSecrets ?? []).map(({ name = '' }) => objects.secret(scope, pod, name)))
    return credentialsFor(
      image,
      secrets.flatMap((secret) => secret ?? []),
    )
  }

  async function pull(scope: Scope, pod: core.Pod, image: string): Promise<Image> {
    scope.check()
    const secrets = await secretsOf(scope, pod, image)
    await pulledImages.begin(image)
    let failure: unknown
    for (const used of secrets.length === 0 ? [undefined] : secrets) {
      try {
        const id = await runtime.pullImage(scope, image, used?.credentials)
        const found = (await runtime.imageStatus(scope, id)) ?? (await runtime.imageStatus(scope, image))
        if (found === undefined) throw new RuntimeError('not-found', `image "${image}" was pulled and is not there`)
        const there = (await runtime.listImages(scope)).map((one) => one.id)
        await pulledImages.done(scope, image, found.id, used, there)
        return found
      } catch (error) {
        if (isCancelled(error)) throw error
        failure = error
      }
    }
    await pulledImages.failed(image)
    throw failure
  }
}

/** As the API server fills it in: `latest` is always looked for anew. */
const defaultPolicy = (image: string): string => (image.endsWith(':latest') || !/[:@][^/]*$/.test(image) ? 'Always' : 'IfNotPresent')

const PART = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const IMAGE_NAME = new RegExp(
  `^(?:[a-zA-Z0-9.-]+(?::\\d+)?/)?${PART}(?:/${PART})*(?::[\\w][\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,})?$`,
)
const isImageName = (image: string): boolean => IMAGE_NAME.test(image) || /^[0-9a-f]{64}$/.test(image)

const milliseconds = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)}ms` : ms < 60_000 ? `${(ms / 1000).toFixed(3).replace(/\.?0+$/, '')}s` : goDuration(ms)
