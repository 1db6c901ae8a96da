import type { KubeObject } from '../meta/object.ts'
import { qualifiedNameErrors } from '../validation/names.ts'
import { STANDARD_FINALIZERS } from '../validation/object-meta.ts'

/** New finalizers of a custom resource that other writers of finalizers could have chosen as well. */
export function finalizerWarnings({ metadata }: KubeObject, old: KubeObject | undefined): readonly string[] {
  if (metadata?.finalizers === undefined) return []
  const before = new Set(old?.metadata?.finalizers)
  return [...new Set(metadata.finalizers)]
    .filter((name) => !before.has(name))
    .sort()
    .flatMap((name) =>
      [...qualifiedNameErrors(name), ...lonelyName(name)].map((text) => `metadata.finalizers: ${JSON.stringify(name)}: ${text}`),
    )
}

function lonelyName(name: string): readonly string[] {
  if (name.includes('/') || STANDARD_FINALIZERS.includes(name)) return []
  const path = name.includes('.') ? ' including a path (/)' : ''
  return [`prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`]
}
