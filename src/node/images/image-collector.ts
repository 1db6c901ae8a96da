import { statfs } from 'node:fs/promises'
import { type Scope, isCancelled, messageOf } from '#base'
import type { EventRecorder } from '#reconcile'
import type { ContainerRuntime, Image } from '../cri/runtime.ts'
import type { PodManager } from '../pods/pod-manager.ts'

const EVERY_MS = 300_000
const HIGH_PART = 0.85
const LOW_PART = 0.8
/** An image younger than this may belong to a pod that is just being started. */
const YOUNGEST_MS = 120_000

export interface ImageUse {
  readonly image: Image
  readonly firstSeenMs: number
  /** 0 when it was never seen in use. */
  readonly lastUsedMs: number
  readonly inUse: boolean
}

/** Which images to remove so that `bytes` are freed: those that were not used for longest first, never one that is used or young. */
export function planCollection(images: readonly ImageUse[], bytes: number, now: number): Image[] {
  const candidates = images.filter(({ image, inUse, firstSeenMs }) => !inUse && !image.pinned && now - firstSeenMs >= YOUNGEST_MS)
  const chosen: Image[] = []
  let freed = 0
  for (const { image } of candidates.toSorted((a, b) => a.lastUsedMs - b.lastUsedMs || a.firstSeenMs - b.firstSeenMs)) {
    if (freed >= bytes) break
    chosen.push(image)
    freed += image.sizeBytes
  }
  return chosen
}

/** Removes images nobody uses when the disk is fuller than a high mark, down to a low one. */
export class ImageCollector {
  readonly #runtime: ContainerRuntime
  readonly #pods: Pick<PodManager, 'workers'>
  readonly #dir: string
  readonly #events: EventRecorder
  readonly #nodeName: string
  readonly #seen = new Map<string, { firstSeenMs: number; lastUsedMs: number }>()

  constructor(runtime: ContainerRuntime, pods: Pick<PodManager, 'workers'>, dir: string, events: EventRecorder, nodeName: string) {
    this.#runtime = runtime
    this.#pods = pods
    this.#dir = dir
    this.#events = events
    this.#nodeName = nodeName
  }

  async run(scope: Scope): Promise<void> {
    while (!scope.signal.aborted) {
      await scope.sleep(EVERY_MS).catch(() => undefined)
      await this.collect(scope).catch((error: unknown) => {
        if (!isCancelled(error)) scope.log.warn('images could not be collected', { error: messageOf(error) })
      })
    }
  }

  /** Every image that nobody uses goes: the node has no room left. */
  async removeUnused(scope: Scope): Promise<void> {
    const uses = await this.#uses(scope)
    for (const { id } of planCollection(uses, Number.POSITIVE_INFINITY, scope.clock.now())) await this.#runtime.removeImage(scope, id)
  }

  async collect(scope: Scope): Promise<void> {
    const now = scope.clock.now()
    const uses = await this.#uses(scope)
    const disk = await statfs(this.#dir)
    const usedPart = 1 - disk.bavail / disk.blocks
    if (usedPart < HIGH_PART) return
    const wantedBytes = (usedPart - LOW_PART) * disk.blocks * disk.bsize
    const chosen = planCollection(uses, wantedBytes, now)
    for (const image of chosen) await this.#runtime.removeImage(scope, image.id)
    const freed = chosen.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    if (freed >= wantedBytes) return
    const message = `Failed to garbage collect required amount of images. Attempted to free ${Math.round(wantedBytes)} bytes, but only found ${freed} bytes eligible to free.`
    this.#events.event(
      { apiVersion: 'v1', kind: 'Node', metadata: { name: this.#nodeName, uid: this.#nodeName } },
      'Warning',
      'FreeDiskSpaceFailed',
      message,
    )
  }

  async #uses(scope: Scope): Promise<ImageUse[]> {
    const now = scope.clock.now()
    const images = await this.#runtime.listImages(scope)
    const used = new Set(this.#pods.workers.flatMap((worker) => worker.state.containers.map(({ imageRef }) => imageRef)))
    const uses = images.map((image): ImageUse => {
      const inUse = used.has(image.id) || image.digests.some((digest) => used.has(digest))
      const before = this.#seen.get(image.id) ?? { firstSeenMs: now, lastUsedMs: 0 }
      const after = { ...before, lastUsedMs: inUse ? now : before.lastUsedMs }
      this.#seen.set(image.id, after)
      return { image, inUse, ...after }
    })
    for (const id of this.#seen.keys()) if (!images.some((image) => image.id === id)) this.#seen.delete(id)
    return uses
  }
}
