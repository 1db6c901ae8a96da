import type { Scope } from '#base'
import { statusError } from '#api'
import type { PodManager } from '../pods/pod-manager.ts'
import { findContainer } from '../pods/pod-facts.ts'
import { podStatus } from '../pods/status/pod-status.ts'
import { planPod } from '../pods/plan/plan-pod.ts'
import { type LogOptions, readLog } from './log-file.ts'
import { type ContainerAt, findWorker } from './streams.ts'

/** A container's log as the API shows it. Throws `StatusError` before anything is sent. */
export function containerLog(
  scope: Scope,
  pods: Pick<PodManager, 'byName'>,
  at: ContainerAt,
  query: URLSearchParams,
): AsyncIterable<Uint8Array> {
  const worker = findWorker(pods, at)
  if (findContainer(worker.pod, at.container) === undefined)
    throw statusError.badRequest(`container ${at.container} is not valid for pod ${at.name}`)
  const runs = worker.state.containers.filter(({ name }) => name === at.container)
  const previous = query.get('previous') === 'true'
  const run = previous
    ? runs.filter(({ state }) => state === 'exited').find((one) => one.id !== runs[0]?.id || isWaiting(worker, at.container))
    : runs[0]
  if (run === undefined || run.logPath === '') {
    if (previous) throw statusError.badRequest(`previous terminated container "${at.container}" in pod "${at.name}" not found`)
    throw statusError.badRequest(
      `container "${at.container}" in pod "${at.name}" is waiting to start: ${waitingReason(worker, at.container) ?? 'no logs available yet'}`,
    )
  }
  const ended = (): boolean => worker.state.containers.find(({ id }) => id === run.id)?.state !== 'running'
  return readLog(scope, run.logPath, logOptions(query, scope.clock.now()), ended)
}

type Worker = ReturnType<typeof findWorker>
function waitingReason(worker: Worker, name: string): string | undefined {
  const snapshot = worker.snapshot()
  const status = podStatus(snapshot, planPod(snapshot), { ips: [], recursiveReadOnlyMounts: false })
  const found = [
    ...(status.containerStatuses ?? []),
    ...(status.initContainerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ].find((one) => one.name === name)
  return found?.state?.waiting?.reason
}
const isWaiting = (worker: Worker, name: string): boolean => waitingReason(worker, name) !== undefined

/** Reads the query of a log request; throws 400 for what is not a number. */
export function logOptions(query: URLSearchParams, now: number): LogOptions {
  const number = (name: string): number | undefined => {
    const text = query.get(name)
    if (text === null || text === '') return undefined
    if (!/^\d+$/.test(text)) throw statusError.badRequest(`${name}: not a number: ${JSON.stringify(text)}`)
    return Number(text)
  }
  const flag = (name: string): boolean => ['true', '1', ''].includes(query.get(name) ?? 'false')
  const seconds = number('sinceSeconds')
  const time = query.get('sinceTime')
  const sinceMs = seconds !== undefined ? now - seconds * 1000 : time === null || time === '' ? undefined : Date.parse(time)
  if (sinceMs !== undefined && Number.isNaN(sinceMs)) throw statusError.badRequest(`sinceTime: not a time: ${JSON.stringify(time)}`)
  const stream = query.get('stream') ?? 'All'
  if (stream !== 'All' && stream !== 'Stdout' && stream !== 'Stderr')
    throw statusError.badRequest(`stream: must be All, Stdout or Stderr: ${JSON.stringify(stream)}`)
  return {
    tailLines: number('tailLines'),
    sinceMs,
    timestamps: flag('timestamps'),
    limitBytes: number('limitBytes'),
    follow: flag('follow'),
    stream,
  }
}
