import type { KubeObject, ResourceRef } from '#api'
import type { Client } from '#client'
import type { Scope } from '#base'

/**
 * Level-triggered work. A key goes in, the world moves one step towards what is wanted, a result comes out. There is no event in
 * this type, so nothing can depend on having seen one: lost, repeated and reordered notifications change nothing but the delay.
 */
export type Reconcile = (scope: Scope, key: string) => Promise<Result>

/**
 * `done` forgets the key's failures; `after` runs it again once `delayMs` has passed (and forgets failures), `last` when no other key waits for a worker, and
 * once `mostMs` have passed at the latest. A throw is a failure:
 * run again after the back-off. A thrown `Terminal` is logged and not tried again until something changes.
 */
export type Result =
  | { readonly kind: 'done' }
  | { readonly kind: 'after'; readonly delayMs: number }
  | { readonly kind: 'last'; readonly mostMs: number }
export const done: Result = { kind: 'done' }
export const after = (delayMs: number): Result => ({ kind: 'after', delayMs })

/**
 * A shared, read-only view of one resource, fed by list and watch. Objects are never changed by readers. What is seen may
 * be older than the server's state but only moves forwards, per object.
 */
export interface Informer<T extends KubeObject> {
  readonly ref: ResourceRef<T>
  /** True once the first list is in. */
  readonly synced: boolean
  /** The newest resourceVersion that this view contains; empty before the first list. */
  readonly version: string
  waitForSync(scope: Scope): Promise<void>
  /** By `namespace/name`, or `name`. */
  get(key: string): T | undefined
  list(namespace?: string): readonly T[]
  /** Objects that the index function gave this value for. The index must have been added before the start. All who share the informer share its indexes: a name that has another meaning already is refused. */
  byIndex(index: string, value: string): readonly T[]
  addIndex(index: string, valuesOf: (object: T) => readonly string[]): void
  /** Synchronous, and may only note or enqueue. Called for what is there already, too. `old` is undefined when the object is new, `now` when it is gone. */
  onChange(notice: (change: Change<T>) => void): void
}

export interface Change<T> {
  readonly key: string
  readonly old: T | undefined
  readonly now: T | undefined
}

/** Makes one informer per resource (and selection), shared by all who ask. */
export interface Informers {
  informer<T extends KubeObject>(ref: ResourceRef<T>, selection?: Selection): Informer<T>
  /** The informer of a whole resource that somebody has asked for already. */
  known<T extends KubeObject>(ref: ResourceRef<T>): Informer<T> | undefined
  /** Starts what has been asked for so far and was not started; resolves when all are synced. Informers asked for later start with the next call. */
  start(scope: Scope): Promise<void>
}

export interface Selection {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

/** What a controller folder exports: a name, and a function that declares its watches and returns the reconcile function. */
export interface ControllerDefinition {
  readonly name: string
  /** The component that stands in the controller's Events. Default: `name`. */
  readonly eventSource?: string
  /** Keys reconciled side by side; one key never runs twice at once. Default 4. */
  readonly workers?: number
  setup(context: ControllerContext): Reconcile
}

export interface ControllerContext {
  /** Ends when the controller is to stop. For work beside reconcile (reflectors of its own). */
  readonly scope: Scope
  readonly client: Client
  readonly informers: Informers
  readonly events: EventRecorder
  /** Runs reconcile for the keys that `keysOf` gives for each change of the resource. */
  watch<T extends KubeObject>(ref: ResourceRef<T>, keysOf: (change: Change<T>) => readonly string[]): Informer<T>
  /** Runs reconcile for a key now, or after a delay. */
  enqueue(key: string, delayMs?: number): void
  /** Whether keys wait because all workers are busy. */
  othersWait(): boolean
}

/** Writes Kubernetes Events, joining repeats. Never throws and never waits. */
export interface EventRecorder {
  event(
    regarding: KubeObject,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    /** `fieldPath`: the part of the object that it is about, such as `spec.containers{web}`. */
    options?: { readonly action?: string; readonly related?: KubeObject; readonly fieldPath?: string },
  ): void
}
