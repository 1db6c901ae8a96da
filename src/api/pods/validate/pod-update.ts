import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import type * as core from '../../types/core-v1.gen.ts'
import { validateObjectMeta } from '../../validation/object-meta.ts'
import { validateInRange } from '../../validation/values.ts'
import { validateNoWhitespace } from './containers/ephemeral-containers.ts'
import { tightensNodeAffinity } from './scheduling/gated-pod.ts'
import { validatePod } from './pod.ts'
import { validateTolerations } from './scheduling/scheduling.ts'

const SPEC = Path.of('spec')
const METADATA = Path.of('metadata')
const LONGEST_DEADLINE = 2 ** 31 - 1
const MAY_CHANGE = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',')

/** A pod is what it was made; only a few fields of its spec may change. */
export function validatePodUpdate(pod: core.Pod, old: core.Pod, errors: FieldErrors): void {
  validateObjectMeta(pod.metadata ?? {}, { namespaced: true }, METADATA, errors)
  validatePod(pod, errors, old.spec)
  const [spec, before] = [pod.spec, old.spec]
  if (spec === undefined || before === undefined || spec === before) return
  if (!validateImages(spec.containers, before.containers, 'containers', errors)) return
  if (!validateImages(spec.initContainers, before.initContainers, 'initContainers', errors)) return
  if (!validateDeadline(spec.activeDeadlineSeconds, before.activeDeadlineSeconds, errors)) return
  validateAddedTolerations(spec.tolerations ?? [], before.tolerations ?? [], errors)
  validateRemovedGates(spec.schedulingGates ?? [], before.schedulingGates ?? [], errors)
  if (deepEqual(spec, before)) return
  const munged = withoutAllowedChanges(spec, before)
  if ((before.schedulingGates ?? []).length > 0) mungeGated(munged, before, errors)
  if (!sameSpec(munged, before))
    errors.push(fieldError.forbidden(SPEC, `pod updates may not change fields other than ${MAY_CHANGE}\n${difference(munged, before)}`))
}

/** False when nothing more can be said of the update. */
function validateImages(
  containers: readonly core.Container[] = [],
  before: readonly core.Container[] = [],
  list: 'containers' | 'initContainers',
  errors: FieldErrors,
): boolean {
  const path = SPEC.child(list)
  if (containers.length !== before.length) {
    errors.push(fieldError.forbidden(path, 'pod updates may not add or remove containers'))
    return false
  }
  containers.forEach(({ image = '' }, i) => {
    const at = path.index(i).child('image')
    if (image === '') errors.push(fieldError.required(at))
    validateNoWhitespace(image, at, errors)
  })
  return true
}

function validateDeadline(seconds: number | undefined, before: number | undefined, errors: FieldErrors): boolean {
  const path = SPEC.child('activeDeadlineSeconds')
  const count = errors.length
  if (seconds === undefined) {
    if (before !== undefined) errors.push(fieldError.invalid(path, null, 'must not update from a positive integer to nil value'))
    return true
  }
  validateInRange(seconds, 0, LONGEST_DEADLINE, path, errors)
  if (errors.length === count && before !== undefined && before < seconds)
    errors.push(fieldError.invalid(path, seconds, 'must be less than or equal to previous value'))
  return errors.length === count
}

function validateAddedTolerations(tolerations: readonly core.Toleration[], before: readonly core.Toleration[], errors: FieldErrors): void {
  const path = SPEC.child('tolerations')
  const isKept = (old: core.Toleration): boolean =>
    tolerations.some((toleration) => deepEqual({ ...old, tolerationSeconds: undefined }, { ...toleration, tolerationSeconds: undefined }))
  if (!before.every(isKept)) errors.push(fieldError.forbidden(path, 'existing toleration can not be modified except its tolerationSeconds'))
  else validateTolerations(tolerations, path, errors)
}

function validateRemovedGates(
  gates: readonly core.PodSchedulingGate[],
  before: readonly core.PodSchedulingGate[],
  errors: FieldErrors,
): void {
  gates.forEach(({ name }, i) => {
    if (before.some((old) => old.name === name)) return
    const at = SPEC.child('schedulingGates').index(i).child('name')
    errors.push(fieldError.forbidden(at, `only deletion is allowed, but found new scheduling gate '${name}'`))
  })
}

/** The spec as it would be without the changes that any pod may see. */
function withoutAllowedChanges(spec: core.PodSpec, before: core.PodSpec): core.PodSpec {
  const images = <C extends core.Container>(containers: readonly C[], old: readonly C[]): C[] =>
    containers.map((container, i) => ({ ...container, image: old[i]?.image }))
  const wasNegative = (before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1
  return {
    ...spec,
    containers: images(spec.containers, before.containers),
    initContainers: spec.initContainers === undefined ? undefined : images(spec.initContainers, before.initContainers ?? []),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    tolerations: before.tolerations,
    schedulingGates: before.schedulingGates,
    ...(wasNegative ? { terminationGracePeriodSeconds: before.terminationGracePeriodSeconds } : {}),
  }
}

/** A pod that may not be scheduled yet can be tied to fewer nodes. */
function mungeGated(munged: core.PodSpec, before: core.PodSpec, errors: FieldErrors): void {
  const [selector, oldSelector] = [munged.nodeSelector ?? {}, before.nodeSelector ?? {}]
  if (!Object.entries(oldSelector).every(([key, value]) => selector[key] === value)) {
    errors.push(
      fieldError.invalid(
        SPEC.child('nodeSelector'),
        munged.nodeSelector,
        'only additions to spec.nodeSelector are allowed (no mutations or deletions)',
      ),
    )
  }
  munged.nodeSelector = before.nodeSelector
  const [nodes, oldNodes] = [munged.affinity?.nodeAffinity, before.affinity?.nodeAffinity]
  if (deepEqual(nodes, oldNodes)) return
  tightensNodeAffinity(nodes, oldNodes, SPEC.child('affinity').child('nodeAffinity'), errors)
  const affinity: core.Affinity = { ...munged.affinity, nodeAffinity: oldNodes }
  munged.affinity = before.affinity === undefined && Object.values(affinity).every((part) => part === undefined) ? undefined : affinity
}

/** By field, one line before and one after. */
function difference(now: core.PodSpec, before: core.PodSpec): string {
  const fields = changedFields(now, before)
  const line = (sign: string, spec: core.PodSpec, field: keyof core.PodSpec): string =>
    `${sign} ${field}: ${JSON.stringify(spec[field]) ?? 'null'}`
  const lines = fields.flatMap((field) => [line('-', before, field), line('+', now, field)])
  return `@@ -1,${fields.length} +1,${fields.length} @@\n${lines.join('\n')}\n`
}

function sameSpec(a: core.PodSpec, b: core.PodSpec): boolean {
  return changedFields(a, b).length === 0
}

function changedFields(a: core.PodSpec, b: core.PodSpec): (keyof core.PodSpec)[] {
  const fields = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof core.PodSpec>
  return [...fields].filter((field) => !deepEqual(a[field], b[field]))
}
