import { type Scope, isCancelled, messageOf } from '#base'
import type { core } from '#api'
import type { ContainerRuntime } from '../cri/runtime.ts'
import type { ProbeResult, ProbeResults } from '../pods/plan/snapshot.ts'
import type { PodEvents, PodProbes, ProbeTarget } from '../pods/services.ts'
import type { ProbeOutcome } from './outcome.ts'
import type { ProbeTally } from './probe-tally.ts'
import { probeOnce } from './probe-once.ts'

const KINDS = ['startup', 'readiness', 'liveness'] as const
type Kind = (typeof KINDS)[number]
const TITLES = { startup: 'Startup', readiness: 'Readiness', liveness: 'Liveness' } as const
/** A probe that ends with `unknown` is tried at once, this often. */
const TRIES = 3

/** One loop per probe of a container: after the initial delay, every period, from when the container started. */
export function podProbes(scope: Scope, runtime: ContainerRuntime, events: PodEvents, tally: ProbeTally): PodProbes {
  const running = new Map<string, Disposable>()

  async function follow(
    own: Scope,
    kind: Kind,
    target: ProbeTarget,
    probe: core.Probe,
    started: Promise<void>,
    note: (kind: Kind, result: ProbeResult) => void,
  ): Promise<void> {
    await started
    const periodMs = (probe.periodSeconds ?? 10) * 1000
    const dueMs = target.startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000 - own.clock.now()
    // After a restart of the agent the probes of all containers are spread over their period.
    const delayMs = target.adopted ? Math.max(dueMs, own.random.float() * periodMs) : dueMs
    if (delayMs > 0) await own.sleep(delayMs)
    let last: ProbeOutcome['result'] | undefined
    let run = 0
    for (;;) {
      const askedMs = own.clock.monotonic()
      const outcome = await outcomeOf(own, target, probe)
      own.check()
      if (outcome.result !== 'unknown') {
        const seconds = (own.clock.monotonic() - askedMs) / 1000
        tally.note(target.containerId, target.pod, target.container.name, TITLES[kind], outcome.result, seconds)
      }
      if (outcome.result === 'failure')
        events.record(target.pod, 'Warning', 'Unhealthy', `${TITLES[kind]} probe failed: ${outcome.output}`, target.container.name)
      if (outcome.result === 'unknown') {
        events.record(
          target.pod,
          'Warning',
          'Unhealthy',
          `${TITLES[kind]} probe errored and resulted in unknown state: ${outcome.output}`,
          target.container.name,
        )
      } else {
        run = outcome.result === last ? run + 1 : 1
        last = outcome.result
        const threshold = outcome.result === 'success' ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
        if (run >= threshold) note(kind, outcome.result)
        if (kind === 'startup' && run >= threshold) return
      }
      await own.sleep(periodMs)
    }
  }

  async function outcomeOf(own: Scope, target: ProbeTarget, probe: core.Probe): Promise<ProbeOutcome> {
    let outcome: ProbeOutcome = { result: 'unknown', output: '' }
    for (let tries = 0; tries < TRIES && outcome.result === 'unknown'; tries++) outcome = await probeOnce(own, runtime, target, probe)
    return outcome
  }

  return {
    start(target, changed) {
      if (running.has(target.containerId)) return
      const own = scope.child()
      running.set(target.containerId, own)
      const probes = {
        startup: target.container.startupProbe,
        readiness: target.container.readinessProbe,
        liveness: target.container.livenessProbe,
      }
      let results: ProbeResults = target.initial
      const passed = Promise.withResolvers<void>()
      if (probes.startup === undefined || results.startup === 'success') passed.resolve()
      const note = (kind: Kind, result: ProbeResult): void => {
        if (kind === 'startup' && result === 'success') passed.resolve()
        if (results[kind] === result) return
        results = { ...results, [kind]: result }
        changed(results)
      }
      for (const kind of KINDS) {
        const probe = probes[kind]
        if (probe === undefined || (kind === 'startup' && results.startup === 'success')) continue
        follow(own, kind, target, probe, kind === 'startup' ? Promise.resolve() : passed.promise, note).catch((error: unknown) => {
          if (!isCancelled(error)) scope.log.error('a probe loop failed', { error: messageOf(error), container: target.container.name })
        })
      }
    },
    stop(containerId) {
      running.get(containerId)?.[Symbol.dispose]()
      running.delete(containerId)
      tally.forget(containerId)
    },
  }
}
