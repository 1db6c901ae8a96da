import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Scope, UserError } from '#base'

/**
 * Components in the background, without an init system: each under a small supervisor, with a pid file in `run/` and a log in `logs/`
 * of the state folder. A pid counts only while the process is the one that was started: pids are used again.
 */
export interface BackgroundProcess {
  readonly name: string
  /** Of the component itself, not of its supervisor. */
  readonly pid: number
}

const SUPERVISOR = join(import.meta.dirname, 'supervise.sh')
/** In the environment of every process started here; its value is the pid file. */
const MARK = 'SAMPAN_PIDFILE'
/** One heap of C for all threads: glibc gives each its own, and what one has freed another cannot use. Larger buffers are left to its own judgement. */
export const ONE_HEAP = { MALLOC_ARENA_MAX: '1' } as const
const LARGEST_LOG_BYTES = 32 * 1024 * 1024
const STOP_CHECK_MS = 20
const STARTED_WITHIN_MS = 5000

export const logFile = (stateDir: string, name: string): string => join(stateDir, 'logs', `${name}.log`)
const pidFile = (stateDir: string, name: string): string => join(stateDir, 'run', `${name}.pid`)

/** The component that runs under this name, if it does. */
export function running(stateDir: string, name: string): BackgroundProcess | undefined {
  const pid = livePid(`${pidFile(stateDir, name)}.child`)
  return pid === undefined ? undefined : { name, pid }
}

/** Someone is there who keeps the component running. False once it has ended for good. */
export const isSupervised = (stateDir: string, name: string): boolean => livePid(pidFile(stateDir, name)) !== undefined

/** Starts a component unless it runs already. Resolves once the process exists; being ready is something else. */
export async function startInBackground(
  scope: Scope,
  stateDir: string,
  name: string,
  command: readonly string[],
): Promise<{ readonly started: boolean }> {
  if (livePid(pidFile(stateDir, name)) !== undefined) return { started: false }
  for (const folder of ['run', 'logs']) mkdirSync(join(stateDir, folder), { recursive: true, mode: 0o700 })
  const log = openLog(logFile(stateDir, name))
  const child = spawn('/bin/sh', [SUPERVISOR, pidFile(stateDir, name), ...command], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: { ...process.env, ...ONE_HEAP, [MARK]: pidFile(stateDir, name) },
  })
  closeSync(log)
  child.unref()
  const deadline = scope.clock.monotonic() + STARTED_WITHIN_MS
  while (running(stateDir, name) === undefined) {
    if (scope.clock.monotonic() > deadline) throw new UserError(`${name} did not start`, lastLines(stateDir, name))
    await scope.sleep(STOP_CHECK_MS)
  }
  return { started: true }
}

/** Stops a component and its supervisor; kills what has not stopped within `graceMs`. Resolves when both are gone; false when none ran. */
export async function stopInBackground(scope: Scope, stateDir: string, name: string, graceMs: number): Promise<boolean> {
  const file = pidFile(stateDir, name)
  const pids = [livePid(file), livePid(`${file}.child`)].filter((pid) => pid !== undefined)
  if (pids.length === 0) return false
  const [supervisor] = pids
  if (supervisor !== undefined) signal(supervisor, 'SIGTERM')
  const alive = (): readonly number[] => pids.filter(isAlive)
  const deadline = scope.clock.monotonic() + graceMs
  while (alive().length > 0 && scope.clock.monotonic() < deadline) await scope.sleep(STOP_CHECK_MS)
  for (const pid of alive()) signal(pid, 'SIGKILL')
  while (alive().length > 0) await scope.sleep(STOP_CHECK_MS)
  return true
}

/** The end of a component's log, for an error message. */
export function lastLines(stateDir: string, name: string, count = 8): string {
  const file = logFile(stateDir, name)
  if (!existsSync(file)) return `${file} does not exist`
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count)
  return `last lines of ${file}:\n${lines.map((line) => `  ${line}`).join('\n')}`
}

function openLog(file: string): number {
  if (existsSync(file) && statSync(file).size > LARGEST_LOG_BYTES) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}

/** A pid from a file, when the process with that pid is the one we started: it carries the file's path in its environment. */
function livePid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim())
    if (!Number.isInteger(pid) || pid <= 1) return undefined
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    return environment.includes(`${MARK}=${file.replace(/\.child$/, '')}`) ? pid : undefined
  } catch {
    return undefined
  }
}

/** One that has ended but was not yet waited for by its parent counts as gone. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX] /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name)
    return true
  } catch {
    return false
  }
}
