import { deepEqual, type JsonObject, setMember } from '../meta/deep.ts'
import { FIELD_ERROR_TYPES, type FieldErrorType, type FieldErrors } from '../meta/field-error.ts'
import type { KubeObject } from '../meta/object.ts'
import { Path } from '../meta/path.ts'
import type { Strategy } from '../resource.ts'
import type { CustomResourceSubresourceScale } from '../types/apiextensions-v1.gen.ts'
import { validateEmbedded } from './embedded.ts'
import { finalizerWarnings } from './finalizer-warnings.ts'
import type { JsonSchema } from './json-schema.ts'
import { validateListTypes } from './list-types.ts'
import { dropNulls, settleNulls } from './nulls.ts'
import { withoutRatcheted } from './ratchet.ts'
import { validateScaleSpec, validateScaleStatus } from './scale-values.ts'
import { evaluateRules } from './rules/evaluate.ts'
import { type RuleTimer, hasRules, ruleTree } from './rules/rule-tree.ts'
import { pushFindings } from './validate/result.ts'
import { checkSchema } from './validate/schema.ts'

/** What the rules of a custom resource are made from. */
export interface StrategySource {
  readonly rules: JsonSchema
  readonly hasStatus: boolean
  readonly scale: CustomResourceSubresourceScale | undefined
  readonly timer?: RuleTimer | undefined
}

export function customStrategy(source: StrategySource): Strategy<KubeObject> {
  const { rules, hasStatus } = source
  return {
    unconditionalUpdate: false,
    anyFinalizer: true,
    generation: (object, old) => isWantedChange(object, old, hasStatus),
    wasRead: (draft) => dropNulls(draft, rules),
    defaults: (draft) => settleNulls(draft, rules),
    prepareForCreate(draft) {
      if (hasStatus) delete (draft as JsonObject)['status']
    },
    prepareForUpdate(draft, old) {
      if (!hasStatus) return
      const status = (old as JsonObject)['status']
      if (status === undefined) delete (draft as JsonObject)['status']
      else setMember(draft as JsonObject, 'status', status)
    },
    validate: (object, errors) => validate(source, object, errors),
    validateUpdate: (object, old, errors, warn) => validateUpdate(source, object, old, errors, warn),
    warnings: (object, old) => finalizerWarnings(object, old),
  }
}

/** All but metadata is wanted, and the status too where it has no path of its own. */
function isWantedChange(object: KubeObject, old: KubeObject, hasStatus: boolean): boolean {
  const wanted = ({ metadata: _, ...rest }: JsonObject): JsonObject => {
    if (hasStatus) delete rest['status']
    return rest
  }
  return !deepEqual(wanted(object as JsonObject), wanted(old as JsonObject))
}

function validate(source: StrategySource, object: KubeObject, errors: FieldErrors): void {
  const { rules, scale } = source
  pushFindings(checkSchema(rules, object, ''), undefined, errors)
  if (scale !== undefined) {
    validateScaleSpec(object, scale, errors)
    validateScaleStatus(object, scale, errors)
  }
  validateEmbedded(object, rules, undefined, false, errors)
  validateListTypes(object, rules, undefined, errors)
  validateRules(source, object, undefined, errors, undefined)
}

/** What was wrong before and has not been touched may stay so. */
function validateUpdate(source: StrategySource, object: KubeObject, old: KubeObject, errors: FieldErrors, warn?: Warn): void {
  const { rules, scale } = source
  pushFindings(withoutRatcheted(checkSchema(rules, object, ''), rules, object, old), undefined, errors)
  if (scale !== undefined) {
    validateScaleSpec(object, scale, errors)
    validateScaleStatus(object, scale, errors)
  }
  validateEmbedded(object, rules, undefined, false, errors)
  pushNewListErrors(object, old, rules, undefined, errors)
  validateRules(source, object, old, errors, warn)
}

type Warn = (text: string) => void

/** What must be mended before rules can be looked at. */
const BLOCKING: ReadonlySet<FieldErrorType> = new Set([
  FIELD_ERROR_TYPES.notSupported,
  FIELD_ERROR_TYPES.required,
  FIELD_ERROR_TYPES.tooLong,
  FIELD_ERROR_TYPES.tooMany,
  FIELD_ERROR_TYPES.typeInvalid,
])
const NOT_CHECKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'

const UNTIMED: RuleTimer = { time: (_what, work) => work() }

/** The rules in CEL, over the whole object. */
function validateRules(
  { rules, timer = UNTIMED }: StrategySource,
  object: KubeObject,
  old: KubeObject | undefined,
  errors: FieldErrors,
  warn: Warn | undefined,
): void {
  if (!hasRules(rules)) return
  if (errors.some(({ type }) => BLOCKING.has(type))) {
    errors.push({ type: FIELD_ERROR_TYPES.invalid, field: '<nil>', message: `Invalid value: null: ${NOT_CHECKED}` })
    return
  }
  const tree = ruleTree(rules, timer)
  if (tree === undefined) return
  const found = timer.time('evaluation', () => evaluateRules(tree, object, old))
  errors.push(...found.errors)
  for (const text of found.warnings) warn?.(text)
}

const STATUS = Path.of('status')

/** A status update looks at the status alone. */
export function validateStatusUpdate(source: StrategySource, object: KubeObject, old: KubeObject, errors: FieldErrors, warn?: Warn): void {
  const { rules, scale } = source
  const schema = rules.properties?.['status']
  const status = (object as JsonObject)['status']
  if (schema !== undefined && status !== undefined) {
    const before = (old as JsonObject)['status']
    const result =
      before === undefined ? checkSchema(schema, status, '') : withoutRatcheted(checkSchema(schema, status, ''), schema, status, before)
    pushFindings(result, STATUS, errors)
    validateEmbedded(status, schema, STATUS, false, errors)
    pushNewListErrors(status, before, schema, STATUS, errors)
  }
  if (scale !== undefined) validateScaleStatus(object, scale, errors)
  validateRules(source, object, old, errors, warn)
}

/** Repeated items are refused unless some were there before. */
function pushNewListErrors(value: unknown, old: unknown, schema: JsonSchema, path: Path | undefined, errors: FieldErrors): void {
  const found: FieldErrors = []
  validateListTypes(value, schema, path, found)
  if (found.length === 0) return
  const before: FieldErrors = []
  validateListTypes(old, schema, path, before)
  if (before.length === 0) errors.push(...found)
}
