import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, ftruncateSync, openSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { type Scope, UserError, readFileIfThere } from '#base'
import type { Places } from './places.ts'
import { ask } from './runtime-api.ts'

const CHECK_MS = 10
const END_CHECK_MS = 50
/** Longer than a machine needs that others keep busy: who gives up too early ends the gateway. */
const STARTED_WITHIN_MS = 60_000
const ENDS_WITHIN_MS = 5000
const LAST_LINES = 6
/** In the kernel's list of sockets. */
const LISTENING = '0A'
const ANY = '0.0.0.0'

/**
 * Starts HAProxy over the files that are there, and resolves when it serves. Those that run over the same files hand their sockets over to it,
 * finish what they have, and end. Rejects with `UserError` when it does not start; the others then go on.
 */
export async function startHaproxy(scope: Scope, places: Places, netns: string | undefined): Promise<ChildProcess> {
  scope.check()
  const before = processesOf(places)
  // Written at its end, wherever that is: it is cut off when it has grown.
  const log = openSync(places.log, 'a', 0o600)
  ftruncateSync(log)
  // One that has been told to end may still be there without sockets to hand over, after the one that had them was killed.
  const isServing = before.length > 0 && (await pidOf(scope, places)) !== undefined
  const takeOver = [...(isServing ? ['-x', places.socket] : []), ...(before.length > 0 ? ['-sf', ...before.map(String)] : [])]
  const [program = '', ...args] = [
    ...(netns === undefined ? [] : ['nsenter', `--net=${netns}`]),
    'haproxy',
    '-db',
    '-f',
    places.configuration,
    ...takeOver,
  ]
  // In a session of its own: it serves on when this process is killed.
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log], cwd: '/' })
  closeSync(log)
  let ended = false
  let why = ''
  child.on('error', (error) => {
    ended = true
    why = error.message
  })
  child.on('exit', () => (ended = true))
  child.unref()
  const deadline = scope.clock.monotonic() + STARTED_WITHIN_MS
  for (;;) {
    if (ended) throw new UserError(`HAProxy did not start${why === '' ? '' : `: ${why}`}`, lastLines(places.log))
    if ((await pidOf(scope, places)) === child.pid) return child
    if (scope.clock.monotonic() > deadline) {
      child.kill('SIGKILL')
      throw new UserError('HAProxy did not answer in time', lastLines(places.log))
    }
    await scope.sleep(CHECK_MS)
  }
}

async function pidOf(scope: Scope, places: Places): Promise<number | undefined> {
  const info = await ask(scope, places.socket, 'show info\n').catch(() => '')
  scope.check()
  const pid = /^Pid: (\d+)$/m.exec(info)?.[1]
  return pid === undefined ? undefined : Number(pid)
}

/** All that run over these files, whoever started them: the file's name in the command line tells. */
export function processesOf({ configuration }: Places): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const [program = '', ...args] = commandLine(pid)
      return /(^|\/)haproxy$/.test(program) && args[args.indexOf('-f') + 1] === configuration
    })
}

/** Whether something else than these processes listens in their network, in the way of whoever would listen there. */
export function isTakenByOthers(pids: readonly number[]): (address: string, port: number) => boolean {
  const own = new Set(pids.flatMap(socketsOf))
  const others: { readonly host: string; readonly port: number }[] = []
  for (const file of ['tcp', 'tcp6'])
    for (const line of (readFileIfThere(`/proc/${pids[0] ?? 0}/net/${file}`) ?? '').split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
      const [host = '', port = ''] = local.split(':')
      if (state === LISTENING && !own.has(inode ?? '')) others.push({ host, port: parseInt(port, 16) })
    }
  return (address, port) =>
    others.some((one) => one.port === port && (address === ANY || /^0+$/.test(one.host) || one.host.endsWith(inKernelOrder(address))))
}

/** As the kernel numbers them. What is closed or ends meanwhile is none. */
function socketsOf(pid: number): readonly string[] {
  const unlessGone = <T>(read: () => T, otherwise: T): T => {
    try {
      return read()
    } catch {
      return otherwise
    }
  }
  const folder = `/proc/${pid}/fd`
  return unlessGone(() => readdirSync(folder), []).flatMap((name) => {
    const found = /^socket:\[(\d+)\]$/.exec(unlessGone(() => readlinkSync(`${folder}/${name}`), ''))?.[1]
    return found === undefined ? [] : [found]
  })
}

const inKernelOrder = (address: string): string =>
  address
    .split('.')
    .map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'))
    .reverse()
    .join('')

function commandLine(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

/** Lets all of them finish what they have, and ends those that do not in time. Resolves when none is left. */
export async function endHaproxy(scope: Scope, places: Places): Promise<void> {
  const tell = (signal: NodeJS.Signals): void => {
    for (const pid of processesOf(places)) {
      try {
        process.kill(pid, signal)
      } catch {
        // Gone meanwhile.
      }
    }
  }
  tell('SIGUSR1')
  const deadline = scope.clock.monotonic() + ENDS_WITHIN_MS
  while (processesOf(places).length > 0) {
    if (scope.clock.monotonic() > deadline) tell('SIGKILL')
    await scope.sleep(END_CHECK_MS)
  }
}

const lastLines = (file: string): string => (readFileIfThere(file) ?? '').trim().split('\n').slice(-LAST_LINES).join('\n')
