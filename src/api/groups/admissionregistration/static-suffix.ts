const SUFFIX = '.static.k8s.io'

/** Names that belong to what is configured by files. */
export function staticSuffixWarnings(name: string): readonly string[] {
  if (!name.endsWith(SUFFIX)) return []
  return [
    `metadata.name: names ending with ${JSON.stringify(SUFFIX)} are reserved for static manifest-based configurations and cannot be managed via the API`,
  ]
}
