/**
 * Full type names of OpenAPI and the short ones of the facts: `io.k8s.api.core.v1.Pod` is `core.v1.Pod`.
 */
const PACKAGES: readonly (readonly [prefix: string, short: string])[] = [
  ['io.k8s.apimachinery.pkg.apis.meta.', 'meta.'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.', 'apiextensions.'],
  ['io.k8s.kube-aggregator.pkg.apis.apiregistration.', 'apiregistration.'],
  ['io.k8s.api.', ''],
]

/** Types that are one value on the wire. */
export const SCALAR_TYPES: ReadonlyMap<string, string> = new Map([
  ['io.k8s.apimachinery.pkg.api.resource.Quantity', 'quantity'],
  ['io.k8s.apimachinery.pkg.util.intstr.IntOrString', 'int-or-string'],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.Time', 'time'],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime', 'micro-time'],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.Duration', 'duration'],
  ['io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1', 'any:FieldsV1'],
  ['io.k8s.apimachinery.pkg.runtime.RawExtension', 'any:RawExtension'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON', 'any:JSON'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray', 'any:JSONSchemaPropsOrArray'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool', 'any:JSONSchemaPropsOrBool'],
  ['io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray', 'any:JSONSchemaPropsOrStringArray'],
])

/** Not spoken as objects of their own. */
export const LEFT_OUT: ReadonlySet<string> = new Set(['io.k8s.apimachinery.pkg.apis.meta.v1.Patch'])

export function shortName(full: string): string {
  for (const [prefix, short] of PACKAGES) if (full.startsWith(prefix)) return short + full.slice(prefix.length)
  throw new Error(`no short name for the type ${full}: add its package to tools/gen/names.ts`)
}

/** `core.v1` of `core.v1.Pod`. */
export function packageOf(short: string): string {
  return short.slice(0, short.lastIndexOf('.'))
}

export function lastName(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

/** The package of the protobuf messages of an OpenAPI type. */
export function protoName(full: string): string {
  return full
    .replace(/^io\.k8s\./, 'k8s.io.')
    .replace('apiextensions-apiserver', 'apiextensions_apiserver')
    .replace('kube-aggregator', 'kube_aggregator')
}
