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
/** After the first turn of a container that has just been started; doubled each time. */
const FIRST_LOOK_MS = 40

/**
 * One loop per probe of a container: after the initial delay, every period, from when the container started. Until a container has first started up or got
 * ready it is looked at between the turns too, as Kubernetes allows for readiness; that can only make it ready sooner.
 */
export function podProbes(scope: Scope, runtime: ContainerRuntime, events: PodEvents, tally: ProbeTally): PodProbes {
  /** `living`: what is looked at only until the container is ended. */
  const running = new Map<string, { readonly own: Disposable; readonly living: Disposable }>()

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
    let hasPassed = false
    const take = (result: 'success' | 'failure', seconds: number): void => {
      tally.note(target.containerId, target.pod, target.container.name, TITLES[kind], result, seconds)
      run = result === last ? run + 1 : 1
      last = result
      const threshold = result === 'success' ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
      if (run < threshold) return
      hasPassed ||= result === 'success'
      note(kind, result)
    }
    const isOver = (): boolean => kind === 'startup' && (hasPassed || (last === 'failure' && run >= (probe.failureThreshold ?? 3)))
    for (;;) {
      const askedMs = own.clock.monotonic()
      const { result, output, isWarning = false } = await outcomeOf(own, target, probe)
      own.check()
      if (result !== 'unknown') take(result, (own.clock.monotonic() - askedMs) / 1000)
      if (isWarning) events.record(target.pod, 'Warning', 'ProbeWarning', `${TITLES[kind]} probe warning: ${output}`, target.container.name)
      if (result !== 'success') {
        const what = result === 'failure' ? 'failed' : 'errored and resulted in unknown state'
        events.record(target.pod, 'Warning', 'Unhealthy', `${TITLES[kind]} probe ${what}: ${output}`, target.container.name)
      }
      if (isOver()) return
      const nextMs = own.clock.monotonic() + periodMs
      // An application is up some time after its start: whoever waits for it does not wait for the next turn. A process for each look would cost too much.
      if (!hasPassed && kind !== 'liveness' && probe.exec === undefined) await lookEarly(own, target, probe, nextMs, take, () => hasPassed)
      if (isOver()) return
      await own.sleep(Math.max(0, nextMs - own.clock.monotonic()))
    }
  }

  /** Out of turn, less and less often, until the turn comes: only a success counts, and failures are not told. */
  async function lookEarly(
    own: Scope,
    target: ProbeTarget,
    probe: core.Probe,
    turnMs: number,
    take: (result: 'success', seconds: number) => void,
    isEnough: () => boolean,
  ): Promise<void> {
    for (let pauseMs = FIRST_LOOK_MS; !isEnough(); pauseMs *= 2) {
      if (own.clock.monotonic() + pauseMs >= turnMs) return
      await own.sleep(pauseMs)
      const askedMs = own.clock.monotonic()
      const { result } = await probeOnce(own, runtime, target, probe)
      own.check()
      if (result === 'success') take(result, (own.clock.monotonic() - askedMs) / 1000)
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
      const living = own.child()
      running.set(target.containerId, { own, living })
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
        follow(
          kind === 'readiness' ? own : living,
          kind,
          target,
          probe,
          kind === 'startup' ? Promise.resolve() : passed.promise,
          note,
        ).catch((error: unknown) => {
          if (!isCancelled(error)) scope.log.error('a probe loop failed', { error: messageOf(error), container: target.container.name })
        })
      }
    },
    ending(containerId) {
      running.get(containerId)?.living[Symbol.dispose]()
    },
    stop(containerId) {
      running.get(containerId)?.own[Symbol.dispose]()
      running.delete(containerId)
      tally.forget(containerId)
    },
  }
}
