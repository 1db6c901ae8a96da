import type { core } from '#api'
import { type Dict, childDict } from '#compose'
import { listOf, numberOf, secondsOf, textsOf } from '../reader.ts'

/** Compose's defaults for what a health check leaves out. */
const DEFAULT_SECONDS = 30
const DEFAULT_RETRIES = 3

/** A health check as a readiness probe: what is unhealthy gets no requests. Restarting it is not what Compose does either. */
export function readinessOf(service: Dict): core.Probe | undefined {
  const check = childDict(service, 'healthcheck')
  const [how, ...command] = textsOf(check['test'])
  if (check['disable'] === true || how === undefined || how === 'NONE' || listOf(check['test']).length < 2) return undefined
  return {
    exec: { command: how === 'CMD-SHELL' ? ['/bin/sh', '-c', ...command] : [...command] },
    periodSeconds: secondsOf(check['interval']) ?? DEFAULT_SECONDS,
    timeoutSeconds: secondsOf(check['timeout']) ?? DEFAULT_SECONDS,
    failureThreshold: numberOf(check['retries']) ?? DEFAULT_RETRIES,
  }
}

/** While a container starts, failures do not count and checks come more often. */
export function startupOf(service: Dict, readiness: core.Probe | undefined): core.Probe | undefined {
  const check = childDict(service, 'healthcheck')
  const start = secondsOf(check['start_period'])
  if (readiness?.exec === undefined || start === undefined) return undefined
  const period = secondsOf(check['start_interval']) ?? 5
  const { failureThreshold = DEFAULT_RETRIES, periodSeconds = DEFAULT_SECONDS, timeoutSeconds = DEFAULT_SECONDS } = readiness
  return {
    exec: readiness.exec,
    periodSeconds: period,
    timeoutSeconds,
    failureThreshold: Math.ceil((start + failureThreshold * periodSeconds) / period),
  }
}
