import type { Environment } from '../types/environment.ts'
import { type CelType, listType, structType, TYPES } from '../types/type.ts'
import { ListValue, MapValue, type Outcome, type Value } from '../values/value.ts'

const OBJECT = 'Object'
const PATCH = 'JSONPatch'
const NO_TYPE = structType('', () => undefined)

const patchType = structType(PATCH, (name) => {
  if (name === 'op' || name === 'path' || name === 'from') return TYPES.string
  return name === 'value' ? TYPES.dyn : NO_TYPE
})
/** Objects are made without a schema: every field may be anything. */
const objectType = (name: string): CelType => structType(name, () => TYPES.dyn)

export const PATCH_TYPES = { object: objectType(OBJECT), patches: listType(patchType) } as const

/** The same with `Object{…}`, `Object.spec{…}` and `JSONPatch{…}`. */
export function patchEnvironment(base: Environment): Environment {
  return {
    ...base,
    typeNamed: (name) =>
      name === PATCH ? patchType : name === OBJECT || name.startsWith(`${OBJECT}.`) ? objectType(name) : base.typeNamed(name),
    construct: (type, fields) =>
      type.name === PATCH || type.name === OBJECT || type.name.startsWith(`${OBJECT}.`)
        ? new MadeObject(type.name, fields)
        : (base.construct?.(type, fields) ?? null),
  }
}

/** An object that an expression has made. */
export class MadeObject extends MapValue {
  readonly #name: string
  readonly fields: ReadonlyMap<string, Value>
  constructor(name: string, fields: ReadonlyMap<string, Value>) {
    super()
    this.#name = name
    this.fields = fields
  }
  override get typeName(): string {
    return this.#name
  }
  get size(): number {
    return this.fields.size
  }
  override get(key: Value): Outcome | undefined {
    return typeof key === 'string' ? this.fields.get(key) : undefined
  }
  override keys(): readonly Value[] {
    return [...this.fields.keys()]
  }
}

/** What is wrong with the names of types: each is to be the path at which the object stands. */
export function typeNameProblems(value: Value, path: string): string[] {
  const problems: string[] = []
  if (value instanceof MadeObject) {
    if (value.typeName !== path) {
      const wanted = `expected ${JSON.stringify(path)}, which matches field name path from root Object type`
      problems.push(`unexpected type name ${JSON.stringify(value.typeName)}, ${wanted}`)
    }
    for (const [name, field] of value.fields) problems.push(...typeNameProblems(field, `${path}.${name}`))
  } else if (value instanceof ListValue || value instanceof MapValue) {
    for (const inner of innerValues(value)) problems.push(...typeNameProblems(inner, path))
  }
  return problems
}

function innerValues(container: ListValue | MapValue): Value[] {
  const outcomes =
    container instanceof ListValue
      ? Array.from({ length: container.size }, (_, i) => container.at(i))
      : container.keys().map((key) => container.get(key) ?? null)
  return outcomes.filter((outcome): outcome is Value => outcome === null || !('message' in Object(outcome)))
}
