import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import { OncePerPart, isShared } from '../../meta/shared-parts.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { validatePodAnnotations } from './annotations.ts'
import { validateNoWhitespace } from './containers/ephemeral-containers.ts'
import type { PodValidationOptions } from './options.ts'
import { validatePodSpec } from './pod-spec.ts'
import { validateProfileAnnotations } from './profile-annotations.ts'

const SPEC = Path.of('spec')
const CONTAINERS = SPEC.child('containers')
const INIT_CONTAINERS = SPEC.child('initContainers')
const ANNOTATIONS = Path.of('metadata', 'annotations')
const IS_POD: PodValidationOptions = { isPod: true }

/** A pod that is to be created; its metadata is checked by the server. */
export function validateNewPod(pod: core.Pod, errors: FieldErrors): void {
  const { spec, metadata } = pod
  if (spec !== undefined && isShared(spec) && isValidInAll.of(spec))
    validatePodAnnotations(metadata?.annotations, spec, ANNOTATIONS, errors)
  else checkNewPod(pod, errors)
  if (spec !== undefined) validateProfileAnnotations(metadata?.annotations, spec, SPEC, errors)
}

/** Whether a spec is valid in every pod: there is nothing wrong with it, and nothing in it is named after its pod. */
const isValidInAll = new OncePerPart<core.PodSpec, boolean>((spec) => {
  if (spec.resourceClaims !== undefined || spec.volumes?.some(({ ephemeral }) => ephemeral !== undefined) === true) return false
  const errors: FieldErrors = []
  checkNewPod({ spec }, errors)
  return errors.length === 0
})

function checkNewPod(pod: core.Pod, errors: FieldErrors): void {
  validatePod(pod, errors)
  const { spec } = pod
  if (spec === undefined) return
  if ((spec.ephemeralContainers ?? []).length > 0)
    errors.push(fieldError.forbidden(SPEC.child('ephemeralContainers'), 'cannot be set on create'))
  if ((spec.nodeName ?? '') !== '' && (spec.schedulingGates ?? []).length > 0) {
    errors.push(fieldError.forbidden(SPEC.child('nodeName'), 'cannot be set until all schedulingGates have been cleared'))
  }
}

/** What always holds for a pod beyond what holds for a template. */
export function validatePod({ metadata, spec }: core.Pod, errors: FieldErrors, before?: core.PodSpec): void {
  validatePodAnnotations(metadata?.annotations, spec, ANNOTATIONS, errors)
  if (spec === undefined) {
    errors.push(fieldError.required(CONTAINERS))
    return
  }
  validatePodSpec(spec, metadata, SPEC, errors, before === undefined ? IS_POD : { ...IS_POD, before })
  if ((spec.serviceAccountName ?? '') === '') forbidTokens(spec, errors)
  for (const [i, { image }] of (spec.containers ?? []).entries()) validateNoWhitespace(image, CONTAINERS.index(i).child('image'), errors)
  for (const [i, { image }] of (spec.initContainers ?? []).entries())
    validateNoWhitespace(image, INIT_CONTAINERS.index(i).child('image'), errors)
}

function forbidTokens(spec: core.PodSpec, errors: FieldErrors): void {
  spec.volumes?.forEach(({ projected }, v) => {
    projected?.sources?.forEach(({ serviceAccountToken }, s) => {
      if (serviceAccountToken === undefined) return
      const at = SPEC.child('volumes').index(v).child('projected').child('sources').index(s).child('serviceAccountToken')
      errors.push(fieldError.forbidden(at, 'must not be specified when serviceAccountName is not set'))
    })
  })
}
