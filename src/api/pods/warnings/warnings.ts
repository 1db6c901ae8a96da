import { deepEqual } from '../../meta/deep.ts'
import type { ObjectMeta } from '../../meta/object.ts'
import { OncePerPart, isShared } from '../../meta/shared-parts.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { ipFormWarnings } from '../../validation/form-warnings.ts'
import { dnsLabelErrors } from '../../validation/names.ts'
import { OLD_APPARMOR, appArmorProfile } from '../app-armor.ts'
import { APPARMOR_CONTAINER, SECCOMP_CONTAINER, SECCOMP_POD } from '../validate/annotations.ts'
import { type AnyContainer, visitContainers } from '../visit.ts'
import { containerWarnings } from './container-warnings.ts'
import { portWarnings } from './port-warnings.ts'
import { labelDeprecation, schedulingWarnings } from './scheduling-warnings.ts'
import { volumeWarnings } from './volume-warnings.ts'

/** What is accepted and will surprise whoever wrote it. All take the path of what they look at as text, and add to `warnings`. */

export function podWarnings(pod: core.Pod, old: core.Pod | undefined): string[] {
  const warnings: string[] = []
  // Pods are rarely changed by people, and often by programs.
  if (old !== undefined) return warnings
  const wrongName = dnsLabelErrors(pod.metadata?.name ?? '')
  if (wrongName.length > 0) {
    warnings.push(
      `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${wrongName.join(' ')}]`,
    )
  }
  if (pod.spec !== undefined && !(hasNone.of(pod.spec) && !isTold(pod.metadata?.annotations)))
    specWarnings(pod.spec, pod.metadata, '', warnings)
  return warnings
}

/** Whether there is nothing to be said about a spec, whatever pod it is in. */
const hasNone = new OncePerPart<core.PodSpec, boolean>((spec) => {
  if (!isShared(spec)) return false
  const warnings: string[] = []
  specWarnings(spec, undefined, '', warnings)
  return warnings.length === 0
})

/** Whether annotations may have to be spoken about. */
function isTold(annotations: Readonly<Record<string, string>> | undefined): boolean {
  for (const name in annotations) if (name.includes('alpha.kubernetes.io/') || name.includes('beta.kubernetes.io/')) return true
  return false
}

/** `path` is that of the template, such as `spec.template`. */
export function podTemplateWarnings(template: core.PodTemplateSpec | undefined, path: { toString(): string }): string[] {
  const warnings: string[] = []
  if (template?.spec !== undefined) specWarnings(template.spec, template.metadata, `${path}.`, warnings)
  return warnings
}

const OLD_ANNOTATIONS: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
}
const OLD_SECCOMP = 'non-functional in v1.27+; use the "seccompProfile" field instead'

function specWarnings(spec: core.PodSpec, meta: ObjectMeta | undefined, prefix: string, warnings: string[]): void {
  const annotations = meta?.annotations
  for (const key of Object.keys(spec.nodeSelector ?? {})) {
    const why = labelDeprecation(key)
    if (why !== undefined) warnings.push(`${prefix}spec.nodeSelector[${key}]: ${why}`)
  }
  schedulingWarnings(spec, `${prefix}spec`, warnings)
  if (annotations !== undefined) {
    for (const [key, why] of Object.entries(OLD_ANNOTATIONS))
      if (annotations[key] !== undefined) warnings.push(`${prefix}metadata.annotations[${key}]: ${why}`)
  }
  if (spec.volumes !== undefined) volumeWarnings(spec.volumes, `${prefix}spec.volumes`, warnings)
  listWarnings(spec, `${prefix}spec`, warnings)
  if (annotations?.[SECCOMP_POD] !== undefined && spec.securityContext?.seccompProfile === undefined) {
    warnings.push(`${prefix}metadata.annotations[${SECCOMP_POD}]: ${OLD_SECCOMP}`)
  }
  const isTemplate = prefix !== ''
  visitContainers(spec, (container, kind, i) => {
    if (annotations !== undefined) annotationWarnings(container, annotations, spec.securityContext?.appArmorProfile, prefix, warnings)
    containerWarnings(container, `${prefix}spec.${LIST[kind]}[${i}]`, warnings)
  })
  portWarnings(spec, `${prefix}spec`, warnings)
  if (isTemplate && (spec.terminationGracePeriodSeconds ?? 0) < 0) {
    warnings.push(`${prefix}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`)
  }
  spec.dnsConfig?.nameservers?.forEach((server, i) => ipFormWarnings(server, `${prefix}spec.dnsConfig.nameservers[${i}]`, warnings))
  spec.hostAliases?.forEach(({ ip = '' }, i) => ipFormWarnings(ip, `${prefix}spec.hostAliases[${i}].ip`, warnings))
}

const LIST = { init: 'initContainers', regular: 'containers', ephemeral: 'ephemeralContainers' } as const

function annotationWarnings(
  container: AnyContainer,
  annotations: Readonly<Record<string, string>>,
  profile: core.AppArmorProfile | undefined,
  prefix: string,
  warnings: string[],
): void {
  const isTemplate = prefix !== ''
  const [seccomp, appArmor] = [SECCOMP_CONTAINER + container.name, APPARMOR_CONTAINER + container.name]
  if (annotations[seccomp] !== undefined && container.securityContext?.seccompProfile === undefined)
    warnings.push(`${prefix}metadata.annotations[${seccomp}]: ${OLD_SECCOMP}`)
  const annotation = annotations[appArmor]
  // Pods are warned of before their annotations become fields.
  if (!isTemplate || annotation === undefined || container.securityContext?.appArmorProfile !== undefined) return
  if (profile === undefined || !deepEqual(profile, appArmorProfile(annotation)))
    warnings.push(`${prefix}metadata.annotations[${appArmor}]: ${OLD_APPARMOR}`)
}

function listWarnings(spec: core.PodSpec, path: string, warnings: string[]): void {
  const seen = new Set<string>()
  spec.hostAliases?.forEach(({ ip = '' }, i) => {
    if (seen.has(ip)) warnings.push(`${path}.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(ip)}`)
    seen.add(ip)
  })
  seen.clear()
  spec.imagePullSecrets?.forEach(({ name = '' }, i) => {
    if (seen.has(name)) warnings.push(`${path}.imagePullSecrets[${i}].name: duplicate name ${JSON.stringify(name)}`)
    seen.add(name)
  })
  spec.imagePullSecrets?.forEach(({ name = '' }, i) => {
    if (name === '') warnings.push(`${path}.imagePullSecrets[${i}].name: invalid empty name ""`)
  })
}
