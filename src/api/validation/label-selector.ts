import { type FieldErrors, fieldError, inKeyOrder } from '../meta/field-error.ts'
import type { Path } from '../meta/path.ts'
import type { LabelSelectorObject, LabelSelectorRequirement } from '../meta/selectors.ts'
import { labelValueErrors, qualifiedNameErrors } from './names.ts'
import { invalidText } from './values.ts'

/** Keys and values of labels; both are reported at the map itself. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: Path, errors: FieldErrors): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    invalidText(key, qualifiedNameErrors(key), path, errors)
    invalidText(value, labelValueErrors(value), path, errors)
  }
}

export interface LabelSelectorOptions {
  /** For objects that were stored before values were checked. */
  readonly allowInvalidValues?: boolean
}

export function validateLabelSelector(
  selector: LabelSelectorObject | undefined,
  path: Path,
  errors: FieldErrors,
  options: LabelSelectorOptions = {},
): void {
  if (selector === undefined) return
  validateLabels(selector.matchLabels, path.child('matchLabels'), errors)
  selector.matchExpressions?.forEach((requirement, at) => {
    validateRequirement(requirement, path.child('matchExpressions').index(at), errors, options)
  })
}

function validateRequirement(requirement: LabelSelectorRequirement, path: Path, errors: FieldErrors, options: LabelSelectorOptions): void {
  const values = requirement.values ?? []
  switch (requirement.operator) {
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
    default:
      errors.push(fieldError.invalid(path.child('operator'), requirement.operator, 'not a valid selector operator'))
  }
  invalidText(requirement.key, qualifiedNameErrors(requirement.key), path.child('key'), errors)
  if (options.allowInvalidValues) return
  values.forEach((value, at) => invalidText(value, labelValueErrors(value), path.child('values').index(at), errors))
}

/** A selector as refusals show it: in Go's order, without what is empty. */
export function shownSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelectorObject): Record<string, unknown> {
  return {
    ...(Object.keys(matchLabels).length === 0 ? {} : { matchLabels: inKeyOrder(matchLabels) }),
    ...(matchExpressions.length === 0
      ? {}
      : {
          matchExpressions: matchExpressions.map(({ key, operator, values = [] }) => ({
            key,
            operator,
            ...(values.length === 0 ? {} : { values }),
          })),
        }),
  }
}
