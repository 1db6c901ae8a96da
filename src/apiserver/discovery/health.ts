import type { HttpResponse, Scope } from '#base'
import { messageOf } from '#base'
import type { HealthMetrics } from '../observe/health-metrics.ts'
import { textAnswer } from '../respond/plain.ts'
import type { PathHandler } from '../router/handler.ts'

/** One thing that is asked for the server's health. Throws when it is not well. */
export interface HealthCheck {
  readonly name: string
  /** Where it counts; `ping` counts everywhere. */
  readonly on: readonly HealthPath[]
  check(scope: Scope): void | Promise<void>
}
export const HEALTH_PATHS = ['healthz', 'livez', 'readyz'] as const
export type HealthPath = (typeof HEALTH_PATHS)[number]

/** `/healthz`, `/livez`, `/readyz`, their single checks, `?verbose` and `?exclude=NAME`. */
export function healthPaths(checks: () => readonly HealthCheck[], metrics: HealthMetrics): PathHandler {
  return (context) => {
    const [, first, ...rest] = context.info.path.split('/')
    const path = HEALTH_PATHS.find((known) => known === first)
    if (path === undefined) return undefined
    const own = checks().filter((check) => check.on.includes(path))
    if (rest.length > 0) {
      const name = rest.join('/')
      const one = own.find((check) => check.name === name)
      return one === undefined ? undefined : runAlone(context.scope, one)
    }
    const { query } = context.info
    return run(context.scope, path, own, new Set(query.getAll('exclude')), query.has('verbose'), metrics)
  }
}

/** Who asks for one check by its name is told what is wrong. */
async function runAlone(scope: Scope, check: HealthCheck): Promise<HttpResponse> {
  try {
    await check.check(scope)
    return textAnswer(200, 'ok')
  } catch (error) {
    return textAnswer(500, `internal server error: ${messageOf(error)}\n`)
  }
}

async function run(
  scope: Scope,
  path: string,
  checks: readonly HealthCheck[],
  excluded: ReadonlySet<string>,
  verbose: boolean,
  metrics: HealthMetrics,
): Promise<HttpResponse> {
  const lines: string[] = []
  let failed = false
  for (const check of checks) {
    if (excluded.has(check.name)) {
      lines.push(`[+]${check.name} excluded: ok`)
      continue
    }
    try {
      await check.check(scope)
      metrics.checked(check.name, path, true)
      lines.push(`[+]${check.name} ok`)
    } catch (error) {
      failed = true
      metrics.checked(check.name, path, false)
      scope.log.warn('a health check failed', { check: check.name, error: messageOf(error) })
      lines.push(`[-]${check.name} failed: reason withheld`)
    }
  }
  const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name))
  if (unknown.length > 0)
    lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(', ')}`)
  if (failed) return textAnswer(500, `${lines.join('\n')}\n${path} check failed\n`)
  return textAnswer(200, verbose ? `${lines.join('\n')}\n${path} check passed\n` : 'ok')
}

/** The paths of these checks, for `/`. */
export function healthIndex(checks: readonly HealthCheck[]): string[] {
  return HEALTH_PATHS.flatMap((path) => [
    `/${path}`,
    ...checks.filter((check) => check.on.includes(path)).map(({ name }) => `/${path}/${name}`),
  ])
}
