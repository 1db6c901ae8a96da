import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { SampanError, type Scope, isCancelled, messageOf } from '#base'
import type { ContainerRuntime } from '../cri/runtime.ts'
import type { HostLayout } from './layout.ts'
import type { Machine } from './machine/machine.ts'

export class ContainerdFailed extends SampanError {
  readonly code = 'CONTAINERD_FAILED'
}

const READY_WITHIN_MS = 20_000
const LOOK_AGAIN_MS = 5
const RESTART_DELAY_MS = 200
const STOP_WITHIN_MS = 10_000

/** Start time of a process in clock ticks since boot: with the id it names a process for good. Undefined when it is gone. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie does nothing any more; its first field is the state.
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return undefined
  }
}

/** The process id of this node's containerd, when it runs. */
export function runningContainerd(layout: HostLayout): number | undefined {
  try {
    const [pid, start] = readFileSync(layout.containerd.pidFile, 'utf8').trim().split(' ')
    return pid !== undefined && start !== undefined && processStart(Number(pid)) === start ? Number(pid) : undefined
  } catch {
    return undefined
  }
}

/** Starts containerd so that it outlives this process, or takes over the one that runs. Resolves when it answers. */
export async function ensureContainerd(
  scope: Scope,
  layout: HostLayout,
  machine: Machine,
  netns: string | undefined,
  runtime: ContainerRuntime,
): Promise<{ pid: number; adopted: boolean }> {
  let running = runningContainerd(layout)
  let pid = running ?? startContainerd(layout, machine, netns)
  const deadline = scope.clock.monotonic() + READY_WITHIN_MS
  for (;;) {
    try {
      await runtime.version(scope)
      return { pid, adopted: running !== undefined }
    } catch (error) {
      if (isCancelled(error)) throw error
      if (processStart(pid) === undefined) {
        if (running === undefined) throw new ContainerdFailed(`containerd ended while starting: ${lastLines(layout.containerd.log)}`)
        // The one that ran was on its way out.
        running = undefined
        pid = startContainerd(layout, machine, netns)
      }
      if (scope.clock.monotonic() > deadline)
        throw new ContainerdFailed(`containerd does not answer: ${messageOf(error)}: ${lastLines(layout.containerd.log)}`)
    }
    await scope.sleep(LOOK_AGAIN_MS)
  }
}

function startContainerd(layout: HostLayout, machine: Machine, netns: string | undefined): number {
  rmSync(layout.containerd.socket, { force: true })
  const log = openSync(layout.containerd.log, 'a', 0o600)
  const command = [machine.binaries.containerd, '--config', layout.containerd.config]
  // Not `ip netns exec`: that unshares the mount namespace and hides the cgroups.
  const [program = '', ...args] = netns === undefined ? command : [machine.binaries.nsenter, `--net=${netns}`, ...command]
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', log, log],
    // Half of the garbage that Go lets lie: 5 MB after a burst, for a twentieth of its work.
    env: { PATH: machine.path, GOGC: '50' },
  })
  closeSync(log)
  child.on('error', () => undefined)
  child.unref()
  const pid = child.pid
  const start = pid === undefined ? undefined : processStart(pid)
  if (pid === undefined || start === undefined) throw new ContainerdFailed(`containerd did not start: ${lastLines(layout.containerd.log)}`)
  writeFileSync(layout.containerd.pidFile, `${pid} ${start}\n`)
  return pid
}

/** Starts containerd again whenever it has gone, until the scope ends. Containers live on meanwhile and are found again. */
export async function superviseContainerd(
  scope: Scope,
  layout: HostLayout,
  machine: Machine,
  netns: string | undefined,
  runtime: ContainerRuntime,
): Promise<void> {
  while (!scope.signal.aborted) {
    await connectionClosed(scope, layout.containerd.socket)
    if (scope.signal.aborted) return
    if (runningContainerd(layout) !== undefined) {
      await scope.sleep(RESTART_DELAY_MS).catch(() => undefined)
      continue
    }
    scope.log.warn('containerd has gone; starting it again')
    try {
      await scope.sleep(RESTART_DELAY_MS)
      await ensureContainerd(scope, layout, machine, netns, runtime)
    } catch (error) {
      if (isCancelled(error)) return
      scope.log.error('containerd could not be started', { error })
      await scope.sleep(READY_WITHIN_MS).catch(() => undefined)
    }
  }
}

/** An idle connection ends when the server dies (or, after two minutes, because it is idle): no polling. */
function connectionClosed(scope: Scope, socketPath: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    const end = (): void => {
      socket.destroy()
      scope.signal.removeEventListener('abort', end)
      resolve()
    }
    socket.on('close', end).on('error', end).resume()
    scope.signal.addEventListener('abort', end, { once: true })
  })
}

/** Asks it to end, then makes it. Containers are not touched. */
export async function stopContainerd(scope: Scope, layout: HostLayout): Promise<void> {
  const pid = runningContainerd(layout)
  if (pid !== undefined) {
    const deadline = scope.clock.monotonic() + STOP_WITHIN_MS
    process.kill(pid, 'SIGTERM')
    while (runningContainerd(layout) !== undefined) {
      if (scope.clock.monotonic() > deadline) process.kill(pid, 'SIGKILL')
      await scope.sleep(LOOK_AGAIN_MS)
    }
  }
  rmSync(layout.containerd.pidFile, { force: true })
  rmSync(layout.containerd.socket, { force: true })
}

function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-3).join(' | ')
  } catch {
    return 'no log'
  }
}
