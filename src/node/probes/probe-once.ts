import { connect } from 'node:net'
import { type Scope, messageOf } from '#base'
import type { core } from '#api'
import { type ContainerRuntime, RuntimeError } from '../cri/runtime.ts'
import type { ProbeTarget } from '../pods/services.ts'
import { goDuration } from '../pods/plan/backoff.ts'
import type { ProbeOutcome } from './outcome.ts'
import { dialError, httpGet, portOf } from './http-get.ts'

const MOST_OUTPUT = 10 * 1024

/** Carries out one probe. Throws only when the scope is cancelled. */
export async function probeOnce(scope: Scope, runtime: ContainerRuntime, target: ProbeTarget, probe: core.Probe): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
  try {
    if (probe.exec !== undefined) return await probeExec(scope, runtime, target, probe.exec.command ?? [], timeoutMs)
    if (probe.httpGet !== undefined) return await probeHttp(scope, target, probe.httpGet, timeoutMs)
    if (probe.tcpSocket !== undefined) return await probeTcp(scope, target, probe.tcpSocket, timeoutMs)
    if (probe.grpc !== undefined) {
      // Few pods have such a probe: nobody else pays for its descriptors.
      const { grpcHealth } = await import('./grpc-health.ts')
      return await grpcHealth(scope, target.podIp, probe.grpc.port, probe.grpc.service ?? '', timeoutMs)
    }
    return { result: 'unknown', output: `missing probe handler for ${target.container.name}` }
  } catch (error) {
    scope.check()
    return { result: 'unknown', output: messageOf(error) }
  }
}

async function probeExec(
  scope: Scope,
  runtime: ContainerRuntime,
  { containerId }: ProbeTarget,
  command: readonly string[],
  timeoutMs: number,
): Promise<ProbeOutcome> {
  try {
    const { exitCode, stdout, stderr } = await runtime.execSync(scope, containerId, command, timeoutMs)
    const output = Buffer.concat([stdout, stderr]).toString('utf8').slice(0, MOST_OUTPUT)
    return { result: exitCode === 0 ? 'success' : 'failure', output }
  } catch (error) {
    scope.check()
    if (error instanceof RuntimeError && error.failure === 'deadline')
      return {
        result: 'failure',
        output: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${goDuration(timeoutMs)}`,
      }
    return { result: 'unknown', output: messageOf(error) }
  }
}

async function probeHttp(
  scope: Scope,
  { container, podIp }: ProbeTarget,
  action: core.HTTPGetAction,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  try {
    const { status, body } = await httpGet(scope, container, podIp, action, timeoutMs)
    if (status >= 300 && status < 400)
      return { result: 'success', output: `Probe terminated redirects, Response body: ${body}`, isWarning: true }
    if (status >= 200 && status < 300) return { result: 'success', output: body }
    return { result: 'failure', output: `HTTP probe failed with statuscode: ${status}` }
  } catch (error) {
    scope.check()
    return { result: 'failure', output: messageOf(error) }
  }
}

function probeTcp(scope: Scope, { container, podIp }: ProbeTarget, action: core.TCPSocketAction, timeoutMs: number): Promise<ProbeOutcome> {
  const host = action.host === undefined || action.host === '' ? podIp : action.host
  const port = portOf(container, action.port)
  return new Promise((resolve, reject) => {
    const child = scope.child({ timeoutMs })
    const socket = connect({ host, port, signal: child.signal })
    const end = (outcome: ProbeOutcome): void => {
      socket.destroy()
      child.cancel()
      resolve(outcome)
    }
    socket.once('connect', () => end({ result: 'success', output: '' }))
    socket.once('error', (error) => {
      if (scope.signal.aborted) return reject(scope.signal.reason)
      end({ result: 'failure', output: dialError(error, `${host}:${port}`) ?? `dial tcp ${host}:${port}: i/o timeout` })
    })
  })
}
