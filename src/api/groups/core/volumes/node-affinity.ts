import { deepEqual } from '../../../meta/deep.ts'
import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type { NodeSelectorRequirement, VolumeNodeAffinity } from '../../../types/core-v1.gen.ts'

/** Labels of nodes that have got another name. */
const NEW_NAMES: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
}

/** Where a volume can be reached stays as it is, once it is said. */
export function validateNodeAffinityUpdate(
  affinity: VolumeNodeAffinity | undefined,
  old: VolumeNodeAffinity | undefined,
  path: Path,
  errors: FieldErrors,
): void {
  if (old === undefined || deepEqual(renamed(old, affinity), affinity)) return
  errors.push(fieldError.invalid(path, affinity, 'field is immutable, except for updating from beta label to GA'))
}

/** The old affinity, with new names of labels where `now` has them. */
function renamed(old: VolumeNodeAffinity, now: VolumeNodeAffinity | undefined): VolumeNodeAffinity {
  const rename = (requirement: NodeSelectorRequirement, t: number, i: number): NodeSelectorRequirement => {
    // A key that has no other name may also be left out, which is refused elsewhere.
    const name = NEW_NAMES[requirement.key] ?? ''
    const wanted = now?.required?.nodeSelectorTerms?.[t]?.matchExpressions?.[i]
    return wanted !== undefined && (wanted.key ?? '') === name ? { ...requirement, key: wanted.key } : requirement
  }
  if (old.required === undefined) return old
  const nodeSelectorTerms = (old.required.nodeSelectorTerms ?? []).map((term, t) => ({
    ...term,
    ...(term.matchExpressions === undefined
      ? {}
      : { matchExpressions: term.matchExpressions.map((requirement, i) => rename(requirement, t, i)) }),
  }))
  return { ...old, required: { ...old.required, nodeSelectorTerms } }
}
