import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** In the environment of all that a suite starts, whatever group or session it moves to. */
export const RUN_MARK = 'SAMPAN_TEST_RUN'
const RESET_WITHIN_MS = 60_000
/** Who is killed may have been about to start somebody. */
const MOST_ROUNDS = 10

interface Program {
  readonly pid: number
  readonly command: string
  /** Of the cluster that it is a part of, or makes. */
  readonly stateDir: string | undefined
}

/** Kills what a run of tests has left behind; of clusters all that is theirs on the machine is removed. Says what there was. */
export function endLeftovers(root: string, run: string): readonly string[] {
  const found = programsOf(run)
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const left = programsOf(run)
    if (left.length === 0) break
    for (const { pid } of left) kill(pid)
  }
  for (const stateDir of new Set(found.flatMap((program) => program.stateDir ?? []))) {
    const name = nameOf(stateDir)
    if (name === undefined) continue
    spawnSync(join(root, 'sampan'), ['reset', '--name', name, '--state-dir', stateDir], { timeout: RESET_WITHIN_MS, stdio: 'ignore' })
  }
  return found.map(({ pid, command }) => `${pid} ${command}`)
}

function programsOf(run: string): readonly Program[] {
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === process.pid) return []
    if (!partsOf(entry, 'environ').includes(`${RUN_MARK}=${run}`)) return []
    const words = partsOf(entry, 'cmdline')
    const at = words.indexOf('--state-dir')
    return [{ pid, command: words.join(' ').trim().slice(0, 200), stateDir: at === -1 ? undefined : words[at + 1] }]
  })
}

/** Nothing for a process that has gone meanwhile, or has ended and only waits to be asked about. */
function partsOf(pid: string, file: 'environ' | 'cmdline'): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0')
  } catch {
    return []
  }
}

function nameOf(stateDir: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(join(stateDir, 'instance.json'), 'utf8')) as { readonly name?: string }).name
  } catch {
    return undefined
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
