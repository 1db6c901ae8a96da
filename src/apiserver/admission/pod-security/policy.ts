import { type FieldErrors, Path, fieldError } from '#api'

/** The three levels of the Pod Security Standards, from open to closed. */
export const LEVELS = ['privileged', 'baseline', 'restricted'] as const
export type Level = (typeof LEVELS)[number]

/** A level as of one version of the standards: the minor version of Kubernetes, or the newest. */
export interface LevelVersion {
  readonly level: Level
  readonly minor: number
}
export const LATEST = Number.POSITIVE_INFINITY

export const MODES = ['enforce', 'audit', 'warn'] as const
export type Mode = (typeof MODES)[number]
export type NamespacePolicy = Readonly<Record<Mode, LevelVersion>>

export const PREFIX = 'pod-security.kubernetes.io/'
type Labels = Readonly<Record<string, string>> | undefined

export const textOf = ({ level, minor }: LevelVersion): string => `${level}:${minor === LATEST ? 'latest' : `v1.${minor}`}`
export const isStricter = (one: Level, other: Level): boolean => LEVELS.indexOf(one) > LEVELS.indexOf(other)

/** What a namespace's labels ask for. An unknown level to enforce means the closed one; to audit or warn, none. */
export function policyOf(labels: Labels, errors: FieldErrors = []): NamespacePolicy {
  const enforce = modeOf(labels, 'enforce', 'restricted', errors)
  const audit = modeOf(labels, 'audit', 'privileged', errors)
  const warn = modeOf(labels, 'warn', 'privileged', errors)
  // Who sets only what is enforced hears of it for workloads too, whose pods are made by others.
  const orEnforced = (mode: Mode, own: LevelVersion): LevelVersion =>
    labels?.[PREFIX + mode] === undefined && isStricter(enforce.level, own.level) ? enforce : own
  return { enforce, audit: orEnforced('audit', audit), warn: orEnforced('warn', warn) }
}

function modeOf(labels: Labels, mode: Mode, fallback: Level, errors: FieldErrors): LevelVersion {
  const at = (label: string): Path => Path.of('metadata', 'labels').key(label)
  const level = labels?.[PREFIX + mode]
  const isLevel = (text: string): text is Level => (LEVELS as readonly string[]).includes(text)
  if (level !== undefined && !isLevel(level))
    errors.push(fieldError.invalid(at(PREFIX + mode), level, `must be one of ${LEVELS.join(', ')}`))
  const versionLabel = `${PREFIX}${mode}-version`
  const version = labels?.[versionLabel]
  const minor = version === undefined ? LATEST : minorOf(version)
  if (minor === undefined) errors.push(fieldError.invalid(at(versionLabel), version, 'must be "latest" or "v1.x"'))
  return { level: level === undefined ? 'privileged' : isLevel(level) ? level : fallback, minor: minor ?? LATEST }
}

function minorOf(version: string): number | undefined {
  if (version === 'latest') return LATEST
  const match = /^v1\.(0|[1-9][0-9]{0,3})$/.exec(version)
  return match?.[1] === undefined ? undefined : Number(match[1])
}
