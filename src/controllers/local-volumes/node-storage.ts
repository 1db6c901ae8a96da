import type { Scope } from '#base'
import { StatusError, hasReason } from '#api'
import type { Client } from '#client'

/** The driver that the agents of nodes have built in, which is also the provisioner of its classes. */
export const LOCAL_DRIVER = 'local.sampan.dev'

export interface VolumeWish {
  readonly sizeBytes: number
  readonly kind: 'image' | 'directory'
  readonly block: boolean
  readonly fsType?: string
  readonly source?: { readonly volume: string } | { readonly snapshot: string }
  readonly owner: { readonly namespace: string; readonly name: string; readonly uid: string }
}
export interface NodeVolume {
  readonly id: string
  readonly sizeBytes: number
  readonly kind: 'image' | 'directory'
  readonly fsType?: string
  readonly kept: boolean
  readonly owner: VolumeWish['owner']
}
export interface NodeSnapshot {
  readonly id: string
  readonly volume: string
  readonly sizeBytes: number
  readonly madeAtMs: number
}
export interface NodeStock {
  readonly freeBytes: number
  readonly volumes: readonly NodeVolume[]
  readonly snapshots: readonly NodeSnapshot[]
}

/** What an agent does about the volumes on its node's disk. Every call may be made again; refusals are `StatusError`s of the node. */
export interface NodeStorage {
  stock(scope: Scope, node: string): Promise<NodeStock>
  makeVolume(scope: Scope, node: string, id: string, wish: VolumeWish): Promise<NodeVolume>
  keepVolume(scope: Scope, node: string, id: string): Promise<void>
  expandVolume(scope: Scope, node: string, id: string, sizeBytes: number): Promise<NodeVolume>
  /** Nothing happens when there is none. */
  deleteVolume(scope: Scope, node: string, id: string): Promise<void>
  takeSnapshot(scope: Scope, node: string, id: string, volume: string): Promise<NodeSnapshot>
  deleteSnapshot(scope: Scope, node: string, id: string): Promise<void>
}

export const lacksRoom = (error: unknown): boolean => hasReason(error, 'InsufficientStorage')
export const isInUse = (error: unknown): boolean => hasReason(error, 'Conflict')
/** The node has understood, and will say the same each time. */
export const isFinal = (error: unknown): boolean => error instanceof StatusError && error.httpStatus >= 400 && error.httpStatus < 500

/** A copy of a large volume takes its time; whoever asks again later finds it done. */
const ANSWER_MS = 60_000

/** Through the API server, which knows the way to each node and who may ask it. */
export function nodeStorage(client: Client): NodeStorage {
  async function ask<T>(scope: Scope, node: string, method: string, path: string, body?: object): Promise<T> {
    using limited = scope.child({ timeoutMs: ANSWER_MS })
    const answer = await client.raw(limited, {
      method,
      path: `/api/v1/nodes/${encodeURIComponent(node)}/proxy/storage${path}`,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    return JSON.parse(Buffer.from(answer.body).toString('utf8')) as T
  }
  return {
    stock: (scope, node) => ask(scope, node, 'GET', ''),
    makeVolume: (scope, node, id, wish) => ask(scope, node, 'PUT', `/volumes/${id}`, wish),
    keepVolume: (scope, node, id) => ask(scope, node, 'POST', `/volumes/${id}/keep`, {}),
    expandVolume: (scope, node, id, sizeBytes) => ask(scope, node, 'POST', `/volumes/${id}/expand`, { sizeBytes }),
    deleteVolume: (scope, node, id) => ask(scope, node, 'DELETE', `/volumes/${id}`),
    takeSnapshot: (scope, node, id, volume) => ask(scope, node, 'PUT', `/snapshots/${id}`, { volume }),
    deleteSnapshot: (scope, node, id) => ask(scope, node, 'DELETE', `/snapshots/${id}`),
  }
}
