import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { MachineCluster } from '#testing'

/** Ends a process without a chance to say good-bye. That it is there is part of the test. */
export function kill(pid: number | undefined): void {
  assert.ok(pid !== undefined && pid > 1, 'there is such a process')
  process.kill(pid, 'SIGKILL')
}

/** The same of several, which may take each other with them. */
export function killAll(pids: readonly number[]): void {
  kill(pids[0])
  for (const pid of pids.slice(1))
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It went with the first one.
    }
}

/** Of the shell that starts a component again when it has ended. */
export const supervisorOf = ({ stateDir }: MachineCluster, component: string): number =>
  Number(readFileSync(join(stateDir, 'run', `${component}.pid`), 'utf8'))

/** Those whose command line has all the words. */
export const processesWith = (...words: readonly string[]): readonly number[] => processes('cmdline', words)

/** Those in the control group of a container. */
export const processesOfContainer = (id: string): readonly number[] => processes('cgroup', [id])

function processes(file: string, words: readonly string[]): readonly number[] {
  const found = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && words.every((word) => read(`/proc/${entry}/${file}`).includes(word)))
    .map(Number)
  assert.ok(found.length > 0, `a process has ${words.join(' ')} in its ${file}`)
  return found
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Of a process that has ended meanwhile.
    return ''
  }
}
