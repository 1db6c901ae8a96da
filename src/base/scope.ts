import { type Clock, systemClock } from './clock.ts'
import { DeadlineExceeded, Cancelled } from './errors.ts'
import { type LogFields, type Logger, silentLogger } from './log.ts'
import { type Random, systemRandom } from './random.ts'
import { NOT_TRACED, type Traced } from './trace/traced.ts'

/**
 * The first parameter of everything that waits or acts: when to stop, what time it is, where to log, and what it is a part of.
 * A child is cancelled with its parent; cancelling a child leaves the parent alone.
 */
export interface Scope extends Traced {
  /** Aborted when the work is to stop. Its reason is a `Cancelled` or `DeadlineExceeded`. */
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  child(options?: ChildOptions): CancellableScope
  /** The same clock and log without this scope's cancellation: for clean-up that must finish. */
  detached(): Scope
  /** Resolves after `delayMs`; rejects with the signal's reason when cancelled first. */
  sleep(delayMs: number): Promise<void>
  /** Throws the signal's reason when cancelled. */
  check(): void
}

export interface CancellableScope extends Scope, Disposable {
  cancel(reason?: Error): void
}

export interface ChildOptions {
  readonly timeoutMs?: number
  /** A second source of cancellation, for example the peer's connection. */
  readonly signal?: AbortSignal
  readonly log?: LogFields
  /** What the child is a part of. Default: what its parent is a part of. */
  readonly trace?: Traced
}

export interface RootOptions {
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Logger
  readonly signal?: AbortSignal
}

export function rootScope(options: RootOptions = {}): CancellableScope {
  return makeScope(options.signal, options.clock ?? systemClock, options.random ?? systemRandom, options.log ?? silentLogger)
}

function makeScope(
  parent: AbortSignal | undefined,
  clock: Clock,
  random: Random,
  log: Logger,
  options: ChildOptions = {},
  within: Traced = NOT_TRACED,
): CancellableScope {
  const controller = new AbortController()
  const { signal } = controller
  const sources = [parent, options.signal].filter((source) => source !== undefined)
  const release: (() => void)[] = []
  for (const source of sources) {
    if (source.aborted) controller.abort(source.reason)
    const forward = (): void => controller.abort(source.reason)
    source.addEventListener('abort', forward, { once: true })
    release.push(() => source.removeEventListener('abort', forward))
  }
  if (options.timeoutMs !== undefined) {
    const { timeoutMs } = options
    const timer = clock.after(timeoutMs, () => controller.abort(new DeadlineExceeded(timeoutMs)), { background: true })
    release.push(() => timer.cancel())
  }
  signal.addEventListener('abort', () => release.forEach((undo) => undo()), { once: true })

  const trace = options.trace ?? within
  const scope: CancellableScope = {
    signal,
    get span() {
      return trace.span
    },
    traceHeaders: () => trace.traceHeaders(),
    clock,
    random,
    log: options.log === undefined ? log : log.with(options.log),
    child: (childOptions) => makeScope(signal, clock, random, scope.log, childOptions, trace),
    detached: () => makeScope(undefined, clock, random, scope.log, {}, trace),
    sleep: (delayMs) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        const timer = clock.after(delayMs, () => {
          signal.removeEventListener('abort', stop)
          resolve()
        })
        const stop = (): void => {
          timer.cancel()
          reject(signal.reason)
        }
        signal.addEventListener('abort', stop, { once: true })
      }),
    check: () => signal.throwIfAborted(),
    cancel: (reason) => controller.abort(reason ?? new Cancelled()),
    [Symbol.dispose]: () => controller.abort(new Cancelled()),
  }
  return scope
}
