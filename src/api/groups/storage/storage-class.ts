import { defineResource } from '../../define.ts'
import { deepEqual } from '../../meta/deep.ts'
import { type FieldErrors, fieldError, inKeyOrder } from '../../meta/field-error.ts'
import { Path } from '../../meta/path.ts'
import { labelDeprecation } from '../../pods/warnings/scheduling-warnings.ts'
import * as refs from '../../refs.gen.ts'
import type { TopologySelectorTerm } from '../../types/core-v1.gen.ts'
import type { StorageClass } from '../../types/storage-v1.gen.ts'
import { qualifiedNameErrors } from '../../validation/names.ts'
import { invalidText, validateEnum, validateImmutable, validateRequired } from '../../validation/values.ts'
import { validateParameters } from './parameters.ts'

const PROVISIONER = Path.of('provisioner')
const PARAMETERS = Path.of('parameters')
const RECLAIM_POLICY = Path.of('reclaimPolicy')
const BINDING_MODE = Path.of('volumeBindingMode')
const TOPOLOGIES = Path.of('allowedTopologies')
const BINDING_MODES = ['Immediate', 'WaitForFirstConsumer']
const DEFAULT_CLASS = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']

export const storageClasses = defineResource(refs.storageclasses, {
  strategy: {
    defaults: (storageClass) => {
      storageClass.reclaimPolicy ??= 'Delete'
      storageClass.volumeBindingMode ??= 'Immediate'
    },
    validate,
    validateUpdate: (storageClass, old, errors) => {
      validate(storageClass, errors)
      validateImmutable(storageClass.parameters && inKeyOrder(storageClass.parameters), old.parameters, PARAMETERS, errors)
      validateImmutable(storageClass.provisioner, old.provisioner, PROVISIONER, errors)
      validateImmutable(storageClass.reclaimPolicy, old.reclaimPolicy, RECLAIM_POLICY, errors)
      validateImmutable(storageClass.volumeBindingMode, old.volumeBindingMode, BINDING_MODE, errors)
    },
    warnings: ({ allowedTopologies }) =>
      (allowedTopologies ?? []).flatMap(({ matchLabelExpressions }, t) =>
        (matchLabelExpressions ?? []).flatMap(({ key }, i) => {
          const why = labelDeprecation(key)
          return why === undefined ? [] : [`${TOPOLOGIES.index(t).child('matchLabelExpressions').index(i).child('key')}: ${why}`]
        }),
      ),
  },
  columns: {
    Name: ({ metadata }) =>
      (metadata?.name ?? '') + (DEFAULT_CLASS.some((key) => metadata?.annotations?.[key] === 'true') ? ' (default)' : ''),
    Provisioner: ({ provisioner }) => provisioner,
    ReclaimPolicy: ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete',
    VolumeBindingMode: ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate',
    AllowVolumeExpansion: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
  },
})

function validate(
  { provisioner, parameters, reclaimPolicy, volumeBindingMode, allowedTopologies }: StorageClass,
  errors: FieldErrors,
): void {
  if (validateRequired(provisioner, PROVISIONER, errors))
    invalidText(provisioner.toLowerCase(), qualifiedNameErrors(provisioner.toLowerCase()), PROVISIONER, errors)
  validateParameters(parameters, PARAMETERS, errors)
  validateEnum(reclaimPolicy, ['Delete', 'Retain'], RECLAIM_POLICY, errors)
  if (volumeBindingMode === undefined) errors.push(fieldError.required(BINDING_MODE))
  else if (!BINDING_MODES.includes(volumeBindingMode)) errors.push(fieldError.notSupported(BINDING_MODE, volumeBindingMode, BINDING_MODES))
  validateTopologies(allowedTopologies ?? [], errors)
}

type Expressions = Readonly<Record<string, readonly string[]>>

function validateTopologies(terms: readonly TopologySelectorTerm[], errors: FieldErrors): void {
  // Kubernetes compares each term with as many empty ones as there are terms, and then with those before it.
  const before: Expressions[] = terms.map(() => ({}))
  for (const [i, term] of terms.entries()) {
    const path = TOPOLOGIES.index(i).child('matchLabelExpressions')
    const expressions = validateTerm(term, path, errors)
    for (const other of before) if (deepEqual(expressions, other)) errors.push(fieldError.duplicate(path, ''))
    before.push(expressions)
  }
}

/** The values that a term asks for, by key. */
function validateTerm({ matchLabelExpressions = [] }: TopologySelectorTerm, path: Path, errors: FieldErrors): Expressions {
  const expressions: Record<string, readonly string[]> = {}
  for (const [i, { key = '', values }] of matchLabelExpressions.entries()) {
    const at = path.index(i)
    const all = values ?? []
    if (all.length === 0) errors.push(fieldError.required(at.child('values')))
    for (const [j, value] of all.entries())
      if (all.indexOf(value) < j) errors.push(fieldError.duplicate(at.child('values').index(j), value))
    invalidText(key, qualifiedNameErrors(key), at.child('key'), errors)
    if (Object.hasOwn(expressions, key)) errors.push(fieldError.duplicate(at.child('key'), key))
    expressions[key] = [...new Set(all)].sort()
  }
  return expressions
}
