import type { Scope } from '#base'
import { RuntimeError } from '../cri/runtime.ts'
import { openChannel } from '../cri/grpc/channel.ts'
import { methodsOf } from '../cri/grpc/descriptors.ts'
import type { ProbeOutcome } from './outcome.ts'

/** grpc.health.v1. */
const TABLE = {
  HealthCheckRequest: { service: [1, 'string'] },
  HealthCheckResponse: { status: [1, 'ServingStatus'] },
  ServingStatus: { enum: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } },
  Health: { service: { Check: ['HealthCheckRequest', 'HealthCheckResponse', ''] } },
} as const
/** Made once: this module is loaded when the first probe needs it. */
const CHECK = methodsOf('grpc.health.v1', TABLE).get('Health/Check')

export async function grpcHealth(scope: Scope, host: string, port: number, service: string, timeoutMs: number): Promise<ProbeOutcome> {
  using limited = scope.child()
  const channel = openChannel({ host, port })
  try {
    const { status } = (await channel.unary(limited, CHECK, { service }, { timeoutMs })) as { status: number }
    if (status === TABLE.ServingStatus.enum.SERVING) return { result: 'success', output: 'service healthy' }
    const name = Object.entries(TABLE.ServingStatus.enum).find(([, number]) => number === status)?.[0] ?? String(status)
    return { result: 'failure', output: `service unhealthy (responded with "${name}")` }
  } catch (error) {
    scope.check()
    if (!(error instanceof RuntimeError)) throw error
    if (error.failure === 'unimplemented')
      return {
        result: 'failure',
        output: `this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.message}`,
      }
    if (error.failure === 'deadline')
      return { result: 'failure', output: `health rpc did not complete within ${timeoutMs / 1000}s: ${error.message}` }
    if (error.failure === 'unavailable')
      return {
        result: 'failure',
        output: `timeout: failed to connect service "${host}:${port}" within ${timeoutMs / 1000}s: ${error.message}`,
      }
    return { result: 'failure', output: `rpc failed: ${error.message}` }
  } finally {
    channel.close()
  }
}
