export type Json = Record<string, unknown>

/** The two forms of OpenAPI that are published. */
export interface Dialect {
  readonly version: 2 | 3
  /** Where a document keeps its types. */
  readonly prefix: string
}
export const V3: Dialect = { version: 3, prefix: '#/components/schemas/' }
export const V2: Dialect = { version: 2, prefix: '#/definitions/' }

export const META_V1 = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const EXTENSIONS_V1 = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'

/** A type that is one value on the wire. */
export interface NamedValue {
  readonly name: string
  readonly v3: Json
  readonly v2: Json
}

const value = (name: string, v3: Json, v2: Json = v3): NamedValue => ({ name, v3, v2 })

/** By the type expressions of the facts. */
export const NAMED_VALUES: Readonly<Record<string, NamedValue>> = {
  quantity: value('io.k8s.apimachinery.pkg.api.resource.Quantity', { oneOf: [{ type: 'string' }, { type: 'number' }] }, { type: 'string' }),
  'int-or-string': value(
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
    { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
    { type: 'string', format: 'int-or-string' },
  ),
  time: value(`${META_V1}.Time`, { type: 'string', format: 'date-time' }),
  'micro-time': value(`${META_V1}.MicroTime`, { type: 'string', format: 'date-time' }),
  duration: value(`${META_V1}.Duration`, { type: 'string' }),
  'any:FieldsV1': value(`${META_V1}.FieldsV1`, { type: 'object' }),
  'any:Patch': value(`${META_V1}.Patch`, { type: 'object' }),
  'any:RawExtension': value('io.k8s.apimachinery.pkg.runtime.RawExtension', { type: 'object' }),
  'any:JSON': value(`${EXTENSIONS_V1}.JSON`, {}),
  'any:JSONSchemaPropsOrArray': value(`${EXTENSIONS_V1}.JSONSchemaPropsOrArray`, {}),
  'any:JSONSchemaPropsOrBool': value(`${EXTENSIONS_V1}.JSONSchemaPropsOrBool`, {}),
  'any:JSONSchemaPropsOrStringArray': value(`${EXTENSIONS_V1}.JSONSchemaPropsOrStringArray`, {}),
}
