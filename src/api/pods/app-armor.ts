import { deepEqual } from '../meta/deep.ts'
import type { FieldErrors } from '../meta/field-error.ts'
import { Path } from '../meta/path.ts'
import type * as core from '../types/core-v1.gen.ts'
import { APPARMOR_CONTAINER } from './validate/annotations.ts'
import { validateAppArmor } from './validate/containers/security.ts'
import { type AnyContainer, visitContainers } from './visit.ts'

/** Profiles of AppArmor that are given in the older way, by annotation of the pod. */

const LOCALHOST = 'localhost/'
export const OLD_APPARMOR = 'deprecated since v1.30; use the "appArmorProfile" field instead'

type Annotated = Pick<core.Pod, 'metadata' | 'spec'>

/** The annotations' profiles become those of the containers, as far as they say anything else than the pod does. */
export function setAppArmorProfiles(pod: core.Pod): void {
  visitAnnotated(pod, (container, profile) => {
    if (profile !== undefined && !deepEqual(profile, pod.spec?.securityContext?.appArmorProfile))
      container.securityContext = { ...container.securityContext, appArmorProfile: profile }
  })
}

/** About each annotation that says something by itself, or nothing that can be understood. */
export function appArmorWarnings(pod: core.Pod): string[] {
  const warnings: string[] = []
  visitAnnotated(pod, (container, profile) => {
    if (profile === undefined || !deepEqual(profile, pod.spec?.securityContext?.appArmorProfile))
      warnings.push(`metadata.annotations[${APPARMOR_CONTAINER}${container.name}]: ${OLD_APPARMOR}`)
  })
  return warnings
}

/** The containers that have an annotation and no profile of their own. The profile is undefined where the annotation is wrong. */
function visitAnnotated(pod: Annotated, visit: (container: AnyContainer, profile: core.AppArmorProfile | undefined) => void): void {
  const annotations = pod.metadata?.annotations
  if (annotations === undefined || pod.spec?.os?.name === 'windows') return
  visitContainers(pod.spec, (container) => {
    const annotation = annotations[APPARMOR_CONTAINER + container.name]
    if (annotation === undefined || container.securityContext?.appArmorProfile !== undefined) return
    const profile = appArmorProfile(annotation)
    const errors: FieldErrors = []
    validateAppArmor(profile, Path.of('profile'), errors)
    visit(container, errors.length > 0 ? undefined : profile)
  })
}

/** What an annotation says, as the field says it. */
export function appArmorProfile(annotation: string): core.AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' }
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' }
  return annotation.startsWith(LOCALHOST) ? { type: 'Localhost', localhostProfile: annotation.slice(LOCALHOST.length) } : undefined
}
