import { declTypeOf, type DeclType } from '../../cel/kubernetes/decl-type.ts'
import { escapeName } from '../../cel/kubernetes/names.ts'
import type { Environment } from '../../cel/types/environment.ts'
import { type FieldError, type FieldErrors, fieldError } from '../../meta/field-error.ts'
import type { Path } from '../../meta/path.ts'
import { isEmbedded, itemsOf, type JsonSchema, valuesOf } from '../../structural/json-schema.ts'
import { compileRules, mostValues, ruleEnvironment } from '../../structural/rules/compile.ts'
import { hasRules } from '../../structural/rules/rule-tree.ts'
import type { ValidationRule } from '../../types/apiextensions-v1.gen.ts'

const WORD = 'x-kubernetes-validations'
/** What one rule may be estimated to cost for a whole object, and all rules of a schema together. */
const MOST_FOR_RULE = 10_000_000
const MOST_FOR_SCHEMA = 100_000_000
const MOST_NAMED = 4

/**
 * Rules in CEL: whether they mean something, and whether anybody could pay for them. Those of `faulty` schemas, in or below which there
 * are words that do not fit, are not looked at.
 */
export function validateRules(root: JsonSchema, path: Path, faulty: ReadonlySet<JsonSchema>, errors: FieldErrors): void {
  if (!hasRules(root)) return
  const check = new RulesCheck(faulty)
  check.visit({ schema: root, path, decl: undefined, isRoot: true, cardinality: 1, uncorrelated: undefined })
  errors.push(...check.ruleErrors, ...check.totalErrors(path))
}

interface Place {
  readonly schema: JsonSchema
  readonly path: Path
  /** The type as the schema above sees it. */
  readonly decl: DeclType | undefined
  readonly isRoot: boolean
  /** How many of these values an object may have; undefined when nothing bounds them. */
  readonly cardinality: number | undefined
  /** The nearest schema around whose parts cannot be followed over an update. */
  readonly uncorrelated: Path | undefined
}

class RulesCheck {
  readonly ruleErrors: FieldError[] = []
  readonly #environment: Environment = ruleEnvironment()
  readonly #expensive: { readonly path: Path; readonly cost: number }[] = []
  readonly #faulty: ReadonlySet<JsonSchema>
  #total = 0

  constructor(faulty: ReadonlySet<JsonSchema>) {
    this.#faulty = faulty
  }

  visit(place: Place): void {
    const { schema, path, cardinality } = place
    if (!hasRules(schema)) return
    const decl = place.decl ?? declTypeOf(schema, place.isRoot)
    const most = mostElements(schema)
    const inner = { cardinality: cardinality === undefined || most === undefined ? undefined : times(cardinality, most), isRoot: false }
    const values = valuesOf(schema)
    if (values !== undefined)
      this.visit({
        ...place,
        ...inner,
        schema: values,
        path: path.child('additionalProperties'),
        decl: decl?.element,
        isRoot: isEmbedded(values),
      })
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const escaped = escapeName(name)
      this.visit({
        ...inner,
        schema: property,
        path: path.child('properties').key(name),
        decl: escaped === undefined ? undefined : decl?.fields?.get(escaped),
        isRoot: isEmbedded(property),
        uncorrelated: isFollowed(schema) ? place.uncorrelated : path,
      })
    }
    const items = itemsOf(schema)
    if (items !== undefined) {
      const uncorrelated = schema['x-kubernetes-list-type'] === 'map' ? place.uncorrelated : path
      this.visit({ ...inner, schema: items, path: path.child('items'), decl: decl?.element, isRoot: isEmbedded(items), uncorrelated })
    }
    const rules = schema[WORD] ?? []
    if (rules.length > 0 && !this.#faulty.has(schema)) this.#rules(place, decl)
  }

  #rules({ schema, path, cardinality, uncorrelated }: Place, decl: DeclType | undefined): void {
    if (decl === undefined) {
      const detail =
        'internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations'
      this.ruleErrors.push(fieldError.internal(path.child(WORD), detail))
      return
    }
    compileRules(schema, decl, this.#environment).forEach((compiled, i) => {
      const at = path.child(WORD).index(i)
      this.#costs(at.child('rule'), times(compiled.cost, cardinality ?? mostValues(decl)))
      const { rule, problem, usesOldSelf, messageProblem } = compiled
      if (problem !== undefined) this.ruleErrors.push(fieldError.invalidAs(at.child('rule'), shownRule(rule), problem))
      if (messageProblem !== undefined)
        this.ruleErrors.push(fieldError.invalidAs(at.child('messageExpression'), shownRule(rule), messageProblem))
      else if (compiled.message !== undefined) this.#messageCosts(compiled.messageCost, at.child('messageExpression'))
      if (usesOldSelf && uncorrelated !== undefined) {
        const detail = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated.toString()}`
        this.ruleErrors.push(fieldError.invalid(at.child('rule'), rule.rule, detail))
      } else if (!usesOldSelf && rule.optionalOldSelf !== undefined && rule.optionalOldSelf !== null) {
        const detail = 'may not be set if oldSelf is not used in rule'
        this.ruleErrors.push(fieldError.invalid(at.child('optionalOldSelf'), rule.optionalOldSelf, detail))
      }
    })
  }

  #costs(path: Path, cost: number): void {
    if (cost > MOST_FOR_RULE) this.ruleErrors.push(fieldError.forbidden(path, costText('estimated rule cost', cost, MOST_FOR_RULE)))
    this.#count(path, cost)
  }
  #messageCosts(cost: number, path: Path): void {
    if (cost > MOST_FOR_RULE)
      this.ruleErrors.push(fieldError.forbidden(path, costText('estimated messageExpression cost', cost, MOST_FOR_RULE)))
    this.#count(path, cost)
  }
  #count(path: Path, cost: number): void {
    this.#total += cost
    if (cost < MOST_FOR_SCHEMA / 100) return
    this.#expensive.push({ path, cost })
    this.#expensive.sort((a, b) => b.cost - a.cost)
    this.#expensive.splice(MOST_NAMED)
  }

  totalErrors(path: Path): FieldError[] {
    if (this.#total <= MOST_FOR_SCHEMA) return []
    const detail = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'
    return [
      ...this.#expensive.map((one) => fieldError.forbidden(one.path, detail)),
      fieldError.forbidden(
        path,
        costText('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', this.#total, MOST_FOR_SCHEMA),
      ),
    ]
  }
}

const ENDLESS = 2 ** 64
const times = (cost: number, count: number): number => Math.min(cost * count, ENDLESS)

function mostElements(schema: JsonSchema): number | undefined {
  if (schema.type === 'array') return schema.maxItems === undefined ? undefined : Math.max(0, schema.maxItems)
  if (schema.type !== 'object' || schema.additionalProperties === undefined) return 1
  return schema.maxProperties === undefined ? undefined : Math.max(0, schema.maxProperties)
}

function isFollowed(schema: JsonSchema): boolean {
  const type = schema['x-kubernetes-map-type']
  return type === undefined || type === 'granular' || type === 'atomic'
}

function costText(what: string, cost: number, limit: number): string {
  const factor = cost / limit
  const text = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`
  return `${what} exceeds budget by factor of ${text} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`
}

/** A rule as messages show it: in the words of Kubernetes' own memory, as Go writes JSON. */
function shownRule(rule: ValidationRule): string {
  const text = JSON.stringify({
    Rule: rule.rule,
    Message: rule.message ?? '',
    MessageExpression: rule.messageExpression ?? '',
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? '',
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  })
  return text.replaceAll(/[<>&\u2028\u2029]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
