import { rootScope } from '#base'
import { formatTable } from '#cli'
import { diagnose } from '../doctor/diagnose.ts'
import type { Finding, FindingState } from '../doctor/finding.ts'
import { lookAround } from '../doctor/look.ts'
import { readInstance } from '../instance/instance.ts'
import { stateDirOf } from '../instance/locate.ts'
import type { DoctorFlags } from '../program/flags.ts'

/** `sampan doctor`: what the machine lacks, and what each lack switches off. The exit code is 1 when no cluster can come up. */
export async function runDoctor(flags: DoctorFlags): Promise<void> {
  using scope = rootScope()
  const stateDir = stateDirOf(flags)
  const instance = readInstance(stateDir)
  const containerdDir = flags.containerd ?? instance?.containerdDir
  const findings = diagnose(
    await lookAround(scope, { stateDir, instance, containerdDir, isIsolated: flags.isolated || flags.name !== 'default' }),
  )
  const isFit = findings.every(({ state }) => state !== 'blocks')
  console.log(flags.output === 'json' ? JSON.stringify({ fit: isFit, findings }, undefined, 2) : textOf(findings))
  if (!isFit) process.exitCode = 1
}

const WORDS: Readonly<Record<FindingState, string>> = {
  ok: 'fine',
  limits: 'lacking',
  installs: 'to come',
  blocks: 'MISSING',
  unknown: 'unknown',
}
const GROUPS: readonly (readonly [FindingState, string])[] = [
  ['blocks', 'What keeps a cluster from coming up:'],
  ['installs', 'What sampan up brings:'],
  ['limits', 'What does not work here:'],
  ['unknown', 'What could not be found out:'],
]

function textOf(findings: readonly Finding[]): string {
  const rows = findings.map(({ what, state, found }) => [what, WORDS[state], found])
  const groups = GROUPS.flatMap(([state, heading]) => {
    const these = findings.filter((finding) => finding.state === state)
    return these.length === 0 ? [] : [[heading, ...these.map(line)].join('\n')]
  })
  return [formatTable(['WHAT', 'STATE', 'FOUND'], rows), ...(groups.length === 0 ? ['Nothing is missing.'] : groups)].join('\n\n')
}

const line = ({ what, means = '', remedy }: Finding): string => `  - ${what}: ${means}${remedy === undefined ? '' : ` (${remedy})`}`
