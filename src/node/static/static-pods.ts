import { watch } from 'node:fs'
import { type Scope, isCancelled, messageOf } from '#base'
import { type core, isAlreadyExists, isConflict, isNotFound, refs } from '#api'
import type { Client } from '#client'
import type { PodManager } from '../pods/pod-manager.ts'
import { CONFIG_HASH, CONFIG_MIRROR, isStatic, nameOf, namespaceOf, uidOf } from '../pods/pod-facts.ts'
import type { PodApi } from '../pods/services.ts'
import { readManifests } from './manifests.ts'

/** Changes of files are told; this finds what was not. */
const RESCAN_MS = 20_000
/** Several files are often written together. */
const SETTLE_MS = 100
const RETRY_MS = 5000

interface Known {
  pod: core.Pod
  /** What the API has in its place, for all to see. */
  mirror: core.Pod | undefined
  /** Its file is gone; the mirror goes when the pod has. */
  leaving: boolean
}

export interface StaticPodsOptions {
  readonly dir: string
  readonly nodeName: string
  readonly nodeUid: () => string
}

/**
 * Pods that files of the node describe. The API gets a mirror of each: it shows the pod's status, and deleting it changes nothing. The pod
 * itself is followed as any other; only where it comes from and to whom its status is told differ.
 */
export class StaticPods {
  readonly #client: Client
  readonly #options: StaticPodsOptions
  readonly #known = new Map<string, Known>()
  readonly #complained = new Map<string, string>()
  readonly #mirroring = new Set<string>()

  constructor(client: Client, options: StaticPodsOptions) {
    this.#client = client
    this.#options = options
  }

