/** What discovery says of a served resource (`resources.gen.json`), in the order in which groups and resources are announced. */
export interface ResourceFact {
  readonly group: string
  readonly version: string
  /** Whether this is the version that a client without an opinion should use. */
  readonly preferred?: boolean
  readonly kind: string
  readonly listKind?: string
  readonly plural: string
  readonly singular: string
  readonly namespaced: boolean
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly verbs: readonly string[]
  /** Whether DELETE answers with the object and not with a Status. */
  readonly deletedObject?: boolean
  readonly subresources?: Readonly<Record<string, SubresourceFact>>
}

export interface SubresourceFact {
  readonly verbs: readonly string[]
  readonly speaks?: { readonly group: string; readonly version: string; readonly kind: string }
}
