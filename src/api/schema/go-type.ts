const GO_SCALARS: Readonly<Record<string, string>> = {
  bytes: '[]uint8',
  double: 'float64',
  quantity: 'resource.Quantity',
  'int-or-string': 'intstr.IntOrString',
  time: 'v1.Time',
  'micro-time': 'v1.MicroTime',
  duration: 'v1.Duration',
}

/** `[]v1.Container` of `[]core.v1.Container`. The generator writes down what does not follow from this rule. */
export function goTypeOf(type: string): string {
  if (type.startsWith('[]')) return `[]${goTypeOf(type.slice(2))}`
  if (type.startsWith('{}')) return `map[string]${goTypeOf(type.slice(2))}`
  if (type.startsWith('any')) return `runtime.${type.slice(4)}`
  return GO_SCALARS[type] ?? type.split('.').slice(-2).join('.')
}
