/**
 * The generated table of every built-in type (`facts.gen.json`), as compact as it can be read.
 *
 * A type expression is a scalar (`string`, `int32`, `int64`, `double`, `bool`, `bytes`, `quantity`, `int-or-string`, `time`,
 * `micro-time`, `duration`), `any` or `any:Name`, the name of another type (`core.v1.PodSpec`), or a list (`[]T`) or map (`{}T`) of one.
 */
export interface Facts {
  /** `core.v1` → `io.k8s.api.core.v1`. */
  readonly packages: Readonly<Record<string, string>>
  /** `apps/v1/Deployment` → `apps.v1.Deployment`. */
  readonly kinds: Readonly<Record<string, string>>
  readonly types: Readonly<Record<string, FactType>>
}

export interface FactType {
  readonly atomic?: boolean
  readonly unions?: readonly unknown[]
  /** In the order of the wire format. */
  readonly fields: readonly FactField[]
}

/**
 * Flags: `r` required, `o` left out when empty, `z` left out when it is the zero struct, `p` may be absent as opposed to empty
 * (a pointer in Go). The number is that of the protobuf encoding, 0 where there is none.
 */
export type FactField = readonly [name: string, type: string, flags: string, proto: number, options?: FactOptions]

export interface FactOptions {
  readonly enum?: readonly string[]
  readonly listType?: 'atomic' | 'set' | 'map'
  readonly listKeys?: readonly string[]
  readonly mergeKey?: string
  readonly patchStrategy?: string
  readonly mapType?: 'atomic' | 'granular'
  /** Known values of what is in a list or map. */
  readonly itemEnum?: readonly string[]
  /** Whether documents refer to the type without anything around the reference. */
  readonly bare?: boolean
  readonly default?: unknown
  /** All field numbers on the way, where protobuf has a message around fields that JSON has inline. */
  readonly protoPath?: readonly number[]
  /** The Go type that messages name, where it does not follow from `type`. */
  readonly go?: string
  /** The names of the Go structs that are embedded on the way to the field: messages name them. */
  readonly embedded?: string
}
