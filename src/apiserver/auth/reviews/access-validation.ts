import {
  type FieldErrors,
  type GroupKind,
  Path,
  type authorization,
  fieldError,
  invalidText,
  labelValueErrors,
  qualifiedNameErrors,
  statusError,
} from '#api'

/** Refusals of the access reviews name no kind: clients of the API see ` .authorization.k8s.io`. */
const NAMELESS: GroupKind = { group: 'authorization.k8s.io', kind: '' }

type Review = authorization.SelfSubjectAccessReview | authorization.SubjectAccessReview | authorization.LocalSubjectAccessReview
type Selector = authorization.FieldSelectorAttributes | authorization.LabelSelectorAttributes

export interface ReviewRules {
  /** The review names its own subject. */
  readonly subject: boolean
  /** The review is about this namespace only. */
  readonly namespace?: string
}

/** Throws 422 with all causes. */
export function validateAccessReview(review: Review, rules: ReviewRules): void {
  const errors: FieldErrors = []
  const path = Path.of('spec')
  const spec: Partial<authorization.SubjectAccessReviewSpec> = review.spec ?? {}
  const { resourceAttributes, nonResourceAttributes } = spec
  const onPath = nonResourceAttributes && { Path: nonResourceAttributes.path ?? '', Verb: nonResourceAttributes.verb ?? '' }
  if (resourceAttributes && onPath) {
    errors.push(
      fieldError.invalid(path.child('nonResourceAttributes'), onPath, 'cannot be specified in combination with resourceAttributes'),
    )
  }
  if (!resourceAttributes && !onPath) {
    const why = 'exactly one of nonResourceAttributes or resourceAttributes must be specified'
    errors.push(fieldError.invalid(path.child('resourceAttributes'), null, why))
  }
  if (rules.subject && !spec.user && !spec.groups?.length) {
    errors.push(fieldError.invalid(path.child('user'), spec.user ?? '', 'at least one of user or group must be specified'))
  }
  if (resourceAttributes) {
    const attributes = path.child('resourceAttributes')
    validateSelector(resourceAttributes.fieldSelector, attributes.child('fieldSelector'), validateField, errors)
    validateSelector(resourceAttributes.labelSelector, attributes.child('labelSelector'), validateLabel, errors)
  }
  validateMetadata(review, rules, errors)
  if (rules.namespace !== undefined) {
    if (resourceAttributes && resourceAttributes.namespace !== rules.namespace) {
      const where = path.child('resourceAttributes').child('namespace')
      errors.push(fieldError.invalid(where, resourceAttributes.namespace ?? '', 'must match metadata.namespace'))
    }
    if (onPath) errors.push(fieldError.invalid(path.child('nonResourceAttributes'), onPath, 'disallowed on this kind of request'))
  }
  if (errors.length > 0) throw statusError.invalid(NAMELESS, '', errors)
}

function validateMetadata({ metadata = {} }: Review, rules: ReviewRules, errors: FieldErrors): void {
  const filled = Object.entries(metadata).filter(([field, value]) => {
    if (value === undefined || value === null || value === '') return false
    return field !== 'managedFields' && field !== 'creationTimestamp' && !(rules.namespace !== undefined && field === 'namespace')
  })
  if (filled.length > 0) errors.push(fieldError.invalid(Path.of('metadata'), metadata, 'must be empty'))
}

type ValidateTerms = (key: string, values: readonly string[], path: Path, errors: FieldErrors) => void
const validateField: ValidateTerms = (key, _values, path, errors) => {
  if (key === '') errors.push(fieldError.required(path.child('key'), 'must be specified'))
}
const validateLabel: ValidateTerms = (key, values, path, errors) => {
  invalidText(key, qualifiedNameErrors(key), path.child('key'), errors)
  values.forEach((value, i) => invalidText(value, labelValueErrors(value), path.child('values').index(i), errors))
}

function validateSelector(selector: Selector | undefined, path: Path, validateTerms: ValidateTerms, errors: FieldErrors): void {
  if (selector === undefined) return
  const requirements = selector.requirements ?? []
  const raw = selector.rawSelector ?? ''
  if (raw !== '' && requirements.length > 0) {
    errors.push(fieldError.invalid(path.child('rawSelector'), raw, 'may not specified at the same time as requirements'))
  }
  if (raw === '' && requirements.length === 0) {
    const why = `when ${path.toString()} is specified, requirements or rawSelector is required`
    errors.push(fieldError.required(path.child('requirements'), why))
  }
  requirements.forEach(({ key = '', operator, values = [] }, at) => {
    const here = path.child('requirements').index(at)
    if ((operator === 'In' || operator === 'NotIn') && !values?.length) {
      errors.push(fieldError.required(here.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"))
    }
    if ((operator === 'Exists' || operator === 'DoesNotExist') && values?.length) {
      errors.push(fieldError.forbidden(here.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    }
    validateTerms(key, values ?? [], here, errors)
  })
}
