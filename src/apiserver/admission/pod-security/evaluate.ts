import * as baseline from './baseline.ts'
import { type Level, type LevelVersion, textOf } from './policy.ts'
import * as restricted from './restricted.ts'
import { type Check, type CheckedPod, type Violation } from './words.ts'

/** A check with its history: which form it had from which minor version on. Before the first it did not exist. */
interface VersionedCheck {
  readonly since: readonly (readonly [minor: number, check: Check | ((minor: number) => Check)])[]
  /** The restricted check that takes the place of this one, once that exists. */
  readonly replacedBy?: VersionedCheck
}

const volumeTypes: VersionedCheck = { since: [[0, restricted.volumeTypes]] }
const restrictedCapabilities: VersionedCheck = {
  since: [
    [22, restricted.capabilities],
    [25, restricted.notOnWindows(restricted.capabilities)],
  ],
}
const restrictedSeccomp: VersionedCheck = {
  since: [
    [19, restricted.seccomp],
    [25, restricted.notOnWindows(restricted.seccomp)],
  ],
}
const restrictedProcMount: VersionedCheck = { since: [[0, baseline.procMount]] }

/** In the order in which violations are told. */
const BASELINE: readonly VersionedCheck[] = [
  { since: [[0, baseline.appArmor]] },
  { since: [[0, baseline.capabilities]], replacedBy: restrictedCapabilities },
  { since: [[0, baseline.hostNamespaces]] },
  { since: [[0, baseline.hostPathVolumes]], replacedBy: volumeTypes },
  { since: [[0, baseline.hostPorts]] },
  { since: [[34, baseline.probeHosts]] },
  { since: [[0, baseline.privileged]] },
  {
    since: [
      [0, baseline.procMount],
      [35, baseline.procMountOutsideUserNamespace],
    ],
    replacedBy: restrictedProcMount,
  },
  {
    since: [
      [0, baseline.seLinuxOptions],
      [31, baseline.seLinuxOptionsWithEngine],
    ],
  },
  {
    since: [
      [0, baseline.seccompAnnotations],
      [19, baseline.seccomp],
    ],
    replacedBy: restrictedSeccomp,
  },
  { since: [[0, atMinor(baseline.sysctls)]] },
  { since: [[0, baseline.windowsHostProcess]] },
]
const RESTRICTED: readonly VersionedCheck[] = [
  {
    since: [
      [8, restricted.allowPrivilegeEscalation],
      [25, restricted.notOnWindows(restricted.allowPrivilegeEscalation)],
    ],
  },
  restrictedCapabilities,
  restrictedProcMount,
  volumeTypes,
  {
    since: [
      [0, restricted.runAsNonRoot],
      [35, restricted.notInUserNamespace(restricted.runAsNonRoot)],
    ],
  },
  {
    since: [
      [23, restricted.runAsUser],
      [35, restricted.notInUserNamespace(restricted.runAsUser)],
    ],
  },
  restrictedSeccomp,
]

/** Marks a check that looks at the version itself. */
interface AtMinor {
  (minor: number): Check
  readonly takesMinor: true
}
function atMinor(make: (minor: number) => Check): AtMinor {
  return Object.assign((minor: number) => make(minor), { takesMinor: true as const })
}
const takesMinor = (check: Check | ((minor: number) => Check)): check is AtMinor => 'takesMinor' in check

function formAt({ since }: VersionedCheck, minor: number): Check | undefined {
  const form = since.findLast(([from]) => minor >= from)?.[1]
  if (form === undefined) return undefined
  return takesMinor(form) ? form(minor) : (form as Check)
}

function checksOf(level: Level, minor: number): readonly Check[] {
  if (level === 'privileged') return []
  const isReplaced = ({ replacedBy }: VersionedCheck): boolean =>
    level === 'restricted' && replacedBy !== undefined && formAt(replacedBy, minor) !== undefined
  const all = [...BASELINE.filter((check) => !isReplaced(check)), ...(level === 'restricted' ? RESTRICTED : [])]
  return all.flatMap((check) => formAt(check, minor) ?? [])
}

/** Everything in which the pod is outside the level, in the standards' order. */
export function violations({ level, minor }: LevelVersion, pod: CheckedPod): readonly Violation[] {
  return checksOf(level, minor).flatMap((check) => check(pod) ?? [])
}

/** `PodSecurity "level:version": reason (detail), …`; undefined when the pod is inside. */
export function violationText(standard: LevelVersion, pod: CheckedPod): string | undefined {
  const found = violations(standard, pod)
  if (found.length === 0) return undefined
  return `PodSecurity ${JSON.stringify(textOf(standard))}: ${found.map(({ reason, detail }) => `${reason} (${detail})`).join(', ')}`
}
