import { ArrayList, items } from '../values/containers.ts'
import { CelError } from '../values/error.ts'
import { isZero, typeNameOf } from '../values/types.ts'
import { type ListValue, Optional, type Outcome, type Value } from '../values/value.ts'
import { built, type Library } from '../types/functions.ts'

function unwrap(list: ListValue): Outcome {
  const values: Value[] = []
  for (const item of items(list)) {
    if (item instanceof CelError) return item
    if (!(item instanceof Optional)) return new CelError(`value ${typeNameOf(item)} is not optional`)
    if (item.value !== undefined) values.push(item.value)
  }
  return new ArrayList(values)
}

export const optionals: Library = [
  ['optional.of', 'optional_of', '(V) -> optional(V)', (value: Value) => Optional.of(value)],
  [
    'optional.ofNonZeroValue',
    'optional_ofNonZeroValue',
    '(V) -> optional(V)',
    (value: Value) => (isZero(value) ? Optional.none : Optional.of(value)),
  ],
  ['optional.none', 'optional_none', '() -> optional(V)', () => Optional.none],
  [
    'value',
    'optional_value',
    'optional(V).() -> V',
    ({ value }: Optional) => (value === undefined ? new CelError('optional.none() dereference') : value),
  ],
  ['hasValue', 'optional_hasValue', 'optional(V).() -> bool', ({ value }: Optional) => value !== undefined],
  ['or', 'optional_or_optional', 'optional(V).(optional(V)) -> optional(V)', built],
  ['orValue', 'optional_orValue_value', 'optional(V).(V) -> V', built],
  ['_?._', 'select_optional_field', '(dyn, string) -> optional(V)', built],
  ['_[?_]', 'list_optindex_optional_int', '(list(V), int) -> optional(V)', built],
  ['_[?_]', 'optional_list_optindex_optional_int', '(optional(list(V)), int) -> optional(V)', built],
  ['_[?_]', 'map_optindex_optional_value', '(map(K, V), K) -> optional(V)', built],
  ['_[?_]', 'optional_map_optindex_optional_value', '(optional(map(K, V)), K) -> optional(V)', built],
  ['_[_]', 'optional_list_index_int', '(optional(list(V)), int) -> optional(V)', built],
  ['_[_]', 'optional_map_index_value', '(optional(map(K, V)), K) -> optional(V)', built],
  ['optional.unwrap', 'optional_unwrap', '(list(optional(V))) -> list(V)', unwrap],
  ['unwrapOpt', 'optional_unwrapOpt', 'list(optional(V)).() -> list(V)', unwrap],
]
