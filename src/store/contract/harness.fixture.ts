import assert from 'node:assert/strict'
import { type Scope, afterThisTurn, rootScope, systemClock } from '#base'
import { type ManualClock, manualClock } from '#testing/basics'
import type { Engine, KeyValue, StoreEvent, Transaction, WatchQuery } from '../engine.ts'

/** A place where an engine keeps its data during one test. */
export interface EngineHome {
  /** Opens the store, which is empty the first time. */
  open(scope: Scope): Promise<Engine>
  /** Removes what the test has left, the engines closed. */
  remove(): Promise<void>
}

export interface EngineKind {
  readonly name: string
  /** Whether a store opened again has what it had. */
  readonly durable: boolean
  /** Whether the data is in a process of its own: it has its own clock, and keeps the order of transactions key by key only. */
  readonly remote?: boolean
  home(): EngineHome
}

/** What one test works with. */
export interface Bench {
  readonly engine: Engine
  readonly scope: Scope
  readonly clock: ManualClock
  /** Closes the store and opens it again. Only for durable engines. */
  reopen(): Promise<Engine>
}

/** Runs a test on a fresh store and cleans up after it. */
export async function withEngine(kind: EngineKind, run: (bench: Bench) => Promise<void>): Promise<void> {
  const home = kind.home()
  const clock = manualClock()
  const scope = rootScope({ clock })
  let engine = await home.open(scope)
  try {
    const reopen = async (): Promise<Engine> => {
      await engine.close()
      engine = await home.open(scope)
      return engine
    }
    await run({ engine, scope, clock, reopen })
  } finally {
    scope.cancel()
    await engine.close()
    await home.remove()
  }
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export function text(keyValue: KeyValue | undefined): string | undefined {
  return keyValue && new TextDecoder().decode(keyValue.value)
}

/** Writes one key; returns the revision. */
export async function put(engine: Engine, key: string, value = 'v', lease?: number): Promise<number> {
  const result = await engine.commit({
    operations: [{ kind: 'put', key, value: bytes(value), ...(lease === undefined ? {} : { lease }) }],
  })
  assert.ok(result.succeeded)
  return result.revision
}

export async function remove(engine: Engine, key: string): Promise<number> {
  const result = await engine.commit({ operations: [{ kind: 'delete', key }] })
  assert.ok(result.succeeded)
  return result.revision
}

export function putting(...keys: readonly string[]): Transaction {
  return { operations: keys.map((key) => ({ kind: 'put', key, value: bytes(`value of ${key}`) })) }
}

/** Everything a watch has been told, in order. */
export interface Recording {
  readonly batches: { readonly revision: number; readonly events: readonly StoreEvent[] }[]
  readonly progress: number[]
  readonly ends: Error[]
  /** `revision:kind:key` of each event. */
  readonly lines: () => string[]
}

export function record(engine: Engine, scope: Scope, query: WatchQuery, onEvents?: () => void): Recording {
  const recording: Recording = {
    batches: [],
    progress: [],
    ends: [],
    lines: () => recording.batches.flatMap(({ revision, events }) => events.map((event) => `${revision}:${event.kind}:${event.key}`)),
  }
  engine.watch(scope, query, {
    onEvents: (events, revision) => {
      recording.batches.push({ revision, events })
      onEvents?.()
    },
    onProgress: (revision) => recording.progress.push(revision),
    onEnd: (error) => recording.ends.push(error),
  })
  return recording
}

const QUICK_TURNS = 2_000
const PATIENCE_MS = 5_000

/** Waits, turn by turn of the event loop, for something that must happen; a while longer for what another process has to do. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const started = performance.now()
  for (let turn = 0; performance.now() - started < PATIENCE_MS; turn++) {
    if (holds()) return
    await new Promise<void>((resolve) => (turn < QUICK_TURNS ? afterThisTurn(resolve) : systemClock.after(1, resolve)))
  }
  assert.fail(`has not happened: ${what}`)
}

/** A call that throws at once or rejects, as a rejection. */
export async function attempt<T>(call: () => T | Promise<T>): Promise<T> {
  return await call()
}
