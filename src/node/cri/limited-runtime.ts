import type { Scope } from '#base'
import type { ContainerRuntime } from './runtime.ts'

/** A start or a clearing away that takes longer than this waits for something else than the processor, and makes room for others. */
const PATIENCE_MS = 2000
/** A stop signal has been sent by then, if the machine is not busy beyond all measure; how long it takes to be obeyed is nobody's concern. */
const SIGNAL_MS = 250

type InTurn = <T>(own: Scope, work: () => Promise<T>) => Promise<T>

/**
 * The runtime with at most `slots` starts at a time, as many clearings away, and four times as many stop signals. Many at once only fight over processors and kernel
 * locks: all of them are slow, and together they take longer than in turn. Containers start before sandboxes, so that what has begun is finished first; nothing
 * that is stopped waits for what is started.
 */
export function limitedRuntime(scope: Scope, runtime: ContainerRuntime, slots: number): ContainerRuntime {
  const [containers, sandboxes] = gate(scope, slots, PATIENCE_MS)
  const [clearings] = gate(scope, slots, PATIENCE_MS)
  const [signals] = gate(scope, slots * 4, SIGNAL_MS)
  return {
    ...runtime,
    runPodSandbox: (own, spec) => sandboxes(own, () => runtime.runPodSandbox(own, spec)),
    startContainer: (own, id) => containers(own, () => runtime.startContainer(own, id)),
    stopContainer: (own, id, graceSeconds) => signals(own, () => runtime.stopContainer(own, id, graceSeconds)),
    stopPodSandbox: (own, id) => clearings(own, () => runtime.stopPodSandbox(own, id)),
    removeContainer: (own, id) => clearings(own, () => runtime.removeContainer(own, id)),
    removePodSandbox: (own, id) => clearings(own, () => runtime.removePodSandbox(own, id)),
  }
}

/** Two lines before the same slots; those of the first go first. Who takes longer than `patienceMs` goes on without its slot. */
function gate(scope: Scope, slots: number, patienceMs: number): readonly [InTurn, InTurn] {
  let free = slots
  const first: (() => void)[] = []
  const second: (() => void)[] = []

  async function inTurn<T>(own: Scope, line: (() => void)[], work: () => Promise<T>): Promise<T> {
    if (free > 0) free--
    else await new Promise<void>((resolve) => line.push(resolve))
    let held = true
    const release = (): void => {
      if (!held) return
      held = false
      const next = first.shift() ?? second.shift()
      if (next === undefined) free++
      else next()
    }
    const timer = scope.clock.after(patienceMs, release, { background: true })
    try {
      own.check()
      return await work()
    } finally {
      timer.cancel()
      release()
    }
  }
  return [(own, work) => inTurn(own, first, work), (own, work) => inTurn(own, second, work)]
}
