import type { core } from '#api'
import { type Check, containersText, containersThat, hasUserNamespace, isWindows, plural, quoted, settersText, sorted } from './words.ts'

export const allowPrivilegeEscalation: Check = ({ spec }) => {
  const names = containersThat(spec, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
  if (names.length === 0) return undefined
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${containersText(names)} must set securityContext.allowPrivilegeEscalation=false`,
  }
}

export const capabilities: Check = ({ spec }) => {
  const added = new Set<string>()
  const keeping = containersThat(spec, ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'))
  const adding = containersThat(spec, ({ securityContext }) => {
    const bad = (securityContext?.capabilities?.add ?? []).filter((capability) => capability !== 'NET_BIND_SERVICE')
    for (const capability of bad) added.add(capability)
    return bad.length > 0
  })
  const parts = [
    ...(keeping.length === 0 ? [] : [`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`]),
    ...(adding.length === 0
      ? []
      : [`${containersText(adding)} must not include ${quoted(sorted(added))} in securityContext.capabilities.add`]),
  ]
  return parts.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: parts.join('; ') }
}

const VOLUME_TYPES: ReadonlySet<string> = new Set([
  'configMap',
  'downwardAPI',
  'emptyDir',
  'projected',
  'secret',
  'csi',
  'persistentVolumeClaim',
  'ephemeral',
  'image',
])

export const volumeTypes: Check = ({ spec }) => {
  const types = new Set<string>()
  const names: string[] = []
  for (const volume of spec.volumes ?? []) {
    const bad = Object.entries(volume).filter(([field, value]) => field !== 'name' && value !== undefined && !VOLUME_TYPES.has(field))
    if (bad.length === 0) continue
    names.push(volume.name)
    for (const [field] of bad) types.add(field)
  }
  if (names.length === 0) return undefined
  const who = `${plural('volume', 'volumes', names.length)} ${quoted(names)} ${plural('uses', 'use', names.length)}`
  return {
    reason: 'restricted volume types',
    detail: `${who} ${plural('restricted volume type', 'restricted volume types', types.size)} ${quoted(sorted(types))}`,
  }
}

/** Who says false is named first; only when nobody does, those that are left without an answer. */
export const runAsNonRoot: Check = ({ spec }) => {
  const { runAsNonRoot: podValue } = spec.securityContext ?? {}
  const bad = containersThat(spec, ({ securityContext }) => securityContext?.runAsNonRoot === false)
  const open = containersThat(spec, ({ securityContext }) => securityContext?.runAsNonRoot === undefined && podValue !== true)
  const reason = 'runAsNonRoot != true'
  // The pod's own false hurts nobody when each container says true, but stays a trap for the next one.
  if (podValue === false || bad.length > 0)
    return { reason, detail: `${settersText(podValue === false, bad)} must not set securityContext.runAsNonRoot=false` }
  return open.length === 0 ? undefined : { reason, detail: `pod or ${containersText(open)} must set securityContext.runAsNonRoot=true` }
}

export const runAsUser: Check = ({ spec }) => {
  const setters = settersText(
    spec.securityContext?.runAsUser === 0,
    containersThat(spec, ({ securityContext }) => securityContext?.runAsUser === 0),
  )
  return setters === '' ? undefined : { reason: 'runAsUser=0', detail: `${setters} must not set runAsUser=0` }
}

const isGoodProfile = (profile: core.SeccompProfile | undefined): boolean =>
  profile?.type === 'RuntimeDefault' || profile?.type === 'Localhost'

export const seccomp: Check = ({ spec }) => {
  const own = spec.securityContext?.seccompProfile
  const types = new Set<string>()
  const isBad = (profile: core.SeccompProfile | undefined): boolean => {
    if (profile === undefined || isGoodProfile(profile)) return false
    types.add(profile.type)
    return true
  }
  const pod = isBad(own)
  const bad = containersThat(spec, ({ securityContext }) => isBad(securityContext?.seccompProfile))
  const reason = 'seccompProfile'
  if (types.size > 0)
    return { reason, detail: `${settersText(pod, bad)} must not set securityContext.seccompProfile.type to ${quoted(sorted(types))}` }
  const open = containersThat(spec, ({ securityContext }) => securityContext?.seccompProfile === undefined && own === undefined)
  if (open.length === 0) return undefined
  return {
    reason,
    detail: `pod or ${containersText(open)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  }
}

/** Fields that mean nothing on Windows are not asked of its pods. */
export const notOnWindows =
  (check: Check): Check =>
  (pod) =>
    isWindows(pod) ? undefined : check(pod)
export const notInUserNamespace =
  (check: Check): Check =>
  (pod) =>
    hasUserNamespace(pod) ? undefined : check(pod)