  get pods(): core.Pod[] {
    return [...this.#known.values()].filter(({ leaving }) => !leaving).map(({ pod }) => pod)
  }

  /** Reads the files: what is new is known, what is no more is leaving. */
  async read(scope: Scope): Promise<void> {
    const found = await readManifests(scope, this.#options.dir, this.#options.nodeName, this.#complained)
    for (const [uid, pod] of found) {
      const known = this.#known.get(uid)
      if (known === undefined) this.#known.set(uid, { pod, mirror: undefined, leaving: false })
      else known.leaving = false
    }
    for (const [uid, known] of this.#known) if (!found.has(uid)) known.leaving = true
  }

  /** Follows the files until the scope ends. */
  async run(scope: Scope, manager: Pick<PodManager, 'set' | 'remove' | 'byUid'>): Promise<void> {
    while (!scope.signal.aborted) {
      using round = scope.child()
      // Listened before it is read: nothing is missed in between.
      const changed = this.#changed(round)
      await this.read(scope)
      for (const [uid, { pod, leaving }] of this.#known) {
        if (leaving) manager.remove(uid)
        else if (manager.byUid(uid) === undefined) manager.set(pod)
        if (!leaving) this.#mirror(scope, uid)
        else if (manager.byUid(uid) === undefined) await this.#dropMirror(scope, uid)
      }
      await Promise.race([changed, round.sleep(RESCAN_MS)]).catch(() => undefined)
      await scope.sleep(SETTLE_MS).catch(() => undefined)
    }
  }

  /** A mirror as the API has it now; undefined when it is there no more. False for pods that are not mirrors. */
  noteMirror(scope: Scope, old: core.Pod | undefined, now: core.Pod | undefined): boolean {
    const pod = now ?? old
    const hash = pod?.metadata?.annotations?.[CONFIG_MIRROR]
    if (pod === undefined || hash === undefined) return false
    const known = this.#known.get(hash)
    if (known === undefined || known.leaving) {
      // Of a file that went while nobody looked.
      if (now !== undefined) void this.#delete(scope, now)
      return true
    }
    if (now === undefined && known.mirror?.metadata?.uid === pod.metadata?.uid) known.mirror = undefined
    if (now?.metadata?.deletionTimestamp !== undefined) void this.#delete(scope, now)
    else if (now !== undefined) known.mirror = now
    this.#mirror(scope, hash)
    return true
  }

  /** Statuses of static pods go to their mirrors; others' where they went before. */
  told(api: PodApi): PodApi {
    const mirrored = (pod: core.Pod): core.Pod | undefined => {
      const mirror = this.#known.get(uidOf(pod))?.mirror
      return mirror && { ...pod, metadata: mirror.metadata, status: mirror.status }
    }
    return {
      report(pod, status, passes) {
        const at = isStatic(pod) ? mirrored(pod) : pod
        if (at !== undefined) api.report(at, status, passes)
      },
      async confirmDeletion(scope, pod) {
        if (!isStatic(pod)) await api.confirmDeletion(scope, pod)
      },
      forget: (uid) => {
        const mirror = this.#known.get(uid)?.mirror
        api.forget(mirror === undefined ? uid : uidOf(mirror))
      },
    }
  }

  /** Makes the mirror where it is missing; once at a time, again until it is there. */
  #mirror(scope: Scope, uid: string): void {
    if (this.#mirroring.has(uid)) return
    this.#mirroring.add(uid)
    void this.#ensureMirror(scope, uid)
      .catch((error: unknown) => {
        if (!isCancelled(error)) scope.log.warn('a static pod could not be shown', { uid, error: messageOf(error) })
      })
      .finally(() => this.#mirroring.delete(uid))
  }

  async #ensureMirror(scope: Scope, uid: string): Promise<void> {
    const pods = this.#client.resource(refs.pods)
    for (;;) {
      const known = this.#known.get(uid)
      if (known === undefined || known.leaving || known.mirror !== undefined) return
      const { pod } = known
      const { uid: _, ...metadata } = pod.metadata ?? {}
      const { nodeName } = this.#options
      const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: this.#options.nodeUid(), controller: true }
      try {
        known.mirror = await pods.create(scope, {
          ...pod,
          metadata: { ...metadata, annotations: { ...metadata.annotations, [CONFIG_MIRROR]: uid }, ownerReferences: [owner] },
        })
        return
      } catch (error) {
        if (isCancelled(error)) throw error
        if (isAlreadyExists(error)) {
          const there = await pods.get(scope, { namespace: namespaceOf(pod), name: nameOf(pod) }).catch(() => undefined)
          if (there?.metadata?.annotations?.[CONFIG_HASH] === uid && there.metadata.deletionTimestamp === undefined) {
            known.mirror = there
            return
          }
          // Of an earlier file.
          if (there?.metadata?.annotations?.[CONFIG_MIRROR] !== undefined) await this.#delete(scope, there)
        }
        scope.log.debug('a mirror pod was not made', { pod: nameOf(pod), error: messageOf(error) })
        await scope.sleep(RETRY_MS)
      }
    }
  }

  async #dropMirror(scope: Scope, uid: string): Promise<void> {
    const mirror = this.#known.get(uid)?.mirror
    if (mirror !== undefined) await this.#delete(scope, mirror)
    this.#known.delete(uid)
  }

  async #delete(scope: Scope, mirror: core.Pod): Promise<void> {
    const at = { namespace: namespaceOf(mirror), name: nameOf(mirror) }
    try {
      await this.#client.resource(refs.pods).delete(scope, at, { gracePeriodSeconds: 0, preconditions: { uid: uidOf(mirror) } })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error) && !isCancelled(error))
        scope.log.warn('a mirror pod was not deleted', { error: messageOf(error) })
    }
  }

  /** Resolves when something in the directory changes while the scope lasts. */
  #changed(scope: Scope): Promise<void> {
    const changed = Promise.withResolvers<void>()
    try {
      watch(this.#options.dir, { persistent: false, signal: scope.signal }, () => changed.resolve()).on('error', () => undefined)
    } catch {
      // The directory is not there yet.
    }
    return changed.promise
  }
}
