import { type DeclType, declTypeOf } from '../../cel/kubernetes/decl-type.ts'
import { escapeName } from '../../cel/kubernetes/names.ts'
import type { Environment } from '../../cel/types/environment.ts'
import { isEmbedded, itemsOf, type JsonSchema, valuesOf } from '../json-schema.ts'
import { type CompiledRule, compileRules, ruleEnvironment } from './compile.ts'

/** The rules of a schema and of all below it; parts without rules are left out. */
export interface RuleNode {
  readonly schema: JsonSchema
  readonly isRoot: boolean
  readonly rules: readonly CompiledRule[]
  readonly items?: RuleNode
  readonly values?: RuleNode
  readonly properties?: ReadonlyMap<string, RuleNode>
}

/** Measures what rules in CEL take; whoever gives it has the clock. */
export interface RuleTimer {
  /** Does the work, and takes the time of it. */
  time<T>(what: 'compilation' | 'evaluation', work: () => T): T
}

const trees = new WeakMap<JsonSchema, RuleNode | 'none'>()

/** The rules of whole objects, made ready once for a schema. Undefined when it has none. */
export function ruleTree(root: JsonSchema, timer: RuleTimer): RuleNode | undefined {
  let tree = trees.get(root)
  if (tree === undefined) {
    tree = timer.time('compilation', () => freshRuleTree(root, true)) ?? 'none'
    trees.set(root, tree)
  }
  return tree === 'none' ? undefined : tree
}

/** The rules of a schema that is looked at once. */
export function freshRuleTree(schema: JsonSchema, isRoot: boolean): RuleNode | undefined {
  return hasRules(schema) ? treeOf(schema, isRoot, declTypeOf(schema, isRoot), ruleEnvironment()) : undefined
}

export function hasRules(schema: JsonSchema | undefined): boolean {
  if (schema === undefined) return false
  if ((schema['x-kubernetes-validations'] ?? []).length > 0) return true
  return hasRules(itemsOf(schema)) || hasRules(valuesOf(schema)) || Object.values(schema.properties ?? {}).some(hasRules)
}

function treeOf(schema: JsonSchema, isRoot: boolean, decl: DeclType | undefined, environment: Environment): RuleNode | undefined {
  if (decl === undefined || !hasRules(schema)) return undefined
  const inner = (part: JsonSchema | undefined, type: DeclType | undefined): RuleNode | undefined =>
    part === undefined ? undefined : treeOf(part, isEmbedded(part), type, environment)
  const items = inner(itemsOf(schema), decl.element)
  const values = inner(valuesOf(schema), decl.element)
  const properties = new Map<string, RuleNode>()
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const escaped = escapeName(name)
    const type = escaped === undefined ? declTypeOf(property, isEmbedded(property)) : decl.fields?.get(escaped)
    const node = inner(property, type)
    if (node !== undefined) properties.set(name, node)
  }
  return {
    schema,
    isRoot,
    rules: compileRules(schema, decl, environment),
    ...(items === undefined ? {} : { items }),
    ...(values === undefined ? {} : { values }),
    ...(properties.size === 0 ? {} : { properties }),
  }
}
