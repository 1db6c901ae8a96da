import { type FieldErrors, fieldError } from '../../../meta/field-error.ts'
import type { Path } from '../../../meta/path.ts'
import type * as core from '../../../types/core-v1.gen.ts'
import { validateLabelSelector } from '../../../validation/label-selector.ts'
import { dnsLabelErrors, dnsSubdomainErrors, labelValueErrors, qualifiedNameErrors } from '../../../validation/names.ts'
import { invalidText } from '../../../validation/values.ts'

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'
const NOT_AN_OPERATOR = 'not a valid selector operator'

export function validateAffinity({ nodeAffinity, podAffinity, podAntiAffinity }: core.Affinity, path: Path, errors: FieldErrors): void {
  if (nodeAffinity !== undefined) {
    const at = path.child('nodeAffinity')
    if (nodeAffinity[REQUIRED] !== undefined) validateNodeSelector(nodeAffinity[REQUIRED], at.child(REQUIRED), errors)
    nodeAffinity[PREFERRED]?.forEach(({ weight, preference }, i) => {
      validateWeight(weight, at.child(PREFERRED).index(i), errors)
      // Values that no label can have are only warned about: the term matches nothing.
      if (preference !== undefined) validateNodeTerm(preference, false, at.child(PREFERRED).index(i).child('preference'), errors)
    })
  }
  if (podAffinity !== undefined) validatePodTerms(podAffinity, path.child('podAffinity'), errors)
  if (podAntiAffinity !== undefined) validatePodTerms(podAntiAffinity, path.child('podAntiAffinity'), errors)
}

function validateWeight(weight: number | undefined, path: Path, errors: FieldErrors): void {
  if (weight === undefined || weight <= 0 || weight > 100)
    errors.push(fieldError.invalid(path.child('weight'), weight ?? 0, 'must be in the range 1-100'))
}

/** Also of a PersistentVolume, and of a device. */
export function validateNodeSelector(selector: core.NodeSelector, path: Path, errors: FieldErrors): void {
  const terms = selector.nodeSelectorTerms ?? []
  const at = path.child('nodeSelectorTerms')
  if (terms.length === 0) errors.push(fieldError.required(at, 'must have at least one node selector term'))
  terms.forEach((term, i) => validateNodeTerm(term, true, at.index(i), errors))
}

function validateNodeTerm(term: core.NodeSelectorTerm, checkValues: boolean, path: Path, errors: FieldErrors): void {
  term.matchExpressions?.forEach((requirement, i) =>
    validateRequirement(requirement, checkValues, path.child('matchExpressions').index(i), errors),
  )
  term.matchFields?.forEach((requirement, i) => validateFieldRequirement(requirement, path.child('matchFields').index(i), errors))
}

function validateRequirement(
  { key = '', operator = '', values = [] }: core.NodeSelectorRequirement,
  checkValues: boolean,
  path: Path,
  errors: FieldErrors,
): void {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0)
        errors.push(fieldError.required(path.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"))
      break
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0)
        errors.push(fieldError.forbidden(path.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
      break
    case 'Gt':
    case 'Lt':
      if (values.length !== 1)
        errors.push(fieldError.required(path.child('values'), "must be specified single value when `operator` is 'Lt' or 'Gt'"))
      break
    default:
      errors.push(fieldError.invalid(path.child('operator'), operator, NOT_AN_OPERATOR))
  }
  invalidText(key, qualifiedNameErrors(key), path.child('key'), errors)
  if (checkValues) values.forEach((value, i) => invalidText(value, labelValueErrors(value), path.child('values').index(i), errors))
}

function validateFieldRequirement(
  { key = '', operator = '', values = [] }: core.NodeSelectorRequirement,
  path: Path,
  errors: FieldErrors,
): void {
  if (operator !== 'In' && operator !== 'NotIn') errors.push(fieldError.invalid(path.child('operator'), operator, NOT_AN_OPERATOR))
  else if (values.length !== 1) {
    errors.push(
      fieldError.required(path.child('values'), "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
    )
  }
  if (key !== 'metadata.name') errors.push(fieldError.invalid(path.child('key'), key, 'not a valid field selector key'))
  else values.forEach((value, i) => invalidText(value, dnsSubdomainErrors(value), path.child('values').index(i), errors))
}

function validatePodTerms(affinity: core.PodAffinity, path: Path, errors: FieldErrors): void {
  affinity[REQUIRED]?.forEach((term, i) => validatePodTerm(term, path.child(REQUIRED).index(i), errors))
  affinity[PREFERRED]?.forEach(({ weight, podAffinityTerm }, i) => {
    const at = path.child(PREFERRED).index(i)
    validateWeight(weight, at, errors)
    validatePodTerm(podAffinityTerm ?? {}, at.child('podAffinityTerm'), errors)
  })
}

function validatePodTerm(term: Partial<core.PodAffinityTerm>, path: Path, errors: FieldErrors): void {
  const { labelSelector, namespaceSelector, namespaces = [], topologyKey = '', matchLabelKeys = [], mismatchLabelKeys = [] } = term
  validateLabelSelector(labelSelector, path.child('labelSelector'), errors)
  validateLabelSelector(namespaceSelector, path.child('namespaceSelector'), errors)
  for (const name of namespaces) invalidText(name, dnsLabelErrors(name), path.child('namespace'), errors)
  validateLabelKeys(matchLabelKeys, labelSelector, path.child('matchLabelKeys'), errors)
  validateLabelKeys(mismatchLabelKeys, labelSelector, path.child('mismatchLabelKeys'), errors)
  mismatchLabelKeys.forEach((key, i) => {
    if (matchLabelKeys.includes(key))
      errors.push(fieldError.invalid(path.child('matchLabelKeys').index(i), key, 'exists in both matchLabelKeys and mismatchLabelKeys'))
  })
  if (topologyKey === '') errors.push(fieldError.required(path.child('topologyKey'), 'can not be empty'))
  invalidText(topologyKey, qualifiedNameErrors(topologyKey), path.child('topologyKey'), errors)
}

/** Keys whose values are taken from the pod's own labels. */
export function validateLabelKeys(
  keys: readonly string[],
  selector: core.PodAffinityTerm['labelSelector'],
  path: Path,
  errors: FieldErrors,
): void {
  if (keys.length === 0) return
  if (selector === undefined) errors.push(fieldError.forbidden(path, 'must not be specified when labelSelector is not set'))
  else keys.forEach((key, i) => invalidText(key, qualifiedNameErrors(key), path.index(i), errors))
}
