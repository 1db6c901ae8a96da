import type { Scope } from '#base'
import type { ContainerRuntime } from './runtime.ts'

/** A start that takes longer than this waits for something else than the processor, and makes room for others. */
const PATIENCE_MS = 2000

/**
 * The runtime with at most `slots` starts at a time. Many at once only fight over processors and kernel locks: all of them are slow, and
 * together they take longer than in turn. Containers go before sandboxes, so that what has begun is finished first; stops never wait.
 */
export function limitedRuntime(scope: Scope, runtime: ContainerRuntime, slots: number): ContainerRuntime {
  let free = slots
  const containers: (() => void)[] = []
  const sandboxes: (() => void)[] = []

  async function inTurn<T>(own: Scope, line: (() => void)[], work: () => Promise<T>): Promise<T> {
    if (free > 0) free--
    else await new Promise<void>((resolve) => line.push(resolve))
    let held = true
    const release = (): void => {
      if (!held) return
      held = false
      const next = containers.shift() ?? sandboxes.shift()
      if (next === undefined) free++
      else next()
    }
    const timer = scope.clock.after(PATIENCE_MS, release, { background: true })
    try {
      own.check()
      return await work()
    } finally {
      timer.cancel()
      release()
    }
  }

  return {
    ...runtime,
    runPodSandbox: (own, spec) => inTurn(own, sandboxes, () => runtime.runPodSandbox(own, spec)),
    startContainer: (own, id) => inTurn(own, containers, () => runtime.startContainer(own, id)),
  }
}
