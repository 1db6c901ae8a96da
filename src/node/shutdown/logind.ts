import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type Scope, isCancelled, messageOf } from '#base'
import { runCommand } from '../host/command.ts'
import { findProgram } from '../host/machine/programs.ts'
import type { NodeShutdown } from './node-shutdown.ts'

const MANAGER = ['org.freedesktop.login1', '/org/freedesktop/login1', 'org.freedesktop.login1.Manager'] as const
const MATCH = "type='signal',interface='org.freedesktop.login1.Manager',member='PrepareForShutdown'"
const RETRY_MS = 5000

/** systemd's own programs: one holds a lock for as long as it runs, the other tells of signals on the system's bus. */
export interface LogindPrograms {
  readonly inhibit: string
  readonly busctl: string
}

/** Undefined where there is no systemd. */
export function findLogind(searchPath?: string): LogindPrograms | undefined {
  const [inhibit, busctl] = [findProgram('systemd-inhibit', searchPath), findProgram('busctl', searchPath)]
  return inhibit === undefined || busctl === undefined ? undefined : { inhibit, busctl }
}

/** Keeps the machine from going down before its pods have ended (as long as logind is willing to wait), until the scope ends. */
export async function followLogind(scope: Scope, { inhibit, busctl }: LogindPrograms, shutdown: NodeShutdown): Promise<void> {
  let lock: ChildProcess | undefined
  const release = (): void => {
    lock?.kill('SIGTERM')
    lock = undefined
  }
  const hold = (): void => {
    const args = [
      '--what=shutdown',
      '--mode=delay',
      '--who=kubelet',
      '--why=Kubelet needs time to handle node shutdown',
      'sleep',
      'infinity',
    ]
    lock ??= spawn(inhibit, args, { stdio: 'ignore' })
    lock.on('error', (error) => scope.log.warn('logind does not wait for this node', { error: messageOf(error) }))
  }
  scope.signal.addEventListener('abort', release, { once: true })
  await warnWhenShort(scope, busctl, shutdown.totalSeconds)
  while (!scope.signal.aborted) {
    try {
      hold()
      for await (const isGoingDown of signals(scope, busctl)) {
        if (isGoingDown) {
          await shutdown.begin(scope)
          release()
        } else {
          shutdown.takeBack()
          hold()
        }
      }
    } catch (error) {
      if (isCancelled(error)) return
      scope.log.warn('the signals of logind are not heard', { error: messageOf(error) })
    }
    await scope.sleep(RETRY_MS).catch(() => undefined)
  }
}

/** What `PrepareForShutdown` says, each time. Ends when the program does. */
async function* signals(scope: Scope, busctl: string): AsyncIterable<boolean> {
  const child = spawn(busctl, ['--system', '--json=short', `--match=${MATCH}`, 'monitor'], {
    signal: scope.signal,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  failed.catch(() => undefined)
  for await (const line of createInterface({ input: child.stdout })) {
    const message = parsed(line)
    if (message?.member === 'PrepareForShutdown' && typeof message.payload?.data?.[0] === 'boolean') yield message.payload.data[0]
  }
  if (child.exitCode === null && child.signalCode === null)
    await Promise.race([failed, new Promise((resolve) => child.once('close', resolve))])
}

interface BusMessage {
  readonly member?: unknown
  readonly payload?: { readonly data?: readonly unknown[] }
}
function parsed(line: string): BusMessage | undefined {
  try {
    return JSON.parse(line) as BusMessage
  } catch {
    // Its first lines are for people.
    return undefined
  }
}

/** logind lets go after its own time, whatever is held. */
async function warnWhenShort(scope: Scope, busctl: string, wantedSeconds: number): Promise<void> {
  try {
    const answer = await runCommand(scope, busctl, ['get-property', ...MANAGER, 'InhibitDelayMaxUSec'])
    const seconds = Number(answer.trim().split(' ')[1]) / 1e6
    if (seconds < wantedSeconds)
      scope.log.warn('logind waits less for this node than its pods may need: see InhibitDelayMaxSec in logind.conf', {
        seconds,
        wantedSeconds,
      })
  } catch (error) {
    scope.check()
    scope.log.warn('logind does not say how long it waits', { error: messageOf(error) })
  }
}
