import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { validateRelativePath } from '../../validation/values.ts'
import { MIRROR_POD_ANNOTATION, allContainers } from '../visit.ts'

export const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod'
export const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/'
export const APPARMOR_CONTAINER = 'container.apparmor.security.beta.kubernetes.io/'
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
const LOCALHOST = 'localhost/'
const INT32 = /^-?(0|[1-9]\d*)$/
const LARGEST_COST = 2 ** 31

/** Annotations that mean something for the pod itself. */
export function validatePodAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  spec: core.PodSpec | undefined,
  path: Path,
  errors: FieldErrors,
): void {
  if (annotations === undefined) return
  const mirror = annotations[MIRROR_POD_ANNOTATION]
  if (mirror !== undefined && (spec?.nodeName ?? '') === '') {
    errors.push(fieldError.invalid(path.key(MIRROR_POD_ANNOTATION), mirror, 'must set spec.nodeName if mirror pod annotation is set'))
  }
  const cost = annotations[DELETION_COST]
  if (cost !== undefined && !(INT32.test(cost) && Number(cost) < LARGEST_COST && Number(cost) >= -LARGEST_COST)) {
    errors.push(fieldError.invalid(path.key(DELETION_COST), cost, 'must be a 32bit integer'))
  }
  const profiles = Object.entries(annotations).filter(([key]) => key.includes('security.'))
  if (profiles.length === 0) return
  for (const [key, profile] of profiles)
    if (key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER)) validateSeccompProfile(profile, path.child(key), errors)
  for (const [key, profile] of profiles)
    if (key.startsWith(APPARMOR_CONTAINER)) validateAppArmorProfile(key, profile, spec, path.key(key), errors)
}

function validateSeccompProfile(profile: string, path: Path, errors: FieldErrors): void {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(profile)) return
  if (profile.startsWith(LOCALHOST)) validateRelativePath(profile.slice(LOCALHOST.length), path, errors)
  else errors.push(fieldError.invalid(path, profile, 'must be a valid seccomp profile'))
}

function validateAppArmorProfile(key: string, profile: string, spec: core.PodSpec | undefined, path: Path, errors: FieldErrors): void {
  const container = key.slice(APPARMOR_CONTAINER.length)
  if (!allContainers(spec).some(({ name }) => name === container)) errors.push(fieldError.invalid(path, container, 'container not found'))
  if (!['', 'runtime/default', 'unconfined'].includes(profile) && !profile.startsWith(LOCALHOST)) {
    errors.push(fieldError.invalid(path, profile, `invalid AppArmor profile name: ${JSON.stringify(profile)}`))
  }
}
